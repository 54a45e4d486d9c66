"""The tally itself: a run that proves nothing must fail."""

from collections import Counter

import pytest

from queue_contracts.session.request_counts import Tally, summary


def test_a_run_of_successes_and_refusals_passes() -> None:
    Tally("GET /api/queue", Counter({200: 3, 401: 97})).require_substance()


def test_a_run_in_which_nothing_succeeded_fails() -> None:
    with pytest.raises(AssertionError, match="none of 100 requests succeeded"):
        Tally("GET /api/queue", Counter({401: 60, 404: 40})).require_substance()


def test_a_run_without_requests_fails() -> None:
    with pytest.raises(AssertionError, match="none of 0 requests succeeded"):
        Tally("GET /api/queue").require_substance()


@pytest.mark.parametrize(("limited", "passes"), [(5, True), (6, False), (100, False)])
def test_a_run_that_was_mostly_turned_away_for_its_rate_fails(limited: int, passes: bool) -> None:
    tally = Tally("GET /api/queue", Counter({200: 100 - limited, 429: limited}))
    if passes:
        tally.require_substance()
    else:
        with pytest.raises(AssertionError, match=f"{limited} of 100 answers were 429"):
            tally.require_substance()


def test_the_summary_does_not_depend_on_the_order_in_which_workers_finish() -> None:
    accounts = [Tally(f"GET /{name}", Counter({200: 1})).account() for name in "abc"]
    assert summary(accounts) == summary(accounts[::-1])
