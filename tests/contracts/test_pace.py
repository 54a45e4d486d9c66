"""A target that limits the rate itself is waited for once, not once a minute."""

from collections.abc import Callable
from pathlib import Path

import pytest

from queue_contracts.sending.pace import LearnedPace, learned_rate

MINUTES = 12
Limit = Callable[[float], float | None]  # for how long it refuses what comes at a time; None lets it through


class Clock:
    now_s = 1_796_000_000.0

    def now(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def a_minute(most: int, begins_s: float = 0) -> Limit:
    """So many in each minute of the clock."""
    counted: dict[int, int] = {}

    def refuses(at_s: float) -> float | None:
        minute, passed_s = divmod(at_s - begins_s, 60)
        counted[int(minute)] = counted.get(int(minute), 0) + 1
        return None if counted[int(minute)] <= most else float(int(60 - passed_s) + 1)

    return refuses


def any_minute(most: int) -> Limit:
    """So many in any sixty seconds."""
    sent: list[float] = []

    def refuses(at_s: float) -> float | None:
        sent[:] = [each for each in sent if each > at_s - 60]
        if len(sent) >= most:
            return float(int(sent[0] + 60 - at_s) + 1)
        sent.append(at_s)
        return None

    return refuses


def refusals(limit: Limit, every_s: float, folder: Path) -> int:
    """How often a run of some minutes is refused that would send one request each `every_s`."""
    clock, refused = Clock(), 0
    pace, began_s = LearnedPace(folder, clock.now, clock.sleep), clock.now_s
    while clock.now_s < began_s + MINUTES * 60:
        clock.sleep(every_s)
        pace.wait()
        pause_s = limit(clock.now_s)
        if pause_s is None:
            pace.note()
        else:
            refused += 1
            pace.learn(pause_s)
            clock.sleep(pause_s)
    return refused


@pytest.mark.parametrize("every_s", [60 / 45, 0.05], ids=["45 a minute", "as fast as it answers"])
@pytest.mark.parametrize("most", [7, 30, 40])
@pytest.mark.parametrize("kind", [a_minute, any_minute])
def test_a_limit_of_so_many_a_minute_refuses_once(
    kind: Callable[[int], Limit], most: int, every_s: float, tmp_path: Path
) -> None:
    assert refusals(kind(most), every_s, tmp_path) == 1


def test_a_limit_that_is_not_reached_slows_nothing_down(tmp_path: Path) -> None:
    assert refusals(a_minute(60), 60 / 45, tmp_path) == 0
    assert learned_rate(tmp_path) == []


def test_where_others_have_used_up_the_minute_the_next_is_learned_from(tmp_path: Path) -> None:
    within_a_minute = a_minute(20)
    for _ in range(18):
        within_a_minute(Clock.now_s)
    assert refusals(within_a_minute, 0.5, tmp_path) <= 3
    assert learned_rate(tmp_path)[0].startswith("the target limits the rate: from its first 429 on it was asked ")


def test_processes_that_share_a_folder_share_what_was_learned(tmp_path: Path) -> None:
    clock = Clock()
    first, second = (LearnedPace(tmp_path, clock.now, clock.sleep) for _ in range(2))
    for _ in range(30):
        first.note()
    second.learn(10)
    began_s = clock.now_s
    for pace in (first, second, first):
        pace.wait()
    assert clock.now_s - began_s == pytest.approx(10 + 2 * 1.05 * 60 / 30)
