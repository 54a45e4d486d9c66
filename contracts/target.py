"""What the suite knows of the thing it tests: where it is, what opens it and what it can do."""

from dataclasses import dataclass, field
from enum import Enum


class Scope(Enum):
    """Which of the two keys opens a route."""

    QUEUE = "queue"
    ADMIN = "admin"


class Ability(Enum):
    """What a target can do beyond the Worker's routes; a test that needs one is skipped where it is missing."""

    CONTROL = "seeded, reset and moved in time through /cdn-cgi/emulator/"


@dataclass(frozen=True)
class Target:
    """One running deployment, reached through `url` (no slash at its end)."""

    url: str
    queue_key: str = field(repr=False)
    admin_key: str = field(repr=False)
    abilities: frozenset[Ability] = frozenset()

    def key(self, scope: Scope) -> str:
        return self.admin_key if scope is Scope.ADMIN else self.queue_key


def scope_of(path: str) -> Scope:
    """The scope of a route, by its path or its template."""
    return Scope.ADMIN if path.startswith("/api/migrate") else Scope.QUEUE
