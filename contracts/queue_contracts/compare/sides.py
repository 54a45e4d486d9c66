"""One of the two targets of a comparison: where it answers, and what may be done with it besides asking."""

from collections.abc import Callable
from collections.abc import Sequence as List
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property

import httpx

from queue_contracts.compare.steps import Deployment, Entry, Key, KvCalls
from queue_contracts.profiles import Profile
from queue_contracts.sending.rules import Asked
from queue_contracts.targets.target import Scope, scope_of
from queue_contracts.untrusted.keys import Keys


@dataclass(frozen=True)
class Side:
    """A running deployment.

    name           for people, and different from the other side's
    kind           `emulator`, `workerd` or the host
    seed           puts entries into its KV; None where that cannot be done, as with the next two
    reset          empties it
    advance        moves its KV's clock by so many seconds
    worker_time    whether the Worker's own clock moves with it
    write_pause_s  what lies between two POSTs of a sequence: Workers KV takes one write a second of one key
    rate           requests a minute that it is sent; None without a limit
    profile        what may be sent to it; `objection` says so of one request, and why not
    guarded        what stands below the client while a request is under way
    token          what opens its KV past the Worker
    deploy         deploys its Worker so, over an empty namespace; None where it stays as it is
    missing        ids of operations that its Worker does not have
    kv_calls       each KV operation of the Worker in this sequence, by name and key; None where nobody tells
    """

    name: str
    kind: str
    url: str
    queue_key: str = field(repr=False)
    admin_key: str = field(repr=False)
    http: httpx.Client = field(repr=False)
    seed: Callable[[List[Entry]], None] | None = None
    reset: Callable[[], None] | None = None
    advance: Callable[[int], None] | None = None
    worker_time: bool = False
    write_pause_s: float = 0
    rate: int | None = None
    profile: Profile = Profile.DISPOSABLE
    objection: Callable[[Asked], str | None] = lambda asked: None
    guarded: Callable[[], AbstractContextManager[object]] = nullcontext
    token: str = field(default="", repr=False)
    deploy: Callable[[Deployment], None] | None = None
    missing: frozenset[str] = frozenset()
    kv_calls: Callable[[], KvCalls | None] = lambda: None

    def key(self, path: str, which: Key) -> str | None:
        """What the header X-API-Key holds in a request to this path; None sends no such header."""
        scope = Scope.ADMIN if which is Key.ADMIN else Scope.QUEUE if which is Key.QUEUE else scope_of(path)
        right, other = (self.admin_key, self.queue_key) if scope is Scope.ADMIN else (self.queue_key, self.admin_key)
        return {
            Key.NONE: None,
            Key.EMPTY: "",
            Key.WRONG: "wrong",
            Key.OTHER_SCOPE: other,
            Key.CUT: right[:-1],
            Key.LONGER: right + "x",
            Key.OTHER_CASE: right.swapcase(),
        }.get(which, right)

    @cached_property
    def keys(self) -> Keys:
        """What no answer may have in it, and no report."""
        return Keys({key: "<key>" for key in (self.queue_key, self.admin_key, self.token) if key})
