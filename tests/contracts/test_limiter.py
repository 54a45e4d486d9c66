"""One rate for every process and every client of a run."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from contracts.limiter import PAUSE_S_MAX, SharedLimiter, seconds_of

SEND = """
import sys
from pathlib import Path
from contracts.limiter import SharedLimiter
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
    [("0", 0), ("12", 12), (str(PAUSE_S_MAX + 1), None), ("soon", None), ("-1", None), ("٣", None), (None, None)],
)
def test_only_a_number_of_seconds_that_can_be_waited_is_waited(said: str | None, seconds: float | None) -> None:
    assert seconds_of(said) == seconds
