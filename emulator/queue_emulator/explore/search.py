"""Which schedules are tried: those that deviate little from the usual first (explore/deviations.py), and drawn ones."""

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from queue_emulator.explore.deviations import ByDeviations, Usual, usual
from queue_emulator.explore.drawn import drawn
from queue_emulator.explore.draws import Draws
from queue_emulator.explore.scenarios import Answered, Scenario, as_it_is
from queue_emulator.explore.world import World

_DRAWN_SHARE = 4  # for so many operations of scenarios, one of drawn schedules
LANES = 16


def schedules(
    scenarios: Sequence[Scenario], seed: int, *, swarm: bool = True, answered: Answered = as_it_is
) -> Iterator[World]:
    """Schedule after schedule, each run and settled: one of each lane in turn."""
    known = usual_runs(scenarios, answered)
    lanes = [Lane(number, known, seed, swarm=swarm, answered=answered) for number in range(LANES)]
    return (world for _, world in in_turn(lanes))


def in_turn(lanes: "Sequence[Lane]", schedules_max: int | None = None) -> "Iterator[tuple[Lane, World]]":
    """One schedule of each lane in turn, until no lane has more; `schedules_max` are of all lanes that there are."""
    going = list(lanes)
    while going:
        for lane in tuple(going):
            over = schedules_max is not None and lane.schedules * LANES + lane.number >= schedules_max
            world = None if over else lane.run()
            if world is None:
                going.remove(lane)
            else:
                yield lane, world


def usual_runs(scenarios: Sequence[Scenario], answered: Answered = as_it_is) -> list[Usual]:
    """What all lanes begin with."""
    return [usual(answered(scenario)) for scenario in scenarios]


class Lane:
    """A part of the search that depends on no other part, so that processes and machines can divide them.

    The choices that deviate from the usual run are dealt out, one to each lane in turn; a lane has all schedules that
    go on from its own. Those with fewer deviations come first, in whatever scenario; where scenarios have as few, each
    gets as many KV operations. Beside them the swarm gets its share. `schedules`: how many there were.
    """

    def __init__(
        self, number: int, known: Sequence[Usual], seed: int, *, swarm: bool = True, answered: Answered = as_it_is
    ) -> None:
        self.number = number
        self.schedules = 0
        turned = number % len(known)
        turned_round = [*known[turned:], *known[:turned]]
        self._sources = [
            ByDeviations(one, _draws(seed, one.run.world.scenario, number), lane=number, lanes=LANES)
            for one in turned_round
        ]
        self._spent = dict.fromkeys(self._sources, 0)
        self._swarm = drawn(Draws(seed, f"swarm, lane {number}"), answered) if swarm else None
        self._swarm_spent = 0

    def run(self) -> World | None:
        """The next schedule, settled; None where there are no more."""
        self._sources = [source for source in self._sources if source.level is not None]
        swarms = not self._sources or self._swarm_spent * _DRAWN_SHARE < sum(self._spent.values())
        if self._swarm is not None and swarms:
            world = next(self._swarm)
            self._swarm_spent += world.steps
        elif self._sources:
            source = min(self._sources, key=lambda each: (each.level, self._spent[each]))
            world = source.run()
            self._spent[source] += world.steps
        else:
            return None
        self.schedules += 1
        return world


def by_deviations(scenario: Scenario, draws: Draws) -> Iterator[World]:
    """All schedules of a scenario, each once, in the order of how many deviations they have."""
    source = ByDeviations(usual(scenario), draws)
    while source.level is not None:
        yield source.run()


def _draws(seed: int, scenario: Scenario, lane: int) -> Draws:
    """By the name of the scenario's file alone: in whatever folder it lies, the same is found."""
    return Draws(seed, f"{PurePath(scenario.name).name}, lane {lane}")
