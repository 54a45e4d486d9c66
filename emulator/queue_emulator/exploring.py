"""The command `explore`: the progress that it shows, and what it says and writes of what it found.

Exit codes: 0 nothing is broken, or a replayed schedule holds now; 1 something is; 2 refused; 3 a schedule that cannot
be replayed to its end.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from queue_emulator.core.clock import Stopwatch
from queue_emulator.core.errors import EmulatorError, SettingsError
from queue_emulator.core.javascript import Json
from queue_emulator.explore import files, schedule, telling
from queue_emulator.explore.causes import causes
from queue_emulator.explore.explorer import Explorer, Finding
from queue_emulator.explore.picturing import Shown
from queue_emulator.explore.scenario_file import read_scenario
from queue_emulator.explore.scenarios import ODD_LIST, SCENARIOS, Scenario
from queue_emulator.kv.folder import read_small
from queue_emulator.terminal import tell
from queue_emulator.transfer.output import say

HOLDS, BROKEN, CANNOT_GO_ON = 0, 1, 3
_SECONDS_DEFAULT = 10.0
_FILE_BYTES_MAX = 1_000_000
_PROGRESS_MS = 1_000


def explore(parsed: argparse.Namespace) -> int:
    """Search, or replay a schedule; returns the exit code."""
    if parsed.replay is not None:
        searched = next((each for each in ("seconds", "schedules", "out") if getattr(parsed, each)), None)
        if searched is not None:
            raise SettingsError(f"--replay does one schedule again: it takes no --{searched}")
        return _replay(parsed.replay, parsed.picture, parsed.scenario, as_json=parsed.json)
    if parsed.picture is not None:
        raise SettingsError("--picture draws one schedule: give it with --replay; --out draws each that is found")
    explorer = Explorer(_scenarios(parsed.scenario), parsed.random_seed, swarm=not parsed.scenario)
    folder: Path | None = parsed.out
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    watch = Stopwatch()
    interrupted = _search(explorer, watch, parsed.seconds, parsed.schedules)
    findings = sorted(explorer.findings, key=lambda each: (each.rank, each.at_schedule))
    named = list(zip(_names(findings), findings, strict=True))
    if folder is not None:
        for name, finding in named:
            files.write(folder, name, finding, files.replay_command(folder / f"{name}.schedule"))
    if parsed.json:
        say(json.dumps(_as_json(explorer, named, folder), ensure_ascii=False))
    else:
        for name, finding in named:
            say(*telling.five_lines(finding, _see_again(name, folder)), "")
        say(_summary(explorer, watch, interrupted))
    return BROKEN if findings else HOLDS


def _search(explorer: Explorer, watch: Stopwatch, seconds: float | None, schedules: int | None) -> bool:
    """Until it is enough; what was found stays found at Ctrl-C. Whether that came."""
    said_ms = 0.0
    end_ms = (_SECONDS_DEFAULT if seconds is None else seconds) * 1000

    def enough() -> bool:
        nonlocal said_ms
        now_ms = watch.elapsed_ms()
        if now_ms - said_ms >= _PROGRESS_MS:
            said_ms = now_ms
            tell(_progress(explorer, now_ms))
        return explorer.schedules >= schedules if schedules is not None else now_ms >= end_ms

    try:
        for _ in explorer.run(enough):
            pass
    except KeyboardInterrupt:
        return True
    return False


def _progress(explorer: Explorer, now_ms: float) -> str:
    findings = sorted(explorer.findings, key=lambda finding: finding.rank)
    broken = ", ".join(dict.fromkeys(finding.target.guarantee for finding in findings)) or "none"
    return (
        f"{now_ms / 1000:.0f} s: {explorer.schedules} schedules, {explorer.schedules * 1000 / now_ms:.0f} a second; "
        f"{len(explorer.findings)} findings, broken guarantees: {broken}"
    )


def _summary(explorer: Explorer, watch: Stopwatch, interrupted: bool) -> str:
    found = len(explorer.findings)
    said = f"{found} finding{'' if found == 1 else 's'}" if found else "nothing is broken"
    return (
        f"{said} in {explorer.schedules} schedules of {explorer.operations} KV operations, "
        f"{watch.elapsed_ms() / 1000:.1f} s" + ("; interrupted" if interrupted else "")
    )


def _replay(path: Path, picture_path: Path | None, named: Sequence[str], *, as_json: bool) -> int:
    try:
        text = read_small(path, _FILE_BYTES_MAX).decode()
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: no schedule: it is not UTF-8") from None
    of = schedule.scenario_of(text)
    if of is not None and not of.endswith(".toml"):
        raise SettingsError(
            f"{path} is of {of}, which is no file of a scenario: pytest replays it, by --replay-schedule"
        )
    if of is not None and of not in named and not _below_here(of):
        raise SettingsError(
            f"{path} is of {of}, which is not below this folder and can run code: say --scenario {of} too"
        )
    read = schedule.read(text, str(path), None if of is None else read_scenario(Path(of)))
    try:
        replayed = schedule.replay(read)
    except SettingsError:
        raise
    except EmulatorError as error:
        tell(f"queue-emulator: {path}: cannot go on: {error}")
        return CANNOT_GO_ON
    guarantee, broken = read.scenario.subject.guarantees[read.target.guarantee], replayed.broken
    if picture_path is not None:
        its_causes = () if broken is None else causes(read.scenario, replayed.world.made, read.target)
        shown = Shown(read.scenario, replayed.world.history, read.target, broken, its_causes)
        files.draw(picture_path, shown, name=path.stem, command=files.replay_command(path))
    if as_json:
        members = {"guarantee": guarantee.id, "broken": broken is not None, "differs": replayed.differs}
        say(json.dumps(members | {"why": None if broken is None else broken.why}, ensure_ascii=False))
    else:
        if replayed.differs is not None:
            say(f"It goes another way: {path}, {replayed.differs}.")
        if broken is None:
            say(f"Holds now: {guarantee.title}. {guarantee.sentence}")
        else:
            say(f"Still broken: {guarantee.title}: {broken.why}")
    return HOLDS if broken is None else BROKEN


def _below_here(name: str) -> bool:
    """Whether a file that a schedule names is one of the folder in which the user works, links resolved."""
    return Path(name).resolve().is_relative_to(Path.cwd().resolve())


def _scenarios(names: Sequence[str]) -> Sequence[Scenario]:
    by_name = {scenario.name: scenario for scenario in (*SCENARIOS, ODD_LIST)}
    for name in names:
        if name not in by_name and not name.endswith(".toml"):
            raise SettingsError(f"unknown scenario {name!r}; there are {', '.join(by_name)}, and files as mine.toml")
    return [by_name.get(name) or read_scenario(Path(name)) for name in dict.fromkeys(names)] or SCENARIOS


def _names(findings: Sequence[Finding]) -> list[str]:
    """A name for each, no two the same."""
    names: list[str] = []
    for finding in findings:
        name, count = telling.name(finding), 1
        while (numbered := name if count == 1 else f"{name}-{count}") in names:
            count += 1
        names.append(numbered)
    return names


def _see_again(name: str, folder: Path | None) -> str:
    if folder is None:
        return "give --out DIR to have its schedule written"
    return files.replay_command(folder / f"{name}.schedule")


def _as_json(explorer: Explorer, named: Sequence[tuple[str, Finding]], folder: Path | None) -> Json:
    return {
        "schedules": explorer.schedules,
        "operations": explorer.operations,
        "findings": [
            {
                "name": name,
                "guarantee": finding.guarantee.id,
                "sentence": finding.guarantee.sentence,
                "why": finding.broken.why,
                "needs": [[each.name.lower() for each in cause] for cause in finding.causes],
                "requests": list(finding.verbs),
                "steps": len(finding.made),
                "switches": finding.switches,
                "atSchedule": finding.at_schedule,
                "schedule": None if folder is None else str(folder / f"{name}.schedule"),
                "picture": None if folder is None else str(folder / f"{name}.svg"),
            }
            for name, finding in named
        ],
    }
