"""What a finding needs: each production behaviour without which the same schedule breaks nothing."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

from queue_emulator.explore.behaviour import Behaviour, Without
from queue_emulator.explore.guarantee import Broken
from queue_emulator.explore.history import History
from queue_emulator.explore.scenarios import Scenario
from queue_emulator.explore.turns import Choice, Made
from queue_emulator.explore.world import World

Cause = tuple[Behaviour, ...]
"""One behaviour; several where any one of them is enough, so that only without all of them nothing breaks."""


class Target(NamedTuple):
    """What is kept while a schedule changes: a guarantee, and the way in which it breaks."""

    guarantee: str
    how: tuple[str, ...]

    def breaks(self, history: History) -> Broken | None:
        """The first place where it does."""
        return next((each for each in history.guarantees[self.guarantee].check(history) if each.how == self.how), None)


def targets(broken: Iterable[Broken]) -> list[Target]:
    """Each once, in their order."""
    return list(dict.fromkeys(Target(each.guarantee, each.how) for each in broken))


def replay(scenario: Scenario, choices: Iterable[Choice]) -> World:
    """The choices that can be made, in their order; then what runs is ended, and nobody begins anything new."""
    world = World(scenario)
    for choice in choices:
        world.do(choice)
    world.settle()
    return world


def needed(world: World, target: Target, off: Without) -> bool:
    """Whether the same schedule breaks nothing without these."""
    if off.isdisjoint(world.acted):
        return False
    known = world.without.get(off)
    if known is None:  # what breaks several guarantees is asked for again and again
        known = world.without[off] = without(world.scenario, world.made, off)
    return target.breaks(known) is None


def without(scenario: Scenario, made: Sequence[Made], off: Without) -> History:
    """What comes of a schedule without these."""
    world = World(scenario, off)
    if Behaviour.OVERLAP in off:
        requests: dict[tuple[str, int], list[Choice]] = {}
        for choice, number in made:
            requests.setdefault((choice.actor, number), []).append(choice)
        for choices in requests.values():
            world.do(choices[0], choices[1:])
    else:
        for choice, _ in made:
            world.do(choice)
    return world.settle()


def causes(world: World, target: Target, told: "Signs" = ()) -> tuple[Cause, ...]:
    """Each behaviour that it needs; where it needs none of them alone, each pair of which it needs one.

    `told` is what is known of single ones.
    """
    known, asked = dict(told), _possible(Behaviour, world.made)
    single = [
        (each,) for each in asked if (known[each] if each in known else needed(world, target, frozenset((each,))))
    ]
    if single:
        return tuple(single)
    return tuple(pair for pair in combinations(asked, 2) if needed(world, target, frozenset(pair)))


Signs = tuple[tuple[Behaviour, bool], ...]


def signs(world: World, target: Target) -> Signs:
    """Whether it needs each of those that tell failures of one guarantee apart."""
    asked = _possible(world.scenario.subject.guarantees[target.guarantee].telling, world.made)
    return tuple((each, needed(world, target, frozenset((each,)))) for each in asked)


def keeps(world: World, target: Target, expected: Signs) -> bool:
    """Whether it still has these signs."""
    return all(needed(world, target, frozenset((each,))) == sign for each, sign in expected)


def _possible(asked: Iterable[Behaviour], made: Sequence[Made]) -> list[Behaviour]:
    absent: set[Behaviour] = set()
    if not any(each.choice.fault for each in made):
        absent.add(Behaviour.FAULTS)
    if all(each.choice.machine == 1 for each in made):
        absent.add(Behaviour.MACHINES)
    if all(each.choice.going == 1 for each in made):
        absent.add(Behaviour.ORDER)
    return [each for each in asked if each not in absent]
