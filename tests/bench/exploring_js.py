"""How fast `explore --worker` is, on workerd: python -m tests.bench.exploring_js WORKER WORKERD [RUNS]

For each run, a seed: the seconds of search until every recorded hazard is found, the seconds in all, with what is made
small and told apart, written and drawn, and how many short schedules are run in a second: by the clock on the wall, and
of the processor, ours and workerd's. The goals are 10 s, 30 s and 100 a second.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from queue_emulator.explore import files
from queue_emulator.explore.deployed import answering
from queue_emulator.explore.explorer import Explorer, Finding
from queue_emulator.explore.guarantee import broken
from queue_emulator.explore.scenarios import SCENARIOS, Answered
from queue_emulator.explore.search import schedules
from queue_emulator.explore.searching import collect_seldom
from queue_emulator.workerd.bindings import WorkerFlags
from tests.bench.exploring import ALL, RATED, Sign, hazards

SECONDS_MAX = 90.0
RATED_S = 4.0  # of our processor


class Spent(NamedTuple):
    """Seconds on the wall, of our processor, and of workerd's."""

    wall: float
    ours: float
    workerds: float

    def __str__(self) -> str:
        return f"{self.wall:6.1f} {self.ours:6.1f} {self.workerds:6.1f}"


class Stopped:
    """What was spent; `workerds` once workerd is over, of which it includes the start."""

    def __init__(self) -> None:
        self._wall_s, self._ours_s, self._workerds_s = time.monotonic(), time.process_time(), _of_children()
        self.wall = self.ours = 0.0

    def now(self) -> None:
        self.wall, self.ours = time.monotonic() - self._wall_s, time.process_time() - self._ours_s

    @property
    def spent(self) -> Spent:
        return Spent(self.wall, self.ours, _of_children() - self._workerds_s)


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def on_workerd(worker: Path, workerd: Path) -> Iterator[tuple[Answered, Stopped]]:
    """The Worker, and seconds from when it has started."""
    with answering(ALL, WorkerFlags(worker), workerd=workerd) as answered:
        yield answered, Stopped()


class Run(NamedTuple):
    """What a seed came to: hazards found, the number of the last schedule, and what was spent."""

    found: int
    schedules: int
    whole: Spent
    search: Spent
    rate: float
    rate_spent: Spent

    @property
    def rate_of_processor(self) -> float:
        return self.rate * self.rate_spent.wall / (self.rate_spent.ours + self.rate_spent.workerds)


def run(worker: Path, workerd: Path, seed: int, wanted: dict[str, Sign]) -> Run:
    numbers: dict[str, int] = {}
    with on_workerd(worker, workerd) as (answered, whole):
        explorer = Explorer(ALL, seed, answered=answered)

        def enough() -> bool:
            whole.now()
            return len(numbers) == len(wanted) or whole.ours > SECONDS_MAX

        for each in explorer.run(enough):
            for name, sign in wanted.items():
                if sign == (each.target, each.causes)[: len(sign)]:
                    numbers.setdefault(name, each.at_schedule)
        _write(explorer.findings)
        whole.now()
    tried = explorer.schedules
    with on_workerd(worker, workerd) as (answered, search):
        _look(schedules(ALL, seed, answered=answered), lambda count: count >= tried)
        search.now()
    with on_workerd(worker, workerd) as (answered, rated):
        short = schedules([each for each in SCENARIOS if each.name in RATED], seed, swarm=False, answered=answered)

        def over(count: int) -> bool:
            rated.now()
            return rated.ours > RATED_S

        count = _look(short, over)
        rated.now()
    return Run(len(numbers), tried, whole.spent, search.spent, count / rated.wall, rated.spent)


def _look(worlds: Iterator[object], enough: Callable[[int], bool]) -> int:
    count = 0
    for count, world in enumerate(worlds, 1):
        broken(world.history)  # type: ignore[attr-defined]
        if enough(count):
            break
    return count


def _write(findings: Sequence[Finding]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number, finding in enumerate(findings):
            files.write(Path(folder), f"finding-{number}", finding, "none")


def main(worker: Path, workerd: Path, seeds: int) -> None:
    collect_seldom()
    wanted = hazards()
    runs: list[Run] = []
    print("seconds: wall, ours, workerd's\nseed | found | schedules | search | in all | schedules a second")
    for seed in range(seeds):
        each = run(worker, workerd, seed, wanted)
        runs.append(each)
        print(
            f"{seed:4} | {each.found} of {len(wanted)} | {each.schedules:5} | {each.search} | {each.whole} | "
            f"{each.rate:.0f}, with {each.rate_spent}",
            flush=True,
        )
    for name, seconds in (
        ("search, wall", [each.search.wall for each in runs]),
        ("in all, wall", [each.whole.wall for each in runs]),
        ("search, CPU ours", [each.search.ours for each in runs]),
        ("in all, CPU ours", [each.whole.ours for each in runs]),
        ("search, CPU of both", [each.search.ours + each.search.workerds for each in runs]),
        ("in all, CPU of both", [each.whole.ours + each.whole.workerds for each in runs]),
        ("schedules a second, wall", [each.rate for each in runs]),
        ("schedules a second, CPU", [each.rate_of_processor for each in runs]),
    ):
        print(f"{name:24} median {median(seconds):6.1f}, least {min(seconds):6.1f}, most {max(seconds):6.1f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 3)
