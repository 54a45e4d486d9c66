"""Waiting for a write to be seen, on a clock of the test's own: late by so much, late for ever, or wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from queue_contracts.checks.settling import DEADLINE_S, NeverSettled, Passing, Settled, WrongValue, pass_window, settle


@dataclass
class Clock:
    """Seconds that pass when somebody waits."""

    now_s: float = 1000.0
    waits: list[float] = field(default_factory=list)

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now_s += seconds

    def passing(self, *, moved: bool = False) -> Passing:
        first_s, most_s = (1, 15) if moved else (0.1, 2)
        return Passing(lambda: self.now_s, self.wait, first_s, most_s, moved)


def late_by(clock: Clock, seconds: float, *, old: str | None = "old") -> Callable[[], str | None]:
    """A value that was written just now, and is seen so late."""
    seen_s = clock.now_s + seconds
    return lambda: "new" if clock.now_s >= seen_s else old


def settled(read: Callable[[], str | None], clock: Clock, *, moved: bool = False) -> Settled[str | None]:
    return settle(
        read,
        seen=lambda said: said == "new",
        before=lambda said: said in ("old", None),
        passing=clock.passing(moved=moved),
    )


def test_a_write_that_is_seen_at_once_takes_one_read_and_no_time() -> None:
    clock = Clock()
    assert settled(late_by(clock, 0), clock) == Settled("new", 0.0, 1)
    assert clock.waits == []


@pytest.mark.parametrize(("late_s", "waits"), [(0.5, [0.1, 0.2, 0.4]), (3, [0.1, 0.2, 0.4, 0.8, 1.6])])
def test_waits_double_from_a_tenth_of_a_second(late_s: float, waits: list[float]) -> None:
    clock = Clock()
    seen = settled(late_by(clock, late_s), clock)
    assert clock.waits == pytest.approx(waits)
    assert seen.after_s == pytest.approx(sum(waits))
    assert seen.reads == len(waits) + 1


def test_no_wait_is_longer_than_two_seconds() -> None:
    clock = Clock()
    seen = settled(late_by(clock, 60), clock)
    assert max(clock.waits) == 2
    assert 60 <= seen.after_s < 63


def test_a_clock_that_can_be_moved_is_moved_in_larger_steps() -> None:
    clock = Clock()
    seen = settled(late_by(clock, 60), clock, moved=True)
    assert 60 <= seen.after_s <= 75
    assert seen.reads <= 9


def test_a_miss_before_the_write_is_seen_counts_as_the_old_value() -> None:
    clock = Clock()
    assert settled(late_by(clock, 5, old=None), clock).value == "new"


@pytest.mark.parametrize("late_s", [DEADLINE_S + 3, float("inf")])
def test_what_is_not_seen_in_time_never_settled(late_s: float) -> None:
    clock = Clock()
    with pytest.raises(NeverSettled, match=rf"not seen within {DEADLINE_S} s and \d+ reads; the value is still 'old'"):
        settled(late_by(clock, late_s), clock)
    assert clock.now_s == pytest.approx(1000 + DEADLINE_S, abs=0.1)


def test_what_is_seen_just_before_the_deadline_has_settled() -> None:
    clock = Clock()
    assert settled(late_by(clock, DEADLINE_S - 0.01), clock).after_s == pytest.approx(DEADLINE_S, abs=0.1)


def test_a_third_value_is_wrong_whenever_it_comes() -> None:
    clock = Clock()
    said = iter(["old", "old", "another"])
    with pytest.raises(WrongValue, match=r"after 0\.3 s and 3 reads: 'another', neither the old"):
        settled(lambda: next(said), clock)


def test_to_be_late_and_to_be_wrong_are_different_failures() -> None:
    assert not issubclass(NeverSettled, WrongValue)
    assert not issubclass(WrongValue, NeverSettled)


def test_the_window_is_passed_when_more_than_a_minute_has_gone_by() -> None:
    clock = Clock()
    pass_window(clock.passing())
    assert 60 < clock.now_s - 1000 < 65
