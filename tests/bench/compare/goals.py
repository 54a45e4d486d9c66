"""What the emulator is meant to reach, measured in the same run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.bench.compare.list_pages import pages_of
from tests.bench.compare.measures import CLAIM_AND_RESULT, GET_TASK, Sizes, migration_of, queue_of
from tests.bench.compare.samples import Measured
from tests.bench.compare.taking import MEMORY_STARTED, MEMORY_WORKED, START
from tests.bench.compare.targets import EMULATOR, MINIFLARE


@dataclass(frozen=True, slots=True)
class Goal:
    """`times` better than miniflare in a measure."""

    measure: str
    times: float


GOALS = (
    Goal(START, 1 / 0.4),
    Goal(MEMORY_STARTED, 1 / 0.25),
    Goal(MEMORY_WORKED, 1 / 0.25),
    Goal(queue_of(1_000), 3),
    Goal(GET_TASK, 2),
    Goal(CLAIM_AND_RESULT, 6),
    Goal(migration_of(1_000), 10),
)
PAGE_RATIO_MAX = 1.3  # of a page of a list of a million keys, to one of a thousand


@dataclass(frozen=True, slots=True)
class Reached:
    """A goal in words, what was measured, and whether that is enough."""

    goal: str
    measured: str
    met: bool


def reached(measured: Sequence[Measured], sizes: Sizes) -> list[Reached]:
    """Every goal whose measure was taken."""
    by_name = {each.name: each for each in measured}
    return [
        *(_against_miniflare(goal, by_name[goal.measure]) for goal in GOALS if goal.measure in by_name),
        *_of_pages(by_name, sizes.listed),
    ]


def _against_miniflare(goal: Goal, measured: Measured) -> Reached:
    times = measured.times_better(EMULATOR, MINIFLARE)
    assert times is not None
    words = f"{goal.measure}: {goal.times:g} times better than miniflare"
    return Reached(words, f"{times:.2f} times", times >= goal.times)


def _of_pages(by_name: Mapping[str, Measured], listed: tuple[int, int]) -> list[Reached]:
    few, many = (by_name.get(pages_of(size)) for size in listed)
    if few is None or many is None:
        return []
    ratio = many.by_target[EMULATOR].median / few.by_target[EMULATOR].median
    words = f"{many.name}: at most {PAGE_RATIO_MAX} times the cost of {listed[0]:,}"
    return [Reached(words, f"{ratio:.2f} times", ratio <= PAGE_RATIO_MAX)]
