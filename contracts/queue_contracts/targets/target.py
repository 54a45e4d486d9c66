"""What the suite knows of the thing it tests: where it is, what opens it and what it can do."""

from dataclasses import dataclass, field
from enum import Enum


class Scope(Enum):
    """Which of the two keys opens a route."""

    QUEUE = "queue"
    ADMIN = "admin"


class Ability(Enum):
    """What a target can do beyond the Worker's routes; the value completes "it can be ...", for a report."""

    MOVE_TIME = "moved in time: its clock can be set"
    SEED = "seeded: entries are written directly into its KV"
    INSPECT = "inspected: entries are read directly from its KV"
    RESET = "emptied"
    DISPOSABLE = "disposable: all its data may be deleted"
    WORKER_CLOCK = "moved in time together with the Worker's own clock"
    OTHER_KEYS = "started once more, with other keys"
    AT_ONCE = "read right after a write, and written to again"


LOCAL = frozenset(Ability)
LOCATION_HEADER = "X-Emulator-Location"  # chooses one of a target's locations


@dataclass(frozen=True)
class RestApi:
    """A namespace behind Cloudflare's KV REST API; `url` ends in `/client/v4`, without a slash."""

    url: str
    account: str
    namespace: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class Target:
    """One running deployment, reached through `url` (no slash at its end). `name` is for people.

    `locations` are the ones that a request can be sent from; empty where it cannot be chosen. `rest` is how a target
    without a control surface is seeded and looked into.
    """

    url: str
    queue_key: str = field(repr=False)
    admin_key: str = field(repr=False)
    abilities: frozenset[Ability] = frozenset()
    name: str = "target"
    locations: tuple[str, ...] = ()
    rest: RestApi | None = None

    def key(self, scope: Scope) -> str:
        return self.admin_key if scope is Scope.ADMIN else self.queue_key

    def can(self, *abilities: Ability) -> bool:
        return self.abilities.issuperset(abilities)


def scope_of(path: str) -> Scope:
    """The scope of a route, by its path or its template."""
    return Scope.ADMIN if path.startswith("/api/migrate") else Scope.QUEUE
