"""Guarantees that many Workers give, made of a few functions that say which requests are meant."""

from collections.abc import Callable, Iterator

from queue_emulator.core.javascript import Json
from queue_emulator.core.shown import json_value
from queue_emulator.explore.guarantee import Guarantee
from queue_emulator.explore.seen import Answer, Seen, guarantee

Which = Callable[[Answer], str | None]
"""What an answer is about, None if it is of another kind."""
Told = Callable[[Answer], tuple[str, Json] | None]
"""What an answer is about and its value, None if it is of another kind."""


def no_5xx() -> Guarantee:
    """No request is answered with a 5xx unless a fault hit it."""

    def check(seen: Seen) -> Iterator[tuple[Answer, str]]:
        for each in seen.ended():
            if each.status >= 500 and not each.faulted:
                yield each, f"{each.actor}'s {each.method} {each.path} is answered {each.status}: {each.body}"[:200]

    return guarantee(check, "no 5xx", "No request is answered with a 5xx unless a fault hit it.")


def mutual_exclusion(got: Which, gave_up: Which, *, lasts_s: float | None = None) -> Guarantee:
    """Nobody is given what somebody else still has.

    got      what an answer gives to its actor
    gave_up  what a request gives back, from its beginning on
    lasts_s  after which it is nobody's any more
    """

    def check(seen: Seen) -> Iterator[tuple[Answer, str]]:
        has: dict[str, dict[str, int]] = {}
        for begins, each in _in_order(seen):
            given_back = gave_up(each) if begins else None
            if given_back is not None:
                has.get(given_back, {}).pop(each.actor, None)
            given = None if begins else got(each)
            if given is None:
                continue
            held, now_ms = has.setdefault(given, {}), each.ended_ms or 0
            for other, since_ms in held.items():
                if other != each.actor and (lasts_s is None or now_ms - since_ms < lasts_s * 1000):
                    yield each, f"{other} has {given}, and {each.actor} is given it too"
            held[each.actor] = now_ms

    return guarantee(check, "mutual exclusion", "Nobody is given what somebody else still has.")


def no_lost_update(update: Callable[[Answer], int | None], total: Callable[[Seen], int | None]) -> Guarantee:
    """Every update that was accepted counts in the end.

    update  by how much an answer says that something has grown, None if it says no such thing
    total   by how much it has grown in the end, None if that cannot be told
    """

    def check(seen: Seen) -> Iterator[str]:
        accepted = sum(update(each) or 0 for each in seen.answers if each.ended is not None)
        perhaps = sum(each.ended is None or each.faulted for each in seen.answers)
        found = total(seen)
        if found is not None and found != accepted and not perhaps:
            yield f"{accepted} were accepted, and {found} are there"

    return guarantee(check, "no lost update", "Every update that was accepted counts in the end.")


def read_your_writes(wrote: Told, read: Told) -> Guarantee:
    """An actor reads what it wrote last, unless somebody else wrote meanwhile."""

    def check(seen: Seen) -> Iterator[tuple[Answer, str]]:
        last: dict[str, tuple[str, Json]] = {}
        for begins, each in _in_order(seen):
            written = wrote(each)
            if written is not None:
                thing, value = written
                if begins:
                    last.pop(thing, None)  # until it is answered nobody knows
                elif each.ok:
                    last[thing] = each.actor, value
            answered = None if begins else read(each)
            if answered is not None and each.ok:
                who, value = last.get(answered[0], ("", None))
                if who == each.actor and value != answered[1]:
                    yield (
                        each,
                        f"{each.actor} wrote {json_value(value)} to {answered[0]}, and reads {json_value(answered[1])}",
                    )

    return guarantee(
        check, "read your writes", "An actor reads what it wrote last, unless somebody else wrote meanwhile."
    )


def monotonic_reads(read: Told) -> Guarantee:
    """Who has seen a value sees none from before it; values are compared as numbers or texts."""

    def check(seen: Seen) -> Iterator[tuple[Answer, str]]:
        last: dict[tuple[str, str], float | str] = {}
        for each in seen.ended():
            answered = read(each)
            thing, value = answered or ("", None)
            if not isinstance(value, int | float | str):
                continue
            before = last.get((each.actor, thing), value)
            if isinstance(before, str) == isinstance(value, str) and value < before:  # type: ignore[operator]
                yield each, f"{each.actor} has seen {json_value(before)} of {thing}, and now sees {json_value(value)}"
            last[each.actor, thing] = value

    return guarantee(check, "monotonic reads", "Who has seen a value sees none from before it.")


def eventually_equal(read: Told) -> Guarantee:
    """A minute after the last request, everybody reads the same: looked at by the requests at the end."""

    def check(seen: Seen) -> Iterator[tuple[Answer, str]]:
        first: dict[str, tuple[str, Json]] = {}
        for each in seen.ended():
            answered = read(each) if each.at_end else None
            if answered is None:
                continue
            thing, value = answered
            where, known = first.setdefault(thing, (each.location, value))
            if known != value:
                yield each, f"{thing} is {json_value(known)} at {where} and {json_value(value)} at {each.location}"

    return guarantee(check, "eventually equal", "A minute after the last request, everybody reads the same.")


def _in_order(seen: Seen) -> Iterator[tuple[bool, Answer]]:
    """Each beginning (True) and each end (False), in their order."""
    moments = [(each.begun, True, each) for each in seen.answers]
    moments += [(each.ended, False, each) for each in seen.answers if each.ended is not None]
    for _, begins, each in sorted(moments, key=lambda moment: moment[0]):
        yield begins, each
