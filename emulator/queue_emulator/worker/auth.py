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


def why_not(keys: ApiKeys, scope: Scope, offered: bytes | None) -> str:
    """Why a header value does not open the scope, for the log: names of keys, never a key."""
    name = _NAMES[scope]
    if keys.expected(scope) is None:
        return f"{name} is not set"
    if scope is Scope.QUEUE and not keys.queue_api_key:
        name = "ASSISTANT_API_KEY"
    return f"no X-API-Key was sent: {name} is needed" if offered is None else f"the X-API-Key is not {name}"


_NAMES = {Scope.QUEUE: "QUEUE_API_KEY", Scope.ADMIN: "ADMIN_API_KEY"}
