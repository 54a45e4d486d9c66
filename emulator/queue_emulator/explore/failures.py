"""Schedules that break something, told apart by what they need: each kind once, the first of it."""

from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from typing import NamedTuple

from queue_emulator.explore.behaviour import Behaviour, Without
from queue_emulator.explore.causes import Signs, Target, signs, targets
from queue_emulator.explore.guarantee import broken
from queue_emulator.explore.scenarios import Answered, Scenario, as_it_is
from queue_emulator.explore.search import LANES, Lane, in_turn, usual_runs
from queue_emulator.explore.world import World

_ALWAYS_LOOKED_AT = 1  # of failures in which the same has acted, in each lane; later ones are looked at now and then
_NOW_AND_THEN = 10

Sign = tuple[str, Target, Signs, bool]
"""The kind of a failure: in which scenario, of what, whether it needs what tells such failures apart, and whether time
passed in an unusual way."""


def known_by(sign: Sign, known: Container[Sign]) -> bool:
    """Whether it is known, or the same with less: where no time passed in an unusual way."""
    *kind, paused = sign
    return sign in known or (paused and (*kind, False) in known)


class Failure(NamedTuple):
    """A schedule that breaks a guarantee, the first of its kind. `number`: which it is of those of all lanes."""

    world: World
    target: Target
    told: Signs
    number: int

    @property
    def sign(self) -> Sign:
        return self.world.scenario.name, self.target, self.told, Behaviour.PAUSES in self.world.acted


class Failures:
    """What is broken by the schedules of some lanes of the search. The same scenarios and seed give the same.

    `schedules` and `operations`: how many there were; `upto`: the number of the last among those of all lanes.
    """

    def __init__(
        self,
        scenarios: Sequence[Scenario],
        seed: int,
        *,
        swarm: bool = True,
        answered: Answered = as_it_is,
        lanes: Sequence[int] = range(LANES),
    ) -> None:
        self.schedules = self.operations = self.upto = 0
        known = usual_runs(scenarios, answered)
        self._lanes = [Lane(number, known, seed, swarm=swarm, answered=answered) for number in lanes]
        self._seen: Counter[tuple[int, str, Target, Without]] = Counter()
        self._signs: set[Sign] = set()

    def run(self, enough: Callable[[], bool], schedules_max: int | None = None) -> Iterator[Sequence[Failure]]:
        """Schedules, until it is enough or there are no more; after each the failures of a kind that is new.

        `schedules_max`: of all lanes there are, whoever runs the others.
        """
        running = in_turn(self._lanes, schedules_max)
        while not enough():
            lane, world = next(running, (None, None))
            if lane is None or world is None:
                return
            self.schedules += 1
            self.operations += world.steps
            self.upto = (lane.schedules - 1) * LANES + lane.number + 1
            found = (self._told_apart(world, target, lane.number) for target in targets(broken(world.history)))
            yield [each for each in found if each is not None]

    def _told_apart(self, world: World, target: Target, lane: int) -> Failure | None:
        """None if something like it is known."""
        alike = (lane, world.scenario.name, target, world.acted)
        self._seen[alike] += 1
        if self._seen[alike] > _ALWAYS_LOOKED_AT and self._seen[alike] % _NOW_AND_THEN:
            return None
        failure = Failure(world, target, signs(world, target), self.upto)
        if known_by(failure.sign, self._signs):
            return None
        self._signs.add(failure.sign)
        return failure
