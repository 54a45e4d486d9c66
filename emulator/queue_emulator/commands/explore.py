"""The command `explore`: the progress that it shows, and what it says and writes of what it found.

Exit codes: 0 nothing is broken, 1 something is, 2 refused; of a replay see replay.py.
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from queue_emulator.commands.replay import BROKEN, HOLDS, replay
from queue_emulator.core.clock import Stopwatch
from queue_emulator.core.errors import SettingsError
from queue_emulator.core.javascript import Json
from queue_emulator.explore import files, text_report
from queue_emulator.explore.deployed import answering
from queue_emulator.explore.explorer import Explorer, Finding, check_tried
from queue_emulator.explore.processes import Progress, search
from queue_emulator.explore.scenario_file import scenarios_named
from queue_emulator.explore.scenarios import BY_NAME, SCENARIOS, with_machines
from queue_emulator.explore.search import LANES
from queue_emulator.explore.searching import Search, collect_seldom
from queue_emulator.explore.shares import Share, read_share, scenarios_of, share_of, together
from queue_emulator.terminal import tell
from queue_emulator.transfer.output import say
from queue_emulator.worker.rollout import version_paths
from queue_emulator.workerd.bindings import WorkerFlags
from queue_emulator.workerd.stopped import WorkerStopped

_SECONDS_DEFAULT = 10.0
_PROGRESS_MS = 1_000
_WORKERS_MAX = 4  # if nobody says how many: each takes 60 MB, and as much for a workerd
_UNSTEADY = (
    "queue-emulator: {} broken schedules broke nothing when they were run again, and are not shown: the Worker keeps "
    "something between requests, such as a variable of a module"
)
_LOST = "queue-emulator: {} of {} processes did not stop and were killed in the midst of a schedule"
_LARGE = (
    "queue-emulator: {} of {} findings were not made small, and what they need is known in part: the search had ended. "
    "Search for longer, or with --schedules"
)


def explore(parsed: argparse.Namespace) -> int:
    """Search, put together what was found elsewhere, or replay a schedule; returns the exit code."""
    _check(parsed)
    if parsed.replay is not None:
        return replay(parsed, flags(parsed))
    folder: Path | None = parsed.out
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    collect_seldom()
    watch = Stopwatch()
    outcome = _merge(parsed) if parsed.merge else _search(parsed, watch)
    findings = sorted(outcome.findings, key=lambda each: (each.rank, each.at_schedule))
    named = list(zip(_names(findings), findings, strict=True))
    if folder is not None:
        for name, finding in named:
            files.write(
                folder, name, finding, files.replay_command(folder / f"{name}.schedule", parsed.worker, parsed.version)
            )
        files.write_share(folder, outcome.share)
    if parsed.json:
        say(json.dumps(_as_json(outcome.share, named, folder), ensure_ascii=False))
    else:
        for name, finding in named:
            say(*text_report.five_lines(finding, _see_again(name, folder, parsed.worker, parsed.version)), "")
        say(_summary(outcome, watch))
    large = sum(not each.small for each in findings)
    if large:
        tell(_LARGE.format(large, len(findings)))
    if outcome.share.unsteady:
        tell(_UNSTEADY.format(outcome.share.unsteady))
    if outcome.failed:
        raise SettingsError(f"{outcome.failed}; the search is not finished")
    check_tried(len(findings) + outcome.share.unsteady, outcome.share.schedules, outcome.share.operations)
    return BROKEN if findings else HOLDS


class _Outcome(NamedTuple):
    findings: Sequence[Finding]
    share: Share
    interrupted: bool = False
    failed: str = ""


def _check(parsed: argparse.Namespace) -> None:
    """Raises SettingsError for options that do not go together."""
    for one, why, others in _APART:
        if getattr(parsed, one) not in (None, []):
            stray = next((each for each in others if getattr(parsed, each) not in (None, [])), None)
            if stray is not None:
                raise SettingsError(f"--{one} {why}: it takes no --{stray}")
    if parsed.picture is not None and parsed.replay is None:
        raise SettingsError("--picture draws one schedule: give it with --replay; --out draws each that is found")


_SEARCHED = ("seconds", "schedules", "workers", "shard")
_APART = (
    ("replay", "does one schedule again", (*_SEARCHED, "out", "merge")),
    ("merge", "puts together what was found", _SEARCHED),
)


def _merge(parsed: argparse.Namespace) -> _Outcome:
    """What shards of one search have written, as one run has it."""
    shares = [read_share(folder) for folder in parsed.merge]
    scenarios = scenarios_of(shares, parsed.scenario)
    with answering([*SCENARIOS, *scenarios.values()], flags(parsed), workerd=parsed.workerd) as answered:
        return _Outcome(*together(shares, answered, scenarios))


def _search(parsed: argparse.Namespace, watch: Stopwatch) -> _Outcome:
    shard, shards = parsed.shard or (1, 1)
    lanes = range(LANES)[shard - 1 :: shards]
    seconds = _SECONDS_DEFAULT if parsed.seconds is None else parsed.seconds
    asked = Search(
        tuple(parsed.scenario),
        parsed.random_seed,
        lanes,
        seconds,
        parsed.schedules,
        parsed.machines,
        flags(parsed),
        parsed.workerd,
    )
    workers = min(parsed.workers or _workers_default(asked), len(lanes))
    return _here(asked, watch) if workers == 1 else _in_processes(asked, workers, watch)


def _workers_default(asked: Search) -> int:
    """All cores get more done in a time; code of somebody's own runs here, where a debugger comes to it."""
    if asked.schedules is not None or any(name not in BY_NAME for name in asked.scenarios):
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _WORKERS_MAX)


