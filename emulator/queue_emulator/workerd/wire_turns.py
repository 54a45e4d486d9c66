"""KV for one run of a Worker that is stepped: what it asks for over the wire stands before its turn, until it goes."""

from collections.abc import Coroutine, Mapping
from typing import NamedTuple

from aiohttp import web

from queue_emulator.core.wire_names import LOCATION_HEADER
from queue_emulator.kv.binding import Binding, Service
from queue_emulator.kv.turn import AnyOperation
from queue_emulator.workerd.invocations import Invocations
from queue_emulator.workerd.runtime_kv import RuntimeKV


class Said(NamedTuple):
    """What KV answers."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class WaitingOperation:
    """An operation that waits for its turn."""

    def __init__(self, work: Coroutine[object, None, web.Response], operation: AnyOperation) -> None:
        self._work = work
        self.operation = operation

    def go(self) -> Said:
        """It is its turn."""
        try:
            self._work.send(None)
        except StopIteration as ended:
            return _said(ended.value)
        raise AssertionError("an operation waits for its turn once")

    def leave(self) -> None:
        """It is never done."""
        self._work.close()


class WireTurns:
    """KV as a run sees it, which is the only one there."""

    def __init__(self, binding: Binding) -> None:
        self._location = binding.location
        invocations = Invocations()
        invocations.begin(binding.location, binding.invocation)

        async def find(headers: Mapping[str, str]) -> Service:
            return binding.service

        self._kv = RuntimeKV(find, locations=(binding.location,), invocations=invocations, log=_nobody_listens)

    def ask(self, method: str, target: bytes, metadata: bytes | None, body: bytes) -> WaitingOperation | Said:
        """What the runtime asks for stands before its turn, or is refused before that."""
        asked = _Asked(method, target.decode("utf-8", "surrogateescape"), {LOCATION_HEADER: self._location})
        if metadata is not None:
            asked.headers["CF-KV-Metadata"] = metadata.decode("utf-8", "surrogateescape")
        work = self._kv.answer(asked, body)
        try:
            operation: AnyOperation = work.send(None)
        except StopIteration as ended:
            return _said(ended.value)
        return WaitingOperation(work, operation)


class _Asked(NamedTuple):
    method: str
    raw_path: str
    headers: dict[str, str]


def _said(response: web.Response) -> Said:
    body = response.body if isinstance(response.body, bytes) else b""
    return Said(response.status, response.reason or "", tuple(response.headers.items()), body)


def _nobody_listens(line: str) -> None:
    pass
