"""How long to wait before trying again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_emulator.core.dice import Dice
from queue_emulator.kv.retry import Patience, http_date_ms, retry_after_ms

NOON_MS = 1_795_435_200_000  # Mon, 23 Nov 2026 12:00:00 GMT


@pytest.mark.parametrize(
    ("header", "asked_ms"),
    [
        (None, None),
        ("0", 0),
        (" 7 ", 7_000),
        ("Mon, 23 Nov 2026 12:05:00 GMT", 300_000),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
        ("Monday, 23-Nov-26 12:00:09 GMT", 9_000),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("", None),
        ("²", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, asked_ms: int | None) -> None:
    assert retry_after_ms(header, NOON_MS) == asked_ms


def test_seconds_beyond_all_patience_are_still_a_number() -> None:
    assert (retry_after_ms("9" * 5_000, NOON_MS) or 0) > 10**9


def test_a_date_that_cannot_be_is_none() -> None:
    assert http_date_ms("Mon, 99 Nov 2026 12:00:00 GMT") is None
    assert http_date_ms(None) is None


@given(attempt=st.integers(1, 100_000), call=st.integers(0), seed=st.integers())
def test_waits_double_up_to_the_longest_and_half_of_each_is_chance(attempt: int, call: int, seed: int) -> None:
    patience = Patience(wait_first_ms=400, wait_longest_ms=10_000)
    whole_ms = min(400 * 2 ** min(attempt - 1, 10), 10_000)
    assert whole_ms // 2 <= patience.wait_ms(attempt, None, Dice(seed), call) <= whole_ms


@given(attempt=st.integers(1, 50), call=st.integers(0), asked_ms=st.integers(0, 10**9))
def test_no_wait_is_shorter_than_the_service_asks(attempt: int, call: int, asked_ms: int) -> None:
    assert asked_ms <= Patience().wait_ms(attempt, asked_ms, Dice(1), call) < asked_ms + Patience().wait_first_ms


def test_two_clients_that_were_sent_away_together_do_not_come_back_together() -> None:
    waits = {Patience().wait_ms(1, 5_000, Dice(seed), 1) for seed in range(20)}
    assert len(waits) > 10
