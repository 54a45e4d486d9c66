"""The explorer as the inspector uses it: a search in a process of its own, and schedules that a person plays."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated

import msgspec

from queue_emulator.core.errors import SettingsError
from queue_emulator.core.javascript import Json, ToJson, stringify_json
from queue_emulator.core.places import MACHINES_MAX
from queue_emulator.core.shapes import shaped
from queue_emulator.drawing.picture import picture
from queue_emulator.explore import schedule as schedules
from queue_emulator.explore.causes import Target
from queue_emulator.explore.guarantee import broken
from queue_emulator.explore.history import Begun, Ended, Step
from queue_emulator.explore.options import options
from queue_emulator.explore.picturing import Shown, story
from queue_emulator.explore.scenarios import SCENARIOS, Scenario
from queue_emulator.explore.schedule import FIRST_LINE, Line, Schedule
from queue_emulator.explore.turns import EXPIRY_MS, MINUTE_MS, USUAL_MS, Choice
from queue_emulator.explore.world import World

_LINE_BYTES_MAX = 16 << 20  # of what a search tells: a finding with its picture
_END = b'{"end":'  # how the last line of a search begins
_PAUSE_MS_MAX = 86_400_000
_PAUSES = {0: "at once", MINUTE_MS: "60 s later", EXPIRY_MS: "when the next key expires"}


class LiveExplorer:
    """What the controls are given."""

    def scenarios(self) -> Sequence[Mapping[str, ToJson]]:
        """The built-in ones: who does what, and where."""
        return [_scenario_as_json(each) for each in SCENARIOS]

    def search(self, scenario: str | None, seconds: float, random_seed: int) -> AsyncIterator[str]:
        """As `Explorer.search` of the controls has it."""
        if scenario is not None:
            _scenario_named(scenario)
        return _searched(scenario or "", seconds, random_seed)

    def play(self, schedule: str, choices: Sequence[Mapping[str, Json]]) -> Mapping[str, ToJson]:
        """As `Explorer.play` of the controls has it. Nothing is kept: each step is played from the beginning."""
        read = _read(schedule)
        world, ended = World(read.scenario), False
        made: list[Choice] = []
        for each in choices:
            if ended:
                raise SettingsError("the schedule has ended: nothing can be chosen after that")
            if each.get("end") is True:
                ended = True
                continue
            choice = _choice(each)
            if not _possible(world, choice) or not world.do(choice):
                raise SettingsError(f"{choice.actor[:40]!r} cannot go on like this here")
            made.append(choice)
        ended = ended or not world.able()
        if ended:
            world.settle()
        return _played(world, read, made, ended)


async def _searched(scenario: str, seconds: float, random_seed: int) -> AsyncIterator[str]:
    """The lines of the process; it is ended when nobody wants more of them."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # no module of the folder that the emulator was started in
        "-m",
        "queue_emulator.compose.live_search",
        scenario,
        str(seconds),
        str(random_seed),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_BYTES_MAX,
    )
    try:
        assert process.stdout is not None
        ended = False
        async for line in process.stdout:
            ended = ended or line.startswith(_END)
            yield line.decode().rstrip("\n")
        code = await process.wait()
        if not ended:
            why = f"the search ended with exit code {code} before it was over; its last words are in the emulator's log"
            yield stringify_json({"error": why})
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _read(text: str) -> Schedule:
    if text.startswith(FIRST_LINE):
        read = schedules.read(text, "the schedule")
        machines = max((each.machine for each in read.lines), default=1)
        return replace(read, scenario=replace(read.scenario, machines=machines))
    scenario = _scenario_named(text)
    return Schedule(Target(next(iter(scenario.subject.guarantees)), ()), scenario, ())


def _scenario_named(name: str) -> Scenario:
    found = next((each for each in SCENARIOS if each.name == name), None)
    if found is None:
        raise SettingsError(f"unknown scenario {name[:40]!r}; there are {', '.join(each.name for each in SCENARIOS)}")
    return found


