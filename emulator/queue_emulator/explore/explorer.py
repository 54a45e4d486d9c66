"""The whole of it: schedules are run, what they break is told apart, made small and kept, each finding once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from queue_emulator.core.errors import SettingsError
from queue_emulator.explore.causes import Cause, Signs, Target, causes, replay
from queue_emulator.explore.failures import Failure, Failures, Sign
from queue_emulator.explore.guarantee import Broken, Guarantee
from queue_emulator.explore.history import History
from queue_emulator.explore.scenarios import SCENARIOS, Answered, Scenario, as_it_is
from queue_emulator.explore.search import LANES
from queue_emulator.explore.shrink import never, shrink
from queue_emulator.explore.turns import Made, switches


@dataclass(frozen=True, slots=True)
class Finding:
    """A schedule that breaks a guarantee.

    target       the guarantee, and in which way it breaks
    broken       where, and what is wrong in words
    causes       what production does that it needs
    scenario     actors, and what there is before
    made         what was chosen
    history      what happened
    at_schedule  the number of the schedule that broke it first
    small        whether it was made as small as it gets: there was time for it
    """

    target: Target
    broken: Broken
    causes: tuple[Cause, ...]
    scenario: Scenario
    made: tuple[Made, ...]
    history: History
    at_schedule: int
    small: bool = True

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
        """Whether it is the other one with more requests, or in need of more: nothing new.

        Of one that was not made small this cannot be told.
        """
        return (
            self.small
            and other.small
            and self.target == other.target
            and set(self.causes) >= set(other.causes)
            and set(self.verbs) >= set(other.verbs)
            and bool(self.causes) == bool(other.causes)
        )


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
        self.unsteady = 0
        self.examined: dict[Sign, Finding] = {}
        self.findings: list[Finding] = []
        self._failures = Failures(scenarios, seed, swarm=swarm, answered=answered, lanes=lanes)

    @property
    def schedules(self) -> int:
        """How many were run."""
        return self._failures.schedules

    @property
    def operations(self) -> int:
        """How many KV operations they had."""
        return self._failures.operations

    def run(
        self,
        enough: Callable[[], bool],
        schedules_max: int | None = None,
        *,
        small_enough: Callable[[], bool] = never,
    ) -> Iterator[Finding]:
        """Schedules, until it is enough or there are no more; gives each finding as it is made.

        `schedules_max`: of all lanes there are, whoever runs the others. `small_enough`: from when on nothing is made
        any smaller. `findings` are those that say something of their own: a later one may take the place of an earlier
        one. Whatever ends this by an error, what was found is kept as it was found.
        """
        for failures in self._failures.run(enough, schedules_max):
            waiting = list(failures)
            try:
                while waiting:
                    finding = self._examined(waiting[0], small_enough)
                    failure = waiting.pop(0)
                    if finding is None:
                        self.unsteady += 1
                    elif self._keep(failure.sign, finding):
                        yield finding
            finally:
                for failure in waiting:
                    self._keep(failure.sign, as_found(failure))

    def _examined(self, failure: Failure, small_enough: Callable[[], bool]) -> Finding | None:
        world, target, told, number = failure
        return examine(world.scenario, world.made, target, told, number, small_enough)

    def _keep(self, sign: Sign, finding: Finding) -> bool:
        """Whether it says something of its own."""
        self.examined[sign] = finding
        self.findings = keep(self.findings, finding)
        return finding in self.findings


def check_tried(broken: int, schedules: int, operations: int) -> None:
    """Raises SettingsError where no request did anything: that nothing was found says nothing then.

    `broken` is what was found, or seen once and not again.
    """
    if schedules and not (broken or operations):
        raise SettingsError(
            f"no request made a KV operation in {schedules} schedules, so nothing was tried: look at what the Worker "
            "answers; its routes may be others, or its binding may have another name"
        )


def keep(findings: Sequence[Finding], finding: Finding) -> list[Finding]:
    """Unless it only adds something to one that is known; those that only add something to it go."""
    if any(finding.adds_to(known) for known in findings):
        return list(findings)
    return [*(known for known in findings if not known.adds_to(finding)), finding]


def examine(
    scenario: Scenario,
    made: Sequence[Made],
    target: Target,
    told: Signs,
    at_schedule: int,
    enough: Callable[[], bool] = never,
) -> Finding | None:
    """Make it small, and find out what it needs; None if it breaks nothing when it is run again.

    Once it is `enough`, it is left as small as it is, and needs what told it apart.
    """
    small = shrink(scenario, made, target, told, enough)
    with scenario.subject.afresh():
        world = replay(small.scenario, [each.choice for each in small.made])
    why = target.breaks(world.history)
    if why is None:
        return None
    needs = causes(world, target, told) if small.whole else _as_told(told)
    return Finding(target, why, needs, small.scenario, small.made, world.history, at_schedule, small=small.whole)


def as_found(failure: Failure) -> Finding:
    """What nobody has examined."""
    world, target, told, number = failure
    why = target.breaks(world.history)
    assert why is not None, "it was found by this"
    return Finding(target, why, _as_told(told), world.scenario, tuple(world.made), world.history, number, small=False)


def _as_told(told: Signs) -> tuple[Cause, ...]:
    return tuple((each,) for each, needed in told if needed)
