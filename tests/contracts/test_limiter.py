"""One rate for every process and every client of a run."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from queue_contracts.described.answers import Answer
from queue_contracts.sending.limiter import (
    LIMITED,
    PAUSE_S_MAX,
    RETRIES_MAX,
    SharedLimiter,
    seconds_of,
    sent_again,
)

SEND = """
import sys
from pathlib import Path
from queue_contracts.sending.limiter import SharedLimiter
limiter = SharedLimiter(Path(sys.argv[1]), 1200)
for _ in range(15):
    limiter.wait()
"""


@pytest.mark.slow
def test_two_processes_share_one_rate(tmp_path: Path) -> None:
    SharedLimiter(tmp_path, 1200)
    began = time.monotonic()
    both = [subprocess.Popen([sys.executable, "-c", SEND, str(tmp_path)]) for _ in range(2)]
    assert [each.wait(60) for each in both] == [0, 0]
    # 30 requests, one every 50 ms; two limiters that did not know of each other would take half as long.
    assert time.monotonic() - began >= 29 * 0.05


def test_without_a_rate_nothing_waits(tmp_path: Path) -> None:
    limiter = SharedLimiter(tmp_path, None)
    began = time.monotonic()
    for _ in range(100):
        limiter.wait()
    assert time.monotonic() - began < 1


def test_a_pause_holds_for_every_limiter_of_the_run(tmp_path: Path) -> None:
    SharedLimiter(tmp_path, None).pause(0.2)
    began = time.monotonic()
    SharedLimiter(tmp_path, None).wait()
    assert time.monotonic() - began >= 0.15


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("0", 0), ("12", 12), ("soon", None), ("-1", None), ("٣", None), (None, None)],
)
def test_only_a_number_is_so_many_seconds(said: str | None, seconds: float | None) -> None:
    assert seconds_of(said) == seconds


@pytest.mark.parametrize(
    ("retry_after", "sent", "why"),
    [
        ("0", 1 + RETRIES_MAX, "5 times in a row"),
        (str(PAUSE_S_MAX + 1), 1, "queue-contracts waits at most 90 s"),
        (None, 1, "without a number of seconds"),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 1, "without a number of seconds"),
    ],
)
def test_a_target_that_cannot_be_obeyed_is_given_up(
    retry_after: str | None, sent: int, why: str, tmp_path: Path
) -> None:
    answered: list[Answer] = []

    def send() -> Answer:
        headers = () if retry_after is None else (("retry-after", retry_after),)
        answered.append(Answer(LIMITED, headers, b""))
        return answered[-1]

    refused = sent_again(send, SharedLimiter(tmp_path, None))
    assert refused is not None
    assert why in refused
    assert len(answered) == sent
