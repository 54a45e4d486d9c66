"""A schedule as text that people read and that is replayed: what stands before `->` is done, the rest came of it.

A step says whose it is and which KV operation it was. A Worker that has been changed may do another one there: the
first that differs is told, and from there the order of the requests and of the switches between them is kept.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from urllib.parse import quote

from queue_emulator.core import journal_words
from queue_emulator.core.errors import SettingsError
from queue_emulator.core.shown import one_line
from queue_emulator.explore.causes import Target
from queue_emulator.explore.explorer import Finding
from queue_emulator.explore.guarantee import Broken
from queue_emulator.explore.history import Actor, Begun, Call, Ended, Settled, Step
from queue_emulator.explore.requests import require_shown
from queue_emulator.explore.scenario_limits import ACTORS_MAX, CHARACTERS_MAX
from queue_emulator.explore.scenarios import FAULTS, Scenario
from queue_emulator.explore.subject import Subject
from queue_emulator.explore.times import START_MS
from queue_emulator.explore.turns import Choice
from queue_emulator.explore.world import World
from queue_emulator.worker.rollout import DEFAULT_VERSION

FIRST_LINE = "# a schedule of queue-emulator explore, form 1"
_LINES_MAX = 10_000
_CHARACTERS_MAX = CHARACTERS_MAX + 2_000  # of a line: a key has 512 bytes, each of which may be written as three
_ACTOR = r"(?P<name>\w+) +at (?P<location>[A-Z]{3}) on (?P<version>\w+):(?P<script>.*)"
_OWN_ACTOR = r"(?P<name>\w+) +at (?P<location>[A-Z]{3})(?: on (?P<version>\w+))?"


@dataclass(frozen=True, slots=True)
class Line:
    """One step of a schedule.

    actor      whose it is
    request    the request that it is the first of; "" within one
    operation  kind and key; "" where the request is answered without any
    pause_ms   how long nothing happens before it
    fault      what is done to it
    machine    of its location, from 1, that serves the request which begins with it
    going      which it is of the operations that its request waits for at once, from 1
    number     of the line in its file
    """

    actor: str
    request: str
    operation: str
    pause_ms: int
    fault: str
    machine: int
    going: int
    number: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a file says: what is broken, who is there, and the steps."""

    target: Target
    scenario: Scenario
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a schedule: where its guarantee is broken, if it still is; what differed first, if anything did."""

    schedule: Schedule
    world: World
    broken: Broken | None
    differs: str | None


def write(finding: Finding, needs: str) -> str:
    """The finding as a schedule file; `needs` in words."""
    scenario, target = finding.scenario, finding.target
    lines = [
        FIRST_LINE,
        f"# {finding.guarantee.name}: {finding.guarantee.sentence}",
        f"# broken: {finding.broken.why}",
        f"# needs: {needs}",
        "",
        *([f"scenario   {scenario.name}"] if not scenario.subject.versions else []),
        f"broken     {' '.join((target.guarantee, *target.how))}",
        f"limits     page {scenario.page_max}, operations {scenario.operations_max}, lease {scenario.lease_s} s",
        *_final(scenario),
        *(f"before     {item}" for item in scenario.before),
        *(line for actor in scenario.actors for line in _actor(actor, scenario.subject)),
        "",
        *_steps(finding),
    ]
    return "\n".join(one_line(line).rstrip() for line in lines) + "\n"


def read(text: str, name: str, scenario: Scenario | None = None) -> Schedule:
    """The schedule that a text says, of the scenario that it was found in if that is no queue.

    Raises SettingsError with the line that cannot be understood.
    """
    if not text.startswith(FIRST_LINE):
        raise SettingsError(f"{name}: no schedule: its first line must be {FIRST_LINE!r}")
    lines = text.splitlines()
    if len(lines) > _LINES_MAX:
        raise SettingsError(f"{name}: a schedule has at most {_LINES_MAX:,} lines, this has {len(lines):,}")
    reading = _Reading(
        Scenario(name, (), faults=FAULTS) if scenario is None else replace(scenario, actors=(), before=())
    )
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#") or line.lstrip().startswith("=>"):
            continue
        try:
            if len(line) > _CHARACTERS_MAX:
                raise SettingsError(f"a line has at most {_CHARACTERS_MAX:,} characters, this has {len(line):,}")
            require_shown(line)
            reading.line(line.rstrip(), number)
        except SettingsError as error:
            raise SettingsError(f"{name}, line {number}: {error}") from None
    if reading.target is None:
        raise SettingsError(f"{name}: it does not say what is broken, for example `broken P1 claim claim`")
    return Schedule(reading.target, reading.scenario, tuple(reading.lines))


def scenario_of(text: str) -> str | None:
    """What a schedule says that its scenario is; None for the queue's."""
    match = re.search(r"^scenario +(\S.*)$", text, re.MULTILINE)
    return None if match is None else match[1].rstrip(" ")


