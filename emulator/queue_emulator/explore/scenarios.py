"""Who does what in a world: those that are searched when nobody says anything else."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from queue_emulator.explore.history import Actor
from queue_emulator.explore.queue import QUEUE
from queue_emulator.explore.subject import Subject

FAIL_BEFORE, FAIL_AFTER, KILLED = "fail_before", "fail_after", "killed"
FAULTS = (FAIL_BEFORE, FAIL_AFTER, KILLED)
"""What can be done to one operation: it fails and did not happen, it happened and fails, the run ends before it."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Actors, and what there is before they begin.

    before          what is there: in the queue "new t1" and "old t1" are tasks in the new and the old format,
                    "odd t1" is one in the old format that is named by a pending list that is no list
    final           the version of the Worker by which the look at the end is made
    migrates        whether an operator then follows the guide: runs the migration for as long as status asks for it
    page_max        keys on a page of a list: production's 1,000, made small
    operations_max  KV operations in one invocation: production's 1,000, made small
    faults          which may be chosen, at most one in a schedule
    machines        of each location, with copies of their own
    pauses          how often more or less time than usual may pass between two steps
    subject         the queue, or a Worker of somebody's own
    """

    name: str
    actors: tuple[Actor, ...]
    before: tuple[str, ...] = ()
    final: str = "new"
    migrates: bool = False
    page_max: int = 20
    operations_max: int = 20
    faults: tuple[str, ...] = ()
    pauses: int = 2
    machines: int = 1
    lease_s: int = 120
    subject: Subject = field(default=QUEUE, repr=False)


Answered = Callable[[Scenario], Scenario]
"""The same scenario with the Worker that answers it."""


def as_it_is(scenario: Scenario) -> Scenario:
    """Answered by the Worker that it has."""
    return scenario


def with_machines(answered: Answered, machines: int) -> Answered:
    """The same with so many machines at each location, if it has fewer."""
    if machines == 1:
        return answered
    return lambda scenario: replace(answered(scenario), machines=max(machines, scenario.machines))


def numbered(format: str, count: int, first: int = 1) -> tuple[str, ...]:
    """So many tasks of one format: t01, t02, …"""
    return tuple(f"{format} t{number:02}" for number in range(first, first + count))


SCENARIOS = (
    Scenario(
        "daemons",
        (
            Actor("a", "SJC", ("claim", "renew", "result")),
            Actor("b", "SJC", ("claim", "result")),
            Actor("m", "SJC", ("status t1",)),
        ),
        before=("new t1",),
    ),
    Scenario(
        "two-ends",
        (
            Actor("a", "SJC", ("claim", "release", "claim", "result")),
            Actor("b", "NRT", ("claim", "release", "claim", "result")),
        ),
        before=("new t1",),
    ),
    Scenario(
        "webhooks",
        (
            Actor("h1", "SJC", ("enqueue t1",), "old"),
            Actor("h2", "SJC", ("enqueue t2",), "old"),
            Actor("d", "SJC", ("claim", "result"), "old"),
        ),
        final="old",
    ),
    Scenario(
        "migration",
        (
            Actor("op", "SJC", ("run",)),
            Actor("h", "SJC", ("enqueue t9",), "old"),
            Actor("d", "NRT", ("claim", "renew"), "old"),
        ),
        before=("old t1", "old t2"),
        migrates=True,
        faults=FAULTS,
    ),
    Scenario(
        "rollback",
        (Actor("op", "SJC", ("run", "rollback")), Actor("d", "SJC", ("claim",))),
        before=("old t1",),
        final="dual",
    ),
    Scenario(
        "crowd",
        (Actor("op", "SJC", ("run",)), Actor("a", "SJC", ("claim",) * 7)),
        before=(*numbered("old", 6), *numbered("new", 6, 7)),
        migrates=True,
        page_max=10,
        operations_max=10,
    ),
    Scenario(
        "roll-out",
        (
            Actor("o", "SJC", ("claim", "result"), "old"),
            Actor("n", "SJC", ("claim", "result"), "dual"),
            Actor("op", "SJC", ("run",)),
        ),
        before=("old t1",),
        final="dual",
    ),
    Scenario(
        "roll-back",
        (
            Actor("a", "SJC", ("claim",), "dual"),
            Actor("b", "SJC", ("claim",), "dual"),
            Actor("op", "SJC", ("rollback",)),
        ),
        before=("old t1",),
        final="dual",
    ),
    Scenario(
        "updates",
        (Actor("m", "SJC", ("list", "status t1", "list"), "old"),),
        before=("old t1",),
        final="old",
    ),
)
ODD_LIST = Scenario("odd-list", (Actor("op", "SJC", ("run",)),), before=("odd t1",))
"""Searched only by its name: its data are broken before anybody does anything."""
_WORKS = ("claim", "result")
ROLL_OUT_STEPS = (
    Scenario(
        "old-beside-dual",
        (Actor("o", "SJC", _WORKS, "old"), Actor("d", "SJC", _WORKS, "dual")),
        before=("old t1",),
        final="dual",
    ),
    Scenario(
        "run-beside-dual",
        (Actor("d", "SJC", _WORKS, "dual"), Actor("op", "SJC", ("run",))),
        before=("old t1",),
        final="dual",
    ),
    Scenario("run-alone", (Actor("op", "SJC", ("run",)),), before=("old t1", "old t2"), final="dual"),
    Scenario(
        "dual-beside-new",
        (Actor("d", "SJC", _WORKS, "dual"), Actor("n", "SJC", _WORKS, "new")),
        before=("new t1",),
    ),
)
"""Steps on the way from the old Worker to the new one, searched only by their names."""
BY_NAME = {each.name: each for each in (*SCENARIOS, ODD_LIST, *ROLL_OUT_STEPS)}