def _scenario_as_json(scenario: Scenario) -> Mapping[str, ToJson]:
    return {
        "name": scenario.name,
        "before": list(scenario.before),
        "faults": list(scenario.faults),
        "actors": [
            {"name": each.name, "location": each.location, "version": each.version, "script": list(each.script)}
            for each in scenario.actors
        ],
    }


class _Chosen(msgspec.Struct):
    actor: str
    pause_ms: Annotated[int, msgspec.Meta(ge=EXPIRY_MS, le=_PAUSE_MS_MAX)] = USUAL_MS
    fault: str = ""
    machine: Annotated[int, msgspec.Meta(ge=1, le=MACHINES_MAX)] = 1


def _choice(given: Mapping[str, Json]) -> Choice:
    chosen = shaped(given, _Chosen)
    return Choice(chosen.actor, chosen.pause_ms, chosen.fault, chosen.machine)


def _possible(world: World, choice: Choice) -> bool:
    """Whether there is this fault to be had, and this machine; how long to wait is anybody's choice."""
    if choice.machine > world.scenario.machines:
        return False
    return not choice.fault or (world.faults_left > 0 and choice.fault in world.scenario.faults)


def _played(world: World, read: Schedule, made: Sequence[Choice], ended: bool) -> Mapping[str, ToJson]:
    found = broken(world.history) if ended else []
    guarantees = read.scenario.subject.guarantees
    return {
        "scenario": _scenario_as_json(read.scenario),
        "made": len(made),
        "steps": len(read.lines),
        "ended": ended,
        "next": [] if ended else [_option(world, each) for each in options(world)],
        "suggested": None if ended else _suggested(read.lines, made),
        "broken": [
            {"guarantee": each.guarantee, "title": guarantees[each.guarantee].title, "why": each.why} for each in found
        ],
        "picture": _drawn(world, read, ended),
    }


def _option(world: World, choice: Choice) -> Mapping[str, ToJson]:
    """What can be chosen: who goes on with what, after which pause, with which fault."""
    upcoming = world.upcoming(choice.actor)
    return {
        "actor": choice.actor,
        "pause_ms": choice.pause_ms,
        "fault": choice.fault,
        "machine": choice.machine,
        "begins": upcoming,
        "continues": None if upcoming is not None else _running(world, choice.actor),
        "pause": _PAUSES.get(choice.pause_ms, ""),
    }


def _running(world: World, actor: str) -> str | None:
    """The request that an actor is in the midst of."""
    begun = [each.call for each in world.history.happenings if isinstance(each, Begun)]
    return next((call.request.text for call in reversed(begun) if call.actor.name == actor), None)


def _suggested(lines: Sequence[Line], made: Sequence[Choice]) -> Mapping[str, ToJson] | None:
    """What the schedule does next, if all that was chosen was as it says."""
    as_told = [Choice(each.actor, each.pause_ms, each.fault, each.machine) for each in lines]
    if len(made) >= len(lines) or as_told[: len(made)] != list(made):
        return None
    line = lines[len(made)]
    return {
        "actor": line.actor,
        "pause_ms": line.pause_ms,
        "fault": line.fault,
        "machine": line.machine,
        "operation": line.operation,
    }


def _drawn(world: World, read: Schedule, ended: bool) -> str | None:
    """The story so far; None before anything happens."""
    if not any(isinstance(each, Step | Ended) for each in world.history.happenings):
        return None
    why = None
    if ended:
        why = read.target.breaks(world.history) or next(iter(broken(world.history)), None)
    target = read.target if why is None else Target(why.guarantee, why.how)
    told = story(Shown(read.scenario, world.history, target, why, ()), name="play", command="")
    if why is not None:
        return picture(replace(told, says=told.says[:1]))
    title = "Nothing is broken: every guarantee holds" if ended else f"So far: {len(world.made)} steps"
    return picture(replace(told, title=title, says=()))
