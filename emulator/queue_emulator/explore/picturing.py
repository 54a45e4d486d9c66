"""What happened in a schedule, as a story that is drawn: up to the place where a guarantee is broken."""

from collections.abc import Iterator
from dataclasses import dataclass

from queue_emulator.core.clock import iso_8601
from queue_emulator.drawing.story import Bar, Begin, Chapter, End, Lane, Moment, Mood, Operation, Reach, Story
from queue_emulator.drawing.story import operation as drawn
from queue_emulator.explore.causes import Cause, Target
from queue_emulator.explore.guarantee import Broken
from queue_emulator.explore.guarantees import OLD_LEASE, OLD_TASK, TASK
from queue_emulator.explore.history import Actor, Begun, Call, Ended, Happening, History, Kept, Settled, Step
from queue_emulator.explore.scenarios import Scenario
from queue_emulator.explore.schedule import answer, operation, outcome
from queue_emulator.explore.subject import Subject
from queue_emulator.explore.text_report import needs
from queue_emulator.explore.turns import MINUTE_MS


@dataclass(frozen=True, slots=True)
class Shown:
    """What there is to see: `broken` is None where it holds now, `causes` are what it needs."""

    scenario: Scenario
    history: History
    target: Target
    broken: Broken | None
    causes: tuple[Cause, ...]


def story(shown: Shown, *, name: str, command: str) -> Story:
    """Of one that holds now all of it; `command` is the one by which it is seen again."""
    history, broken = shown.history, shown.broken
    subject = shown.scenario.subject
    guarantee = subject.guarantees[shown.target.guarantee]
    happenings = history.happenings if broken is None else history.happenings[: broken.position + 1]
    why = "holds now" if broken is None else broken.why
    said, needed = guarantee.title, needs(shown.causes)
    before = subject.told_before(shown.scenario.before)
    return Story(
        name=name,
        title=f"{said}: {why}",
        says=(
            ("Should hold", guarantee.sentence),
            *((("It takes", f"{needed[0].upper()}{needed[1:]}."),) if broken is not None else ()),
            *((("At first", f"{before}."),) if before else ()),
        ),
        lanes=tuple(_lanes(happenings)),
        moments=tuple(_moments(happenings, subject)),
        bars=() if broken is None else tuple(_bars(broken, history, happenings)),
        verdict="" if broken is None else f"{guarantee.id} is broken here: {why}",
        command=command,
    )


def _lanes(happenings: list[Happening]) -> Iterator[Lane]:
    actors: dict[str, Actor] = {}
    for each in happenings:
        if isinstance(each, Begun):
            actors[each.call.actor.name] = each.call.actor
    for actor in actors.values():
        yield Lane(actor.name, actor.location, "" if actor.version == "new" else f"{actor.version} Worker")


def _moments(happenings: list[Happening], subject: Subject) -> Iterator[Moment]:
    """One for each happening, so that a bar may speak of a happening by its place."""
    numbers: dict[int, int] = {}
    last_ms = 0
    for each in happenings:
        if isinstance(each, Settled):
            last_ms = each.at_ms
            yield Chapter(each.at_ms, f"When all has settled, {MINUTE_MS // 1000} s later")
            continue
        number = numbers.setdefault(id(each.call), len(numbers) + 1)
        if isinstance(each, Begun):
            last_ms = each.call.begun_ms
            served = f" (machine {each.call.machine})" if each.call.machine != 1 else ""
            yield Begin(number, last_ms, each.call.actor.name, each.call.request.text + served)
        elif isinstance(each, Step):
            last_ms = each.at_ms
            yield _operation(each, number)
        else:
            yield End(number, each.call.ended_ms or last_ms, answer(each.call, subject), _mood(each.call))


def _operation(step: Step, number: int) -> Operation:
    if step.event is None:
        writes = step.kind in ("put", "delete")
        return Operation(
            number, step.at_ms, step.number, operation(step), outcome(step), writes, Reach.NOWHERE, alarm=True
        )
    done = drawn(step.event, number, step.number)
    return done if step.going == 1 else done._replace(beside=(*done.beside, f"asked for as number {step.going}"))


def _mood(call: Call) -> Mood:
    if not call.status or call.status >= 500:
        return Mood.BAD
    nothing = call.verb == "claim" and call.member("success") is not True
    return Mood.GOOD if call.status == 200 and not nothing else Mood.PLAIN


def _bars(broken: Broken, history: History, happenings: list[Happening]) -> Iterator[Bar]:
    """What the guarantee is about, for as long as it is so."""
    task = broken.task
    if broken.guarantee in ("P1", "P3", "P8", "P11"):
        yield from _holding(task, happenings)
    if broken.guarantee in ("P2", "P6"):
        yield from _once_answered("enqueue", task, "accepted", happenings)
        if any(key in history.before for key in (TASK + task.encode(), OLD_TASK + task.encode())):
            yield Bar("", f"{task} is accepted", -1)
    elif broken.guarantee == "P3":
        yield from _once_answered("result", task, "finished", happenings)
    elif broken.guarantee in ("P5", "P10"):
        lease = "lease" in broken.how
        key = (OLD_LEASE if lease else OLD_TASK) + task.encode()
        said = f"old {'lease of' if lease else 'task'} {task}"
        for first, last, _ in _kept(key, history, happenings):
            yield Bar("", said, first, last)
    elif broken.guarantee == "P7":
        for key in (OLD_TASK + task.encode(), TASK + task.encode()):
            for first, last, kept in _kept(key, history, happenings):
                until = iso_8601((kept.expiration_s or 0) * 1000)[11:19]
                yield Bar("", f"{task} until {until}", first, last)


def _once_answered(verb: str, task: str, what: str, happenings: list[Happening]) -> Iterator[Bar]:
    for place, each in enumerate(happenings):
        if isinstance(each, Ended) and each.call.verb == verb and each.call.ok and each.call.task == task:
            yield Bar("", f"{task} is {what}", place)


def _kept(key: bytes, history: History, happenings: list[Happening]) -> Iterator[tuple[int, int | None, Kept]]:
    """From where to where the centre holds something under a key, and what."""
    first, kept = -1, history.before.get(key)
    for place, each in enumerate(happenings):
        if isinstance(each, Step) and each.wrote and each.key == key:
            if kept is not None and kept.value is not None:
                yield first, place, kept
            first, kept = place, Kept(each.value, each.expiration_s, each.at_ms)
    if kept is not None and kept.value is not None:
        yield first, None, kept


def _holding(task: str, happenings: list[Happening]) -> Iterator[Bar]:
    since: dict[str, int] = {}
    for place, each in enumerate(happenings):
        if not isinstance(each, Begun | Ended) or each.call.task != task:
            continue
        name, verb = each.call.actor.name, each.call.verb
        if isinstance(each, Begun) and verb in ("release", "result") and name in since:
            yield Bar(name, f"{name} holds {task}", since.pop(name), place)
        elif isinstance(each, Ended) and verb in ("claim", "renew") and each.call.member("lease") is not None:
            since.setdefault(name, place)
    for name, place in since.items():
        yield Bar(name, f"{name} holds {task}", place)
