"""A binding that tests look into: it writes down every KV call and can be interrupted."""

from collections.abc import Awaitable, Callable
from typing import Any

from queue_emulator.core.javascript import UNDEFINED, JavaScript, to_string
from queue_emulator.kv.binding import Binding, ListResult
from queue_emulator.kv.operation import Invocation
from queue_emulator.kv.service import KVService

Call = tuple[str | int, ...]
"""("get", key), ("put", key, seconds to live), ("delete", key) or ("list", prefix)."""

Interruption = Callable[[], Awaitable[object]]


class WatchedBinding(Binding):
    """`env.CACHE` for one invocation, with its calls on record; a call that fails is on record too.

    `before("put", key, then)` has `then` awaited once, right before the first such call.
    """

    def __init__(self, service: KVService, location: str = "SJC") -> None:
        super().__init__(service, location, Invocation(service.profile.operations_max))
        self.calls: list[Call] = []
        self._interruptions: dict[tuple[str, str], list[Interruption]] = {}

    def before(self, operation: str, key: str, then: Interruption) -> None:
        """Let something happen between two of the invocation's steps."""
        self._interruptions.setdefault((operation, key), []).append(then)

    def before_nth(self, nth: int, operation: str, key: str, then: Interruption) -> None:
        """As `before`, at the nth such call, from 1."""
        for _ in range(nth - 1):
            self.before(operation, key, _nothing)
        self.before(operation, key, then)

    @property
    def uninterrupted(self) -> int:
        """How many interruptions are still to come: a test that expected one must find 0."""
        return sum(len(waiting) for waiting in self._interruptions.values())

    async def get(self, key: JavaScript, type: JavaScript = "text", *, cache_ttl: JavaScript = UNDEFINED) -> Any:
        await self._note("get", key)
        return await super().get(key, type, cache_ttl=cache_ttl)

    async def put(
        self,
        key: JavaScript,
        value: JavaScript | bytes,
        *,
        expiration: JavaScript = UNDEFINED,
        expiration_ttl: JavaScript = UNDEFINED,
        metadata: JavaScript = UNDEFINED,
    ) -> None:
        await self._note("put", key, expiration_ttl)
        await super().put(key, value, expiration=expiration, expiration_ttl=expiration_ttl, metadata=metadata)

    async def delete(self, key: JavaScript) -> None:
        await self._note("delete", key)
        await super().delete(key)

    async def list(
        self, *, prefix: JavaScript = UNDEFINED, limit: JavaScript = UNDEFINED, cursor: JavaScript = UNDEFINED
    ) -> ListResult:
        await self._note("list", prefix)
        return await super().list(prefix=prefix, limit=limit, cursor=cursor)

    async def _note(self, operation: str, key: JavaScript, *rest: JavaScript) -> None:
        waiting = self._interruptions.get((operation, to_string(key)))
        if waiting:
            await waiting.pop(0)()
        self.calls.append((operation, to_string(key), *(each for each in rest if isinstance(each, int))))


async def _nothing() -> None:
    pass
