"""Who may call what: the header X-API-Key against the key of a scope. No key configured means closed."""

import hmac
from dataclasses import dataclass, field
from enum import Enum


class Scope(Enum):
    """Which part of the API a key opens."""

    QUEUE = "queue"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """The Worker's secrets, named as in its environment; None or "" is not configured."""

    queue_api_key: str | None = field(default=None, repr=False)
    admin_api_key: str | None = field(default=None, repr=False)
    assistant_api_key: str | None = field(default=None, repr=False)

    def expected(self, scope: Scope) -> str | None:
        """QUEUE_API_KEY, else ASSISTANT_API_KEY, opens the queue; only ADMIN_API_KEY the migration."""
        if scope is Scope.ADMIN:
            return self.admin_api_key or None
        return self.queue_api_key or self.assistant_api_key or None


def authorized(keys: ApiKeys, scope: Scope, offered: bytes | None) -> bool:
    """Whether the offered header value opens the scope; takes the same time however much of it is right."""
    expected = keys.expected(scope)
    if expected is None or offered is None:
        return False
    return hmac.compare_digest(expected.encode("utf-8", "surrogateescape"), offered)