def _in_processes(asked: Search, workers: int, watch: Stopwatch) -> _Outcome:
    said = _Said(watch)
    searched = search(asked, workers, said)
    if searched.lost:
        tell(_LOST.format(searched.lost, workers))
    shares = [searched.share]
    scenarios = scenarios_of(shares, asked.scenarios)
    with answering([*SCENARIOS, *scenarios.values()], asked.flags, workerd=asked.workerd) as answered:
        found = together(shares, answered, scenarios, just_now=True)
    return _Outcome(*found, searched.interrupted, searched.failed)


def _here(asked: Search, watch: Stopwatch) -> _Outcome:
    """Until it is enough; what was found stays found at Ctrl-C, and where the runtime ends."""
    scenarios, interrupted, failed, said = scenarios_named(asked.scenarios), False, "", _Said(watch)
    with answering(scenarios, asked.flags, workerd=asked.workerd) as answers:
        answered = with_machines(answers, asked.machines)
        explorer = Explorer(scenarios, asked.seed, swarm=not asked.scenarios, answered=answered, lanes=asked.lanes)

        allowed = asked.allowed

        def enough() -> bool:
            if said.due():
                said(progress_of(explorer))
            return allowed.searched()

        try:
            for _ in explorer.run(enough, asked.schedules, small_enough=allowed.small_enough):
                pass
        except KeyboardInterrupt:
            interrupted = True
        except WorkerStopped as error:
            interrupted, failed = True, str(error)
    return _Outcome(explorer.findings, share_of(explorer, asked.part), interrupted, failed)


def flags(parsed: argparse.Namespace) -> WorkerFlags | None:
    """What is said of a Worker in JavaScript; raises SettingsError for what is of none."""
    if parsed.worker is not None:
        versions = tuple(version_paths(parsed.version).items())
        return WorkerFlags(parsed.worker, parsed.binding, parsed.var, versions=versions)
    stray = next((each for each in ("binding", "var", "version") if getattr(parsed, each)), None)
    if stray is not None:
        raise SettingsError(f"--{stray} is only for your own Worker: add --worker PATH")
    return None


def progress_of(explorer: Explorer) -> Progress:
    broken = tuple(dict.fromkeys(finding.target.guarantee for finding in explorer.findings))
    return Progress(explorer.schedules, len(explorer.findings), broken)


class _Said:
    """The progress line, once a second."""

    def __init__(self, watch: Stopwatch) -> None:
        self._watch = watch
        self._said_ms = 0.0

    def due(self) -> bool:
        return self._watch.elapsed_ms() - self._said_ms >= _PROGRESS_MS

    def __call__(self, progress: Progress) -> None:
        if not self.due():
            return
        now_ms = self._said_ms = self._watch.elapsed_ms()
        schedules, findings, ids = progress
        broken = sorted(ids, key=lambda id: (len(id), id))
        tell(
            f"{now_ms / 1000:.0f} s: {schedules} schedules, {schedules * 1000 / now_ms:.0f} a second; "
            f"{findings} findings, broken guarantees: {', '.join(broken) or 'none'}"
        )


def _summary(outcome: _Outcome, watch: Stopwatch) -> str:
    found, share = len(outcome.findings), outcome.share
    said = f"{found} finding{'' if found == 1 else 's'}" if found else "nothing is broken"
    return (
        f"{said} in {share.schedules} schedules of {share.operations} KV operations, "
        f"{watch.elapsed_ms() / 1000:.1f} s" + ("; interrupted" if outcome.interrupted else "")
    )


def _names(findings: Sequence[Finding]) -> list[str]:
    """A name for each, no two the same."""
    names: list[str] = []
    for finding in findings:
        name, count = text_report.name(finding), 1
        while (numbered := name if count == 1 else f"{name}-{count}") in names:
            count += 1
        names.append(numbered)
    return names


def _see_again(name: str, folder: Path | None, worker: Path | None, versions: Sequence[str]) -> str:
    if folder is None:
        return "give --out DIR to have its schedule written"
    return files.replay_command(folder / f"{name}.schedule", worker, versions)


def _as_json(share: Share, named: Sequence[tuple[str, Finding]], folder: Path | None) -> Json:
    return {
        "schedules": share.schedules,
        "operations": share.operations,
        "findings": [
            {
                "name": name,
                "guarantee": finding.guarantee.id,
                "sentence": finding.guarantee.sentence,
                "why": finding.broken.why,
                "needs": [[each.name.lower() for each in cause] for cause in finding.causes],
                "requests": list(finding.verbs),
                "small": finding.small,
                "steps": len(finding.made),
                "switches": finding.switches,
                "atSchedule": finding.at_schedule,
                "schedule": None if folder is None else str(folder / f"{name}.schedule"),
                "picture": None if folder is None else str(folder / f"{name}.svg"),
            }
            for name, finding in named
        ],
    }
