"""This side: the binding in profile `local` over one store, with the clock where the other side's was."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.errors import JavaScriptError
from queue_emulator.core.javascript import UNDEFINED
from queue_emulator.core.profiles import LOCAL
from queue_emulator.kv.binding import Binding
from queue_emulator.kv.operation import Invocation
from queue_emulator.kv.service import KVService
from queue_emulator.kv.sqlite import SqliteStore
from queue_emulator.kv.store import MemoryStore
from tests.differential.answers import Answer, answer_here, bulk_answer_here
from tests.differential.operations import Buffer, LastCursor, Operation, Repeat, Seconds


class Emulated:
    """One namespace for many scripts."""

    def __init__(self, folder: Path | None) -> None:
        """In memory, or in a state file in `folder`."""
        self._loop = asyncio.Runner()
        self._clock = MovableClock.frozen_at(0)
        store = MemoryStore() if folder is None else self._loop.run(SqliteStore.open(folder / "state.sqlite"))
        self._service = KVService(store, clock=self._clock, profile=LOCAL)

    def begin(self) -> None:
        """Empty the namespace."""
        self._loop.run(self._service.reset())

    def answer(self, operation: Operation, now_ms: int, last_cursor: str | None) -> Answer:
        """Do the operation at this time."""
        self._clock.set(now_ms)
        return self._loop.run(self._answer(operation, last_cursor))

    def close(self) -> None:
        self._loop.run(self._service.close())
        self._loop.close()

    async def _answer(self, operation: Operation, last_cursor: str | None) -> Answer:
        binding = Binding(self._service, "SJC", Invocation(self._service.profile.operations_max))
        arguments = self._given(operation.arguments, last_cursor)
        options = {name: self._given(value, last_cursor) for name, value in operation.options.items()}
        try:
            value = await getattr(binding, operation.method)(*arguments, **options)
            return await (bulk_answer_here if operation.method.startswith("get_bulk") else answer_here)(value)
        except JavaScriptError as error:
            return Answer(error=(error.name, str(error)))

    def _given(self, value: Any, last_cursor: str | None) -> Any:
        match value:
            case Seconds(after_now):
                return self._clock.now_ms() // 1000 + after_now
            case LastCursor():
                return UNDEFINED if last_cursor is None else last_cursor
            case Repeat(text, times):
                return text * times
            case Buffer(content):
                return content
            case list() | tuple():
                return [self._given(item, last_cursor) for item in value]
            case dict():
                return {name: self._given(member, last_cursor) for name, member in value.items()}
        return value


def open_all(folder: Path) -> Sequence[Emulated]:
    """One on each kind of store."""
    return Emulated(None), Emulated(folder)
