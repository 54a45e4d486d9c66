"""The command `explore --replay`: one schedule again, and whether it still breaks what it broke.

Exit codes: 0 it holds now, 1 it is still broken, 2 refused, 3 it cannot be replayed to its end.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from queue_emulator.core.errors import EmulatorError, SettingsError
from queue_emulator.explore import files, schedule
from queue_emulator.explore.causes import causes
from queue_emulator.explore.deployed import answering
from queue_emulator.explore.picturing import Shown
from queue_emulator.explore.scenario_file import scenario_for
from queue_emulator.kv.folder import read_small
from queue_emulator.terminal import tell
from queue_emulator.transfer.output import say
from queue_emulator.workerd.bindings import WorkerFlags

HOLDS, BROKEN, CANNOT_GO_ON = 0, 1, 3
_FILE_BYTES_MAX = 1_000_000


def replay(parsed: argparse.Namespace, flags: WorkerFlags | None) -> int:
    """Run a schedule again, on the Worker of `flags` if any; returns the exit code."""
    read = _read(parsed.replay, parsed.scenario)
    with answering((read.scenario,), flags, workerd=parsed.workerd) as answered:
        return _replay(replace(read, scenario=answered(read.scenario)), parsed)


def _replay(read: schedule.Schedule, parsed: argparse.Namespace) -> int:
    path, picture_path = parsed.replay, parsed.picture
    try:
        replayed = schedule.replay(read)
    except SettingsError:
        raise
    except EmulatorError as error:
        tell(f"queue-emulator: {path}: cannot go on: {error}")
        return CANNOT_GO_ON
    guarantee, broken = read.scenario.subject.guarantees[read.target.guarantee], replayed.broken
    if picture_path is not None:
        its_causes = () if broken is None else causes(replayed.world, read.target)
        shown = Shown(read.scenario, replayed.world.history, read.target, broken, its_causes)
        files.draw(
            picture_path, shown, name=path.stem, command=files.replay_command(path, parsed.worker, parsed.version)
        )
    if parsed.json:
        members = {"guarantee": guarantee.id, "broken": broken is not None, "differs": replayed.differs}
        say(json.dumps(members | {"why": None if broken is None else broken.why}, ensure_ascii=False))
    else:
        if replayed.differs is not None:
            say(f"The replay differs from the schedule: {path}, {replayed.differs}.")
        if broken is None:
            say(f"Holds now: {guarantee.title}. {guarantee.sentence}")
        else:
            say(f"Still broken: {guarantee.title}: {broken.why}")
    return HOLDS if broken is None else BROKEN


def _read(path: Path, named: Sequence[str]) -> schedule.Schedule:
    try:
        text = read_small(path, _FILE_BYTES_MAX).decode()
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: no schedule: it is not UTF-8") from None
    of = schedule.scenario_of(text)
    return schedule.read(text, str(path), None if of is None else scenario_for(str(path), of, named))
