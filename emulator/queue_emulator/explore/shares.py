"""A part of a search as data: what it examined, as schedules, so that parts of processes and machines come together.

Parts are lanes of the search (explore/search.py), which know nothing of each other. What was examined has a sign, and
the number of its schedule among those of all lanes. Of one sign the first counts, in whatever part it is: so what comes
together is what one long run finds.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import msgspec

from queue_emulator.core.errors import SettingsError
from queue_emulator.explore import files, schedule, text_report
from queue_emulator.explore.behaviour import Behaviour
from queue_emulator.explore.causes import Target, replay
from queue_emulator.explore.explorer import Explorer, Finding, examine, keep
from queue_emulator.explore.failures import Sign, known_by
from queue_emulator.explore.scenario_file import scenario_for
from queue_emulator.explore.scenarios import Answered, Scenario
from queue_emulator.explore.search import LANES
from queue_emulator.explore.turns import Choice
from queue_emulator.explore.world import World
from queue_emulator.kv.folder import read_small

_BYTES_MAX = 100_000_000


class Examined(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One finding, in the scenario that it was found in: the text of its schedule, and what was chosen.

    `paused` and `signs` are of the failure as it was found; `small`: whether it was made as small as it gets.
    """

    scenario: str
    guarantee: str
    how: tuple[str, ...]
    signs: tuple[tuple[Behaviour, bool], ...]
    causes: tuple[tuple[Behaviour, ...], ...]
    at_schedule: int
    schedule: str
    choices: tuple[Choice, ...]
    paused: bool = False
    small: bool = True

    @property
    def sign(self) -> Sign:
        return self.scenario, Target(self.guarantee, self.how), self.signs, self.paused


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Its lanes, and of which search: what must be the same in all that come together."""

    seed: int
    scenarios: tuple[str, ...]
    machines: int
    lanes: tuple[int, ...]


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a part has tried, and what it has examined."""

    part: Part
    schedules: int
    operations: int
    unsteady: int
    examined: tuple[Examined, ...]


class Together(NamedTuple):
    """The findings of several parts, and what they have tried."""

    findings: Sequence[Finding]
    share: Share


def share_of(explorer: Explorer, part: Part) -> Share:
    """What it has done so far."""
    data = tuple(examined(sign, finding) for sign, finding in explorer.examined.items())
    return Share(part, explorer.schedules, explorer.operations, explorer.unsteady, data)


def examined(sign: Sign, finding: Finding) -> Examined:
    """What a failure with this sign has come to, as data."""
    scenario, target, told, paused = sign
    return Examined(
        scenario,
        target.guarantee,
        target.how,
        told,
        finding.causes,
        finding.at_schedule,
        schedule.write(finding, text_report.needs(finding.causes)),
        tuple(each.choice for each in finding.made),
        paused,
        finding.small,
    )


def made_small(
    found: Examined, answered: Answered, scenarios: Mapping[str, Scenario], enough: Callable[[], bool]
) -> Examined | None:
    """The same when it was examined, for which there is time until it is `enough`; None if it breaks nothing again."""
    read, world = _again(found, answered, scenarios)
    finding = examine(world.scenario, world.made, read.target, found.signs, found.at_schedule, enough)
    return None if finding is None else examined(found.sign, finding)


def scenarios_of(shares: Iterable[Share], named: Sequence[str]) -> dict[str, Scenario]:
    """The files of scenarios that were searched, by path; raises SettingsError for one that is not to be trusted."""
    paths = [schedule.scenario_of(each.schedule) for share in shares for each in share.examined]
    return {of: scenario_for("a schedule", of, named) for of in dict.fromkeys(paths) if of is not None}


def together(
    shares: Sequence[Share], answered: Answered, scenarios: Mapping[str, Scenario], *, just_now: bool = False
) -> Together:
    """As one long run has it; `answered` is who answered in each of them, `scenarios` those that are files.

    `just_now`: they were made by this command, so that no other Worker can have answered in them.
    Raises SettingsError for parts of different searches, and for parts that overlap.
    """
    part = _one_part([share.part for share in shares])
    first: dict[Sign, Examined] = {}
    for each in sorted((each for share in shares for each in share.examined), key=lambda each: each.at_schedule):
        if not known_by(each.sign, first):
            first[each.sign] = each
    findings: list[Finding] = []
    unsteady = sum(share.unsteady for share in shares)
    for each in first.values():
        finding = _finding(each, answered, scenarios)
        if finding is not None:
            findings = keep(findings, finding)
        elif not just_now:
            raise SettingsError(f"a schedule of {each.scenario} breaks nothing now: is it of another Worker?")
        else:
            unsteady += 1
    total = Share(
        part,
        sum(share.schedules for share in shares),
        sum(share.operations for share in shares),
        unsteady,
        tuple(first.values()),
    )
    return Together(findings, total)


_SAME = {"seed": "--random-seed", "scenarios": "--scenario", "machines": "--machines"}


def _one_part(parts: Sequence[Part]) -> Part:
    first = parts[0]
    for name, option in _SAME.items():
        other = next((each for each in parts if getattr(each, name) != getattr(first, name)), None)
        if other is not None:
            one, two = (_words(getattr(each, name)) for each in (first, other))
            raise SettingsError(f"these are parts of different searches: {option} is {one} in one, {two} in another")
    lanes = Counter(lane for each in parts for lane in each.lanes)
    twice = next((lane for lane, count in lanes.items() if count > 1), None)
    if twice is not None:
        raise SettingsError(f"part {twice + 1} of {LANES} of the search is there twice: name each part once")
    return msgspec.structs.replace(first, lanes=tuple(sorted(lanes)))


def _words(value: int | tuple[str, ...]) -> str:
    return str(value) if isinstance(value, int) else ", ".join(value) or "not given"


def read_share(folder: Path) -> Share:
    """What `explore --out` has written into a folder; raises SettingsError for what is none."""
    path = folder / files.SHARE
    try:
        return msgspec.json.decode(read_small(path, _BYTES_MAX), type=Share)
    except FileNotFoundError:
        raise SettingsError(f"there is no {path}: {folder} must be a folder that explore --out has written") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from None


def _finding(found: Examined, answered: Answered, scenarios: Mapping[str, Scenario]) -> Finding | None:
    """Played again: all that is not in the text follows from it. None if it breaks nothing now."""
    read, world = _again(found, answered, scenarios)
    broken = read.target.breaks(world.history)
    if broken is None:
        return None
    name = schedule.scenario_of(found.schedule) or found.scenario
    scenario = replace(world.scenario, name=name)
    return Finding(
        read.target, broken, found.causes, scenario, tuple(world.made), world.history, found.at_schedule, found.small
    )


def _again(found: Examined, answered: Answered, scenarios: Mapping[str, Scenario]) -> tuple[schedule.Schedule, World]:
    of = schedule.scenario_of(found.schedule)
    read = schedule.read(found.schedule, found.scenario, None if of is None else scenarios[of])
    if read.target != Target(found.guarantee, found.how):
        raise SettingsError(
            f"a finding of {found.guarantee} has a schedule that breaks {read.target.guarantee}: it was altered"
        )
    return read, replay(answered(read.scenario), found.choices)
