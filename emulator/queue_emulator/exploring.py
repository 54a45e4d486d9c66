"""The command `explore`: the progress that it shows, and what it says and writes of what it found.

Exit codes: 0 nothing is broken, 1 something is, 2 refused; of a replay see replaying.py.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from queue_emulator.core.clock import Stopwatch
from queue_emulator.core.errors import SettingsError
from queue_emulator.core.javascript import Json
from queue_emulator.explore import files, telling
from queue_emulator.explore.deployed import answering
from queue_emulator.explore.explorer import Explorer, Finding
from queue_emulator.explore.scenario_file import read_scenario
from queue_emulator.explore.scenarios import ODD_LIST, SCENARIOS, Scenario
from queue_emulator.replaying import BROKEN, HOLDS, replay
from queue_emulator.terminal import tell
from queue_emulator.transfer.output import say
from queue_emulator.workerd.bindings import WorkerFlags

_SECONDS_DEFAULT = 10.0
_PROGRESS_MS = 1_000
_UNSTEADY = (
    "queue-emulator: {} broken schedules broke nothing when they were run again, and are not shown: the Worker keeps "
    "something between requests, such as a variable of a module"
)


def explore(parsed: argparse.Namespace) -> int:
    """Search, or replay a schedule; returns the exit code."""
    if parsed.replay is not None:
        searched = next((each for each in ("seconds", "schedules", "out") if getattr(parsed, each)), None)
        if searched is not None:
            raise SettingsError(f"--replay does one schedule again: it takes no --{searched}")
        return replay(parsed, _flags(parsed))
    if parsed.picture is not None:
        raise SettingsError("--picture draws one schedule: give it with --replay; --out draws each that is found")
    scenarios, folder = _scenarios(parsed.scenario), parsed.out
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    watch = Stopwatch()
    with answering(scenarios, _flags(parsed), workerd=parsed.workerd) as answered:
        explorer = Explorer(scenarios, parsed.random_seed, swarm=not parsed.scenario, answered=answered)
        interrupted = _search(explorer, watch, parsed.seconds, parsed.schedules)
    findings = sorted(explorer.findings, key=lambda each: (each.rank, each.at_schedule))
    named = list(zip(_names(findings), findings, strict=True))
    if folder is not None:
        for name, finding in named:
            files.write(folder, name, finding, files.replay_command(folder / f"{name}.schedule", parsed.worker))
    if parsed.json:
        say(json.dumps(_as_json(explorer, named, folder), ensure_ascii=False))
    else:
        for name, finding in named:
            say(*telling.five_lines(finding, _see_again(name, folder, parsed.worker)), "")
        say(_summary(explorer, watch, interrupted))
    if explorer.unsteady:
        tell(_UNSTEADY.format(explorer.unsteady))
    return BROKEN if findings else HOLDS


def _flags(parsed: argparse.Namespace) -> WorkerFlags | None:
    """What is said of a Worker in JavaScript; raises SettingsError for what is of none."""
    if parsed.worker is not None:
        return WorkerFlags(parsed.worker, parsed.binding, parsed.var)
    stray = next((each for each in ("binding", "var") if getattr(parsed, each)), None)
    if stray is not None:
        raise SettingsError(f"--{stray} is only for your own Worker: add --worker PATH")
    return None


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


def _see_again(name: str, folder: Path | None, worker: Path | None) -> str:
    if folder is None:
        return "give --out DIR to have its schedule written"
    return files.replay_command(folder / f"{name}.schedule", worker)


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