def replay(schedule: Schedule) -> Replayed:
    """Do it again."""
    world, differs = World(schedule.scenario), None
    for line in schedule.lines:
        if differs is None:
            differs = _exactly(world, line)
        else:
            _in_order(world, line)
    history = world.settle()
    return Replayed(schedule, world, schedule.target.breaks(history), differs)


def outcome(step: Step) -> str:
    """What came of a step, in words."""
    event = step.event
    if event is None:
        return "the run is killed here"
    if event.failed is not None:
        done = ", but is done" if step.wrote else ""
        return f"fails: {event.failed}{done}"
    return journal_words.outcome(event)


def answer(call: Call, subject: Subject) -> str:
    """What a request was answered, in words."""
    return subject.words(call) if call.status else "nothing: killed"


def operation(step: Step) -> str:
    """What a step does: the kind of operation and its key, in one word each."""
    return f"{step.kind} {quote(step.key, safe=_SHOWN)}"


_SHOWN = "!#$&'()*+,/:;=?@[]^`{|}~"


def _final(scenario: Scenario) -> Iterator[str]:
    if scenario.subject.versions:
        yield f"final      {scenario.final}{', after the migration' if scenario.migrates else ''}"


def _actor(actor: Actor, subject: Subject) -> Iterator[str]:
    """On one line where a Worker has versions, and requests are a word or two; else a line for each request."""
    if subject.versions:
        yield f"actor      {actor.name} at {actor.location} on {actor.version}: {', '.join(actor.script)}"
    else:
        version = "" if actor.version == DEFAULT_VERSION else f" on {actor.version}"
        yield f"actor      {actor.name} at {actor.location}{version}"
        yield from (f"asks       {actor.name}: {text}" for text in actor.script)


def _steps(finding: Finding) -> Iterator[str]:
    """All that was done until everything settled, and each answer that came of it."""
    last_ms, said = START_MS, set[int]()
    for happening, after in pairwise((*finding.history.happenings, None)):
        if isinstance(happening, Ended):
            call = happening.call
            yield f"{'':<64} => {call.actor.name}: {call.request.text} {answer(call, finding.scenario.subject)}"
            continue
        if happening is None or isinstance(happening, Settled):
            return
        if isinstance(happening, Begun) and not (isinstance(after, Ended) and after.call is happening.call):
            continue
        call, at_ms = happening.call, happening.at_ms if isinstance(happening, Step) else happening.call.begun_ms
        if at_ms != last_ms:
            yield f"clock +{(at_ms - last_ms) / 1000:g} s"
        request = "" if id(call) in said else call.request.text
        said.add(id(call))
        last_ms = at_ms
        if isinstance(happening, Step):
            done = operation(happening) + (f" !{happening.fault}" if happening.fault else "")
            done += f" @{call.machine}" if request and call.machine != 1 else ""
            done += f" #{happening.going}" if happening.going != 1 else ""
            yield f"{call.actor.name:<10} {request:<12} {done:<40} -> {outcome(happening)}"
        else:
            yield f"{call.actor.name:<10} {request:<12} {_NOTHING}"


