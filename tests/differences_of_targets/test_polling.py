"""A target that shows its writes late: equal where a step waits for it, different where it does not."""

import itertools
import time
from dataclasses import replace

import pytest

from queue_contracts.compare.executor import Patience, Player
from queue_contracts.compare.sides import Side
from queue_contracts.compare.steps import Request, Sequence, Until
from queue_contracts.compare.verdicts import Verdict
from queue_contracts.sending.guard import KeyShown
from tests.differences_of_targets.conftest import Behind, Compare
from tests.differences_of_targets.proxy import Asked, Change, Told

LATE_S = 0.3
WRITE = Request("POST", "/api/result/{a}", (200,), "postResult", body={"success": True})
READ = Request("GET", "/api/result/{a}", (200,), "getResult")
POLLED = replace(READ, until=Until(200, (("success", True),)))
NOT_FOUND = b'{"error":"Result not found"}'


def late(seconds: float) -> Change:
    """Results are not found until so long after the last write."""
    written_s = [0.0]

    def answer(asked: Asked, told: Told) -> Told:
        if asked.method == "POST":
            written_s[0] = time.monotonic()
        elif time.monotonic() < written_s[0] + seconds:
            return Told(404, {"content-type": "application/json"}, NOT_FOUND)
        return told

    return answer


@pytest.mark.slow
def test_a_late_target_is_equal_when_it_is_polled_and_its_delay_is_told_beside(compared: Compare) -> None:
    comparison = compared(late(LATE_S), Sequence("polled", (WRITE, POLLED)))
    assert not comparison.findings
    _, step = comparison.steps
    assert step.a.polls == 1
    assert step.a.settled_s == 0
    assert step.b.polls > 1
    assert LATE_S * 0.5 <= step.b.settled_s < 5


def test_a_late_target_is_different_when_it_is_not_polled(compared: Compare) -> None:
    (finding,) = compared(late(60), Sequence("not polled", (WRITE, READ))).findings
    assert (finding.parting.verdict, finding.parting.field) == (Verdict.BREAK, "status")
    assert (finding.parting.a, finding.parting.b) == (200, 404)


def test_a_polled_target_that_never_comes_to_it_is_a_breach(compared: Compare) -> None:
    (finding,) = compared(late(60), Sequence("polled", (WRITE, POLLED)), settle_s=0).findings
    assert (finding.parting.verdict, finding.parting.field) == (Verdict.BREAK, "status")


def test_a_right_status_with_another_value_than_waited_for_never_settled(compared: Compare) -> None:
    other = replace(POLLED, until=Until(200, (("success", False),)))
    (finding,) = compared(None, Sequence("polled", (WRITE, other)), settle_s=0).findings
    assert finding.parting.field == "settled"
    assert "the step was repeated, but its `until` never held" in finding.parting.why


def test_time_is_moved_instead_of_waited_for_once_seconds_have_passed(emulator: Side, behind: Behind) -> None:
    """By a clock of its own: nothing sleeps here."""
    now_s, moved_s, slept_s = [0.0], [0], list[float]()
    missing = Told(404, {"content-type": "application/json"}, NOT_FOUND)

    def sleep(seconds: float) -> None:
        now_s[0] += seconds
        slept_s.append(seconds)

    def advance(seconds: int) -> None:
        moved_s[0] += seconds

    side = behind(lambda asked, told: told if asked.method == "POST" or moved_s[0] >= 60 else missing)
    player = Player(replace(side, advance=advance), "ct-", Patience(90, sleep=sleep, now=lambda: now_s[0]))
    exchange = player.play(Sequence("polled", (WRITE, POLLED))).exchanges[1]
    assert exchange.settled
    assert moved_s[0] == 60
    assert exchange.settled_s == pytest.approx(sum(slept_s) + 60)
    assert sum(slept_s) < 6
    assert slept_s == sorted(slept_s)


def test_without_movable_time_it_waits_ever_longer_until_the_deadline(emulator: Side, behind: Behind) -> None:
    now_s, slept_s = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        now_s[0] += seconds
        slept_s.append(seconds)

    side = replace(behind(late(3600)), advance=None)
    exchange = Player(side, "ct-", Patience(90, sleep=sleep, now=lambda: now_s[0])).play(
        Sequence("polled", (WRITE, POLLED))
    ).exchanges[1]  # fmt: skip
    assert not exchange.settled
    assert 90 <= sum(slept_s) < 93
    assert max(slept_s) == 2
    assert exchange.polls < 60


def test_two_writes_of_a_deployment_are_a_second_apart(emulator: Side) -> None:
    slept_s = list[float]()
    side = replace(emulator, write_pause_s=1.1)
    Player(side, "ct-", Patience(sleep=slept_s.append)).play(Sequence("writes", (WRITE, READ, WRITE, WRITE)))
    assert slept_s == [1.1, 1.1]


def test_retries_after_a_rate_limit_have_an_end(emulator: Side, behind: Behind) -> None:
    numbers = itertools.count()

    def limiting(asked: Asked, told: Told) -> Told:
        next(numbers)
        return Told(429, {"Retry-After": "7"}, b"")

    slept_s = list[float]()
    transcript = Player(behind(limiting), "ct-", Patience(sleep=slept_s.append)).play(Sequence("reads", (READ,)))
    assert transcript.stopped is not None
    assert slept_s == [7.0] * len(slept_s)
    assert 1 <= next(numbers) <= 6


def test_an_answer_with_a_key_in_it_ends_the_run_and_the_key_is_masked(emulator: Side, behind: Behind) -> None:
    leaking = behind(lambda asked, told: Told(404, told.headers, f'{{"error":"{emulator.queue_key}"}}'.encode()))
    with pytest.raises(KeyShown, match="is answered with an API key in it") as shown:
        Player(leaking, "ct-").play(Sequence("reads", (READ,)))
    assert emulator.queue_key not in str(shown.value)
