"""The whole of it: schedules are run, what they break is told apart, made small and kept, each finding once."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from queue_emulator.explore.causes import Cause, Shape, Signs, Target, causes, replay, shape, signs, targets
from queue_emulator.explore.guarantee import Broken, Guarantee, broken
from queue_emulator.explore.history import History
from queue_emulator.explore.scenarios import SCENARIOS, Answered, Scenario, as_it_is
from queue_emulator.explore.search import LANES, Lane, in_turn, usual_runs
from queue_emulator.explore.shrink import shrink
from queue_emulator.explore.turns import Made, switches
from queue_emulator.explore.world import World

_ALWAYS_LOOKED_AT = 1  # of failures that look alike, in each lane; later ones are looked at now and then
_NOW_AND_THEN = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """A schedule that breaks a guarantee, as small as it gets.

    target       the guarantee, and in which way it breaks
    broken       where, and what is wrong in words
    causes       what production does that it needs
    scenario     actors, and what there is before
    made         what was chosen
    history      what happened
    at_schedule  the number of the schedule that broke it first
    """

    target: Target
    broken: Broken
    causes: tuple[Cause, ...]
    scenario: Scenario
    made: tuple[Made, ...]
    history: History
    at_schedule: int

    @property
    def guarantee(self) -> Guarantee:
        return self.scenario.subject.guarantees[self.target.guarantee]

    @property
    def rank(self) -> int:
        """The place of its guarantee among those of what is explored."""
        return list(self.scenario.subject.guarantees).index(self.target.guarantee)

    @property
    def switches(self) -> int:
        """How often another actor goes on."""
        return switches([each.choice for each in self.made])

    @property
    def verbs(self) -> tuple[str, ...]:
        """The kinds of requests in it."""
        return tuple(
            sorted({self.scenario.subject.verb(script) for actor in self.scenario.actors for script in actor.script})
        )

    def adds_to(self, other: "Finding") -> bool:
        """Whether it is the other one with more requests, or in need of more: nothing new."""
        return (
            self.target == other.target
            and set(self.causes) >= set(other.causes)
            and set(self.verbs) >= set(other.verbs)
            and bool(self.causes) == bool(other.causes)
        )


Sign = tuple[str, Target, Signs]
"""What is examined once: a failure in a scenario, and whether it needs what tells such failures apart."""


class Explorer:
    """What was found so far, and how much was tried. The same scenarios and seed give the same, step by step.

    `lanes` are those of the search that this one has; what is found in several is put together by `keep`.
    `unsteady`: how often a schedule broke something and did not when it was run again. No Worker does that whose
    answers follow from what it is asked and what KV holds.
    """

    def __init__(
        self,
        scenarios: Sequence[Scenario] = SCENARIOS,
        seed: int = 0,
        *,
        swarm: bool = True,
        answered: Answered = as_it_is,
        lanes: Sequence[int] = range(LANES),
    ) -> None:
        self.schedules = 0
        self.operations = 0
        self.unsteady = 0
        self.examined: dict[Sign, Finding] = {}
        self.findings: list[Finding] = []
        known = usual_runs(scenarios, answered)
        self._lanes = [Lane(number, known, seed, swarm=swarm, answered=answered) for number in lanes]
        self._seen: Counter[tuple[int, str, Target, Shape]] = Counter()
        self._looked_at: set[Sign] = set()

    def run(self, enough: Callable[[], bool], schedules_max: int | None = None) -> Iterator[Finding]:
        """Schedules, until it is enough or there are no more; gives each finding as it is made.

        `schedules_max`: of all lanes there are, whoever runs the others.
        `findings` are those that say something of their own: a later one may take the place of an earlier one.
        """
        running = in_turn(self._lanes, schedules_max)
        while not enough():
            lane, world = next(running, (None, None))
            if lane is None or world is None:
                return
            self.schedules += 1
            self.operations += world.steps
            number = (lane.schedules - 1) * LANES + lane.number + 1
            for target in targets(broken(world.history)):
                finding = self._look_at(world, target, lane.number, number)
                if finding is not None and self._keep(finding):
                    yield finding

    def _look_at(self, world: World, target: Target, lane: int, number: int) -> Finding | None:
        """What a failure comes to, unless something like it is known."""
        alike = (lane, world.scenario.name, target, shape(world.made))
        self._seen[alike] += 1
        if self._seen[alike] > _ALWAYS_LOOKED_AT and self._seen[alike] % _NOW_AND_THEN:
            return None
        told = signs(world.scenario, world.made, target)
        known = (world.scenario.name, target, told)
        if known in self._looked_at:
            return None
        self._looked_at.add(known)
        finding = examine(world.scenario, world.made, target, told, number)
        if finding is None:
            self.unsteady += 1
        else:
            self.examined[known] = finding
        return finding

    def _keep(self, finding: Finding) -> bool:
        """Whether it says something of its own."""
        kept = keep(self.findings, finding)
        self.findings = kept
        return finding in kept


def keep(findings: Sequence[Finding], finding: Finding) -> list[Finding]:
    """Unless it only adds something to one that is known; those that only add something to it go."""
    if any(finding.adds_to(known) for known in findings):
        return list(findings)
    return [*(known for known in findings if not known.adds_to(finding)), finding]


def examine(scenario: Scenario, made: Sequence[Made], target: Target, told: Signs, at_schedule: int) -> Finding | None:
    """Make it small, and find out what it needs; None if it breaks nothing when it is run again."""
    scenario, small = shrink(scenario, made, target, told)
    with scenario.subject.afresh():
        history = replay(scenario, [each.choice for each in small]).history
    why = target.breaks(history)
    if why is None:
        return None
    return Finding(target, why, causes(scenario, small, target), scenario, small, history, at_schedule)
