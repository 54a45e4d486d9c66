"""Scenarios that nobody wrote: actors, what they do, where they are, and what there is before, all drawn."""

from queue_emulator.explore.draws import Draws
from queue_emulator.explore.history import Actor
from queue_emulator.explore.scenarios import FAULTS, Scenario, numbered

ACTORS_MAX = 3
_LOCATIONS = ("SJC", "NRT")
_HOLDING = ("renew", "renew", "release", "release", "result", "result", "status", "list", "get t01", "claim")
_FREE = ("claim", "claim", "claim", "list", "status t01")  # what is about a task needs one that is held
_ACTORS = (1, 2, 2, 2, 3, 3)  # one alone meets nobody
_ROLES = {
    "new": ("daemon", "daemon", "daemon", "webhook"),
    "old": ("daemon", "webhook", "webhook"),
    "migration": ("operator", "operator", "daemon", "webhook"),
}
_VERSIONS = {"new": ("new",), "old": ("old",), "migration": ("old", "old", "dual", "new")}
_TASKS = {"new": (1, 1, 1, 2, 2, 13), "old": (0, 1, 2), "migration": (1, 1, 2, 2, 6)}


def drawn_scenario(draws: Draws) -> Scenario:
    """A queue before, during or after its migration, with one to ACTORS_MAX actors."""
    kind = draws.one_of(("new", "new", "old", "migration", "migration"))
    tasks = draws.one_of(_TASKS[kind])
    actors = tuple(_actor(kind, place, draws) for place in range(draws.one_of(_ACTORS)))
    rolled_back = any("rollback" in actor.script for actor in actors)
    migrates = kind == "migration" and not rolled_back
    small = 10 if tasks > 5 else 20
    return Scenario(
        f"swarm-{kind}",
        actors,
        numbered("new" if kind == "new" else "old", tasks),
        final=kind if kind != "migration" else "dual" if rolled_back else "new",
        migrates=migrates,
        page_max=small,
        operations_max=small,
        faults=FAULTS if draws.percent(30) else (),
    )


def _actor(kind: str, place: int, draws: Draws) -> Actor:
    name, location = "abc"[place], draws.one_of(_LOCATIONS)
    role = "operator" if kind == "migration" and place == 0 else draws.one_of(_ROLES[kind])
    version = draws.one_of(_VERSIONS[kind])
    if role == "operator":
        runs = tuple(draws.one_of(("migrate-status", "run", "run", "rollback")) for _ in range(1 + draws.below(3)))
        return Actor(name, location, runs)
    if role == "webhook":
        return Actor(name, location, tuple(f"enqueue {name}{n}" for n in range(1 + draws.below(2))), version)
    return Actor(name, location, _daemon(draws), version)


def _daemon(draws: Draws) -> tuple[str, ...]:
    """Claims, does something with what it holds, and claims again when it has given that back."""
    script, holds = ["claim"], True
    for _ in range(draws.below(5)):
        script.append(draws.one_of(_HOLDING if holds else _FREE))
        holds = script[-1] == "claim" or (holds and script[-1] not in ("release", "result"))
    return tuple(script)
