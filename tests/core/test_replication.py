"""Which of a key's last versions a location can see while writes are on their way to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_emulator.core.dice import Dice
from queue_emulator.core.entries import Entry
from queue_emulator.core.replication import Replication

ONE = Entry(b"k", b"one", 1, 0)
TWO = Entry(b"k", b"two", 2, 1_000)


def test_a_write_is_at_its_own_location_at_once_and_elsewhere_after_the_lag() -> None:
    replication = Replication(Dice(1), (500, 500))
    replication.wrote(None, ONE, "SJC", {})
    assert replication.seen(ONE, b"k", "SJC", 0) == ONE
    assert replication.seen(ONE, b"k", "NRT", 499) is None
    assert replication.seen(ONE, b"k", "NRT", 500) == ONE


def test_until_a_write_arrives_what_stood_before_is_seen() -> None:
    replication = Replication(Dice(1), (500, 500))
    replication.wrote(ONE, TWO, "SJC", {})
    assert replication.seen(TWO, b"k", "NRT", 1_499) == ONE
    assert replication.seen(TWO, b"k", "NRT", 1_500) == TWO


def test_of_several_writes_the_last_that_has_arrived_is_seen() -> None:
    replication = Replication(Dice(1), (500, 500))
    replication.wrote(None, ONE, "SJC", {})
    replication.wrote(None, Entry(b"k", b"two", 2, 100), "NRT", {})
    assert replication.seen(TWO, b"k", "NRT", 100) == Entry(b"k", b"two", 2, 100)
    assert replication.seen(TWO, b"k", "SJC", 100) == ONE
    assert replication.seen(TWO, b"k", "FRA", 550) == ONE


def test_a_held_write_stays_away_from_that_location_alone() -> None:
    replication = Replication(Dice(1))
    replication.wrote(None, ONE, "SJC", {"NRT": 2_000})
    assert replication.seen(ONE, b"k", "NRT", 1_999) is None
    assert replication.seen(ONE, b"k", "FRA", 0) == ONE
    assert replication.seen(ONE, b"k", "NRT", 2_000) == ONE


def test_a_key_without_a_write_under_way_is_seen_as_it_stands() -> None:
    replication = Replication(Dice(1), (500, 500))
    assert replication.seen(ONE, b"k", "NRT", 0) == ONE
    assert not replication.underway(b"k")


@pytest.mark.parametrize(("now_ms", "left"), [(1_499, [b"k"]), (1_500, [])])
def test_a_write_that_has_arrived_everywhere_is_forgotten(now_ms: int, left: list[bytes]) -> None:
    replication = Replication(Dice(1), (0, 500))
    replication.wrote(None, TWO, "SJC", {})
    replication.forget(now_ms)
    assert list(replication.keys()) == left


def test_reading_a_key_after_its_arrival_forgets_it_too() -> None:
    replication = Replication(Dice(1), (0, 500))
    replication.wrote(None, ONE, "SJC", {})
    assert replication.underway(b"k")
    replication.seen(ONE, b"k", "FRA", 500)
    assert not replication.underway(b"k")


def test_cleared_it_holds_nothing_back() -> None:
    replication = Replication(Dice(1), (500, 500))
    replication.wrote(None, ONE, "SJC", {})
    replication.clear()
    assert replication.seen(ONE, b"k", "NRT", 0) == ONE


@pytest.mark.parametrize(
    ("lag_ms", "held", "needed"), [((0, 0), {}, False), ((0, 1), {}, True), ((0, 0), {"X": 1}, True)]
)
def test_what_stood_before_matters_only_if_a_write_can_be_late(
    lag_ms: tuple[int, int], held: dict[str, int], needed: bool
) -> None:
    assert Replication(Dice(1), lag_ms).needs_before(held) is needed


@given(st.integers(), st.integers(0, 1_000), st.integers(0, 1_000), st.text(max_size=4))
def test_a_lag_lies_within_its_bounds_and_is_the_seed_s(seed: int, least_ms: int, more_ms: int, location: str) -> None:
    def arrived(now_ms: int) -> bool:
        replication = Replication(Dice(seed), (least_ms, least_ms + more_ms))
        replication.wrote(None, ONE, "the writer's", {})
        return replication.seen(ONE, b"k", location, now_ms) == ONE

    assert arrived(least_ms + more_ms)
    assert not least_ms or not arrived(least_ms - 1)
    middle_ms = least_ms + more_ms // 2
    assert arrived(middle_ms) == arrived(middle_ms)