class _Reading:
    """What has been read so far."""

    def __init__(self, scenario: Scenario) -> None:
        self.target: Target | None = None
        self.scenario = scenario
        self.lines: list[Line] = []
        self._pause_ms = 0

    def line(self, text: str, number: int) -> None:
        word, _, rest = text.partition(" ")
        known = _WORDS.get(word)
        if known is not None:
            known(self, rest.strip())
        else:
            self._step(text.rpartition(" -> ")[0].rstrip() or text, number)

    def of(self, rest: str) -> None:
        if self._subject.versions:
            raise SettingsError(f"it is a schedule of the scenario {rest!r}, which has to be given")

    def broken(self, rest: str) -> None:
        id, *how = rest.split()
        if id not in self._subject.guarantees:
            raise SettingsError(f"unknown guarantee {id!r}; there are {', '.join(self._subject.guarantees)}")
        self.target = Target(id, tuple(how))

    def limits(self, rest: str) -> None:
        match = re.fullmatch(r"page (\d{1,4}), operations (\d{1,4}), lease (\d{1,3}) s", rest)
        if match is None or "0" in match.groups():
            raise SettingsError(f"limits are written as `page 20, operations 20, lease 120 s`, not {rest!r}")
        page_max, operations_max, lease_s = map(int, match.groups())
        self.scenario = replace(self.scenario, page_max=page_max, operations_max=operations_max, lease_s=lease_s)

    def final(self, rest: str) -> None:
        version, _, more = rest.partition(", ")
        versions = self._subject.versions
        if version not in versions or more not in ("", _MIGRATES):
            raise SettingsError(f"final is {', '.join(versions)}, perhaps with `, {_MIGRATES}`, not {rest!r}")
        self.scenario = replace(self.scenario, final=version, migrates=bool(more))

    def before(self, rest: str) -> None:
        self._subject.before((rest,))
        self.scenario = replace(self.scenario, before=(*self.scenario.before, rest))

    def actor(self, rest: str) -> None:
        versions = self._subject.versions
        match = re.fullmatch(_ACTOR if versions else _OWN_ACTOR, rest)
        if match is None or (versions and match["version"] not in versions):
            form = "a at SJC on new: claim, result" if versions else "a at SJC"
            raise SettingsError(f"an actor is written as `{form}`, not {rest!r}")
        name, found = match["name"], match.groupdict()
        if name in _WORDS or name in self._names:
            raise SettingsError(f"an actor cannot be called {name!r}: it is taken")
        requests = tuple(each.strip() for each in found.get("script", "").split(",") if each.strip())
        for each in requests:
            self._subject.check(each)
        if len(self.scenario.actors) == ACTORS_MAX:
            raise SettingsError(f"a schedule has at most {ACTORS_MAX} actors")
        actor = Actor(name, match["location"], requests, found["version"] or DEFAULT_VERSION)
        self.scenario = replace(self.scenario, actors=(*self.scenario.actors, actor))

    def asks(self, rest: str) -> None:
        name, _, text = rest.partition(": ")
        if name not in self._names or self._subject.versions:
            raise SettingsError(f"a request is written as `a: GET /path`, of an actor there is, not {rest!r}")
        self._subject.check(text)
        actors = tuple(
            replace(actor, script=(*actor.script, text)) if actor.name == name else actor
            for actor in self.scenario.actors
        )
        self.scenario = replace(self.scenario, actors=actors)

    def clock(self, rest: str) -> None:
        match = re.fullmatch(r"\+(\d{1,7}(?:\.\d{1,3})?) s", rest)
        if match is None:
            raise SettingsError(f"the clock is moved with a line such as `clock +1 s`, not {rest!r}")
        self._pause_ms += round(float(match[1]) * 1000)

    @property
    def _subject(self) -> Subject:
        return self.scenario.subject

    @property
    def _names(self) -> list[str]:
        return [actor.name for actor in self.scenario.actors]

    def _step(self, text: str, number: int) -> None:
        match = _STEP.fullmatch(text)
        if match is None or match["actor"] not in self._names:
            raise SettingsError(f"a step is written as `a claim list queue:task:`, of an actor there is, not {text!r}")
        fault = match["fault"] or ""
        if fault and fault not in FAULTS:
            raise SettingsError(f"unknown fault {fault!r}; there are {', '.join(FAULTS)}")
        request = match["request"] or ""
        if request:
            self._subject.check(request)
        machine, going = int(match["machine"] or 1), int(match["going"] or 1)
        done = match["operation"]
        self.lines.append(Line(match["actor"], request, done, self._pause_ms, fault, machine, going, number))
        self._pause_ms = 0


_MIGRATES = "after the migration"
_NOTHING = "nothing"
_STEP = re.compile(
    r"(?P<actor>\w+) ++(?:(?P<request>\S(?:.*?\S)??) ++)?"
    r"(?P<operation>nothing|(?:get|get_bulk|put|delete|list) \S*)(?: !(?P<fault>\w+))?(?: @(?P<machine>[1-9]\d?))?"
    r"(?: #(?P<going>[1-9]\d{0,2}))?"
)
_WORDS: dict[str, Callable[[_Reading, str], None]] = {
    "scenario": _Reading.of,
    "broken": _Reading.broken,
    "limits": _Reading.limits,
    "final": _Reading.final,
    "before": _Reading.before,
    "actor": _Reading.actor,
    "asks": _Reading.asks,
    "clock": _Reading.clock,
}


def _exactly(world: World, line: Line) -> str | None:
    """The step as it was; what was done instead if it differs."""
    upcoming = world.upcoming(line.actor)
    if (upcoming or "") != line.request:
        _in_order(world, line)
        there = f"{line.actor} begins {upcoming}" if upcoming else f"{line.actor} does not begin it"
        return f"line {line.number}: {there}, where it was `{line.request or 'in the midst of its request'}`"
    known = world.steps
    world.do(Choice(line.actor, line.pause_ms, line.fault, line.machine, line.going))
    step = next((each for each in reversed(world.history.happenings) if isinstance(each, Step)), None)
    done = _NOTHING if world.steps == known or step is None else operation(step)
    return (
        None
        if done == line.operation
        else f"line {line.number}: {line.actor} does {done}, where it was {line.operation}"
    )


def _in_order(world: World, line: Line) -> None:
    """As far as it goes: a request is begun when it was, and a step of a request that is over is only waited for."""
    if line.request:
        world.finish(line.actor)
    if (world.upcoming(line.actor) or "") == line.request:
        world.do(Choice(line.actor, line.pause_ms, line.fault, line.machine, line.going))
    else:
        world.wait(line.pause_ms)
