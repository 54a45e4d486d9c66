"""The requests that actors make, a row each: `claim`, `status t1`, `enqueue t2`."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from queue_emulator.core.errors import SettingsError
from queue_emulator.core.javascript import Json
from queue_emulator.core.shown import one_line


class Request(NamedTuple):
    """One request. `task` is the one that it is about; None for one that is about none.

    `path` "" is no HTTP request: a webhook puts a task into the queue through CommHub. `line` is what a script has for
    it, if that is more than the verb and the task.
    """

    verb: str
    method: str
    path: str
    body: bytes
    task: str | None
    line: str = ""

    @property
    def text(self) -> str:
        """As a script has it."""
        if self.line:
            return self.line
        return self.verb if self.task is None else f"{self.verb} {self.task}"


@dataclass(frozen=True, slots=True)
class Verb:
    """One kind of request.

    path   with {task} where the id goes
    body   of (the actor's name, seconds of a lease)
    about  whether it is about a task: the one that its script names, else the one that the actor holds
    """

    method: str
    path: str
    body: Callable[[str, int], Json] = lambda name, lease_s: None
    about: bool = False


VERBS = {
    "list": Verb("GET", "/api/queue"),
    "claim": Verb("POST", "/api/queue/claim", lambda name, lease_s: {"workerId": name, "leaseDurationSec": lease_s}),
    "get": Verb("GET", "/api/queue/{task}", about=True),
    "renew": Verb(
        "POST", "/api/queue/{task}/renew", lambda name, lease_s: {"workerId": name, "extendSec": lease_s}, about=True
    ),
    "release": Verb("POST", "/api/queue/{task}/release", lambda name, lease_s: {"workerId": name}, about=True),
    "status": Verb("POST", "/api/queue/{task}/status", lambda name, lease_s: {"status": "claimed"}, about=True),
    "result": Verb("POST", "/api/result/{task}", lambda name, lease_s: {"success": True}, about=True),
    "enqueue": Verb("POST", "", about=True),
    "migrate-status": Verb("GET", "/api/migrate/status"),
    "run": Verb("POST", "/api/migrate/run"),
    "rollback": Verb("POST", "/api/migrate/rollback"),
}


def require_shown(text: str) -> None:
    """Raises SettingsError for a line with a character that cannot be shown, and so cannot be in a schedule."""
    if one_line(text) != text:
        raise SettingsError(f"it has a character that is not shown as itself: {one_line(text)[:200]}")


def check_script(text: str) -> None:
    """Raises SettingsError for what is no request."""
    verb, _, task = text.partition(" ")
    if verb not in VERBS:
        raise SettingsError(f"unknown request {verb!r}; there are {', '.join(VERBS)}")
    if task and not VERBS[verb].about:
        raise SettingsError(f"{verb} is about no task, and {task!r} is named")
    if verb == "enqueue" and not task:
        raise SettingsError("enqueue needs the id of the task, for example `enqueue t1`")


@lru_cache(maxsize=4096)
def request(text: str, name: str, holds: str | None, lease_s: int) -> Request | None:
    """What an actor sends for a line of its script; None if that is about a task and it holds none."""
    verb, _, named = text.partition(" ")
    row = VERBS[verb]
    task = (named or holds) if row.about else None
    if row.about and task is None:
        return None
    body = row.body(name, lease_s)
    content = b"" if body is None else json.dumps(body).encode()
    return Request(verb, row.method, row.path.replace("{task}", task or ""), content, task)
