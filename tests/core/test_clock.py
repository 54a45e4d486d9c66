"""Clocks: one that follows another, can be moved, stopped and let go; time as JavaScript writes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_emulator.core.clock import LATEST_MS, MovableClock, Stopwatch, SystemClock, iso_8601, parse_iso_8601
from queue_emulator.core.errors import ClockError


class Hand:
    """A clock that shows what it is set to."""

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms


@pytest.fixture
def source() -> Hand:
    return Hand(1_000)


def test_it_follows_its_source_until_told_otherwise(source: Hand) -> None:
    clock = MovableClock(source)
    assert (clock.now_ms(), clock.offset_ms, clock.frozen) == (1_000, 0, False)
    source.at_ms = 1_250
    assert (clock.now_ms(), clock.offset_ms) == (1_250, 0)


def test_advanced_it_stays_ahead_by_the_sum_of_its_steps(source: Hand) -> None:
    clock = MovableClock(source)
    clock.advance(60_000)
    clock.advance(0)
    clock.advance(5)
    source.at_ms += 100
    assert (clock.now_ms(), clock.offset_ms) == (61_105, 60_005)


def test_set_it_goes_on_from_there(source: Hand) -> None:
    clock = MovableClock(source)
    clock.set(10)
    source.at_ms += 7
    assert (clock.now_ms(), clock.offset_ms) == (17, -990)


def test_frozen_it_moves_only_when_told(source: Hand) -> None:
    clock = MovableClock(source)
    clock.freeze()
    source.at_ms += 500
    assert (clock.now_ms(), clock.offset_ms, clock.frozen) == (1_000, -500, True)
    clock.advance(30)
    assert clock.now_ms() == 1_030
    clock.set(4)
    source.at_ms += 500
    assert clock.now_ms() == 4


def test_resumed_it_goes_on_from_the_moment_it_stood_at(source: Hand) -> None:
    clock = MovableClock(source)
    clock.freeze()
    source.at_ms += 500
    clock.resume()
    assert (clock.now_ms(), clock.frozen) == (1_000, False)
    source.at_ms += 3
    assert clock.now_ms() == 1_003
    clock.resume()
    assert clock.now_ms() == 1_003


def test_freezing_twice_is_freezing_once(source: Hand) -> None:
    clock = MovableClock(source)
    clock.freeze()
    source.at_ms += 500
    clock.freeze()
    assert clock.now_ms() == 1_000


def test_following_its_source_again_it_forgets_every_move(source: Hand) -> None:
    clock = MovableClock(source)
    clock.advance(9)
    clock.freeze()
    clock.restart()
    source.at_ms += 1
    assert (clock.now_ms(), clock.offset_ms, clock.frozen) == (1_001, 0, False)


def test_a_clock_frozen_at_a_time_stands_there_whatever_the_machine_says() -> None:
    clock = MovableClock.frozen_at(1_795_435_200_000)
    assert (clock.now_ms(), clock.frozen) == (1_795_435_200_000, True)
    assert clock.now_ms() - clock.offset_ms == pytest.approx(SystemClock().now_ms(), abs=60_000)


def test_it_does_not_advance_backwards(source: Hand) -> None:
    clock = MovableClock(source)
    with pytest.raises(ClockError, match=r"^the clock can only be advanced by 0 or more, not by -1 ms$"):
        clock.advance(-1)
    assert clock.now_ms() == 1_000


@pytest.mark.parametrize("wrong_ms", [-1, LATEST_MS + 1])
def test_it_stays_between_the_epoch_and_the_year_9999(source: Hand, wrong_ms: int) -> None:
    clock = MovableClock(source)
    with pytest.raises(ClockError) as caught:
        clock.set(wrong_ms)
    expected = f"a time must be 0 to {LATEST_MS} ms since 1970, not {wrong_ms}"
    assert (str(caught.value), clock.now_ms()) == (expected, 1_000)


def test_both_ends_of_time_can_be_set_and_none_be_passed_by_a_step(source: Hand) -> None:
    clock = MovableClock(source)
    clock.set(0)
    assert clock.now_ms() == 0
    clock.set(LATEST_MS)
    assert iso_8601(clock.now_ms()) == "9999-12-31T23:59:59.000Z"
    with pytest.raises(ClockError):
        clock.advance(1)


def test_whoever_waits_on_it_is_told_of_each_move(source: Hand) -> None:
    clock = MovableClock(source)
    told: list[int] = []
    clock.on_move(lambda: told.append(clock.now_ms()))
    clock.advance(5)
    clock.freeze()
    clock.set(7)
    clock.resume()
    clock.restart()
    assert told == [1_005, 7, 7, 1_000]


def test_a_stopwatch_never_runs_backwards() -> None:
    watch = Stopwatch()
    first = watch.elapsed_ms()
    assert 0 <= first <= watch.elapsed_ms() < 60_000


@pytest.mark.parametrize(
    ("now_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (951_782_400_010, "2000-02-29T00:00:00.010Z"),
        (1_795_435_200_999, "2026-11-23T12:00:00.999Z"),
    ],
)
def test_time_is_written_as_javascript_writes_it(now_ms: int, text: str) -> None:
    assert iso_8601(now_ms) == text


@given(st.integers(0, LATEST_MS), st.integers(0, LATEST_MS))
def test_written_times_order_as_the_times_do(one_ms: int, other_ms: int) -> None:
    assert (one_ms < other_ms) == (iso_8601(one_ms) < iso_8601(other_ms))


@given(st.integers(0, LATEST_MS))
def test_a_written_time_reads_back_as_itself(now_ms: int) -> None:
    assert parse_iso_8601(iso_8601(now_ms)) == now_ms


@pytest.mark.parametrize(
    ("text", "now_ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T01:00:00.5+01:00", 500),
        ("1969-12-31T23:59:59Z", -1_000),
        ("0001-01-01T00:00:00+23:59", -62_135_683_140_000),
    ],
)
def test_a_time_is_read_with_its_offset(text: str, now_ms: int) -> None:
    assert parse_iso_8601(text) == now_ms


@pytest.mark.parametrize("text", ["", "noon", "2026-11-23T12:00:00", "2026-11-23", "2026-13-01T00:00:00Z", "x" * 100])
def test_a_time_without_an_offset_or_form_is_refused(text: str) -> None:
    with pytest.raises(ClockError) as caught:
        parse_iso_8601(text)
    assert str(caught.value) == f"a time must look like 2026-11-23T17:00:00Z, not {text[:40]!r}"


def test_a_running_clock_stays_at_the_last_instant_that_can_be_written() -> None:
    source = Hand(0)
    clock = MovableClock(source)
    clock.set(LATEST_MS)
    source.at_ms = 5_000
    assert iso_8601(clock.now_ms()) == "9999-12-31T23:59:59.000Z"


def test_a_clock_that_stood_at_first_stands_there_again_when_it_is_restarted() -> None:
    clock = MovableClock.frozen_at(5_000)
    clock.advance(60)
    clock.resume()
    clock.restart()
    assert (clock.now_ms(), clock.frozen) == (5_000, True)


@pytest.mark.parametrize(
    ("now_ms", "text"),
    [
        (LATEST_MS + 1_000, "+010000-01-01T00:00:00.000Z"),
        (LATEST_MS + 601_005, "+010000-01-01T00:10:00.005Z"),
        (8_640_000_000_000_000, "+275760-09-13T00:00:00.000Z"),
    ],
)
def test_a_year_beyond_9999_is_written_as_javascript_writes_it(now_ms: int, text: str) -> None:
    assert iso_8601(now_ms) == text
