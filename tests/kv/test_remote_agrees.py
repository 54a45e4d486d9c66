"""A binding over the REST API cannot be told from one over a local namespace, whatever is asked of it."""

import asyncio
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.errors import JavaScriptError
from queue_emulator.core.javascript import UNDEFINED
from queue_emulator.core.profiles import LOCAL
from queue_emulator.kv.binding import Binding, ListResult
from queue_emulator.kv.operation import Invocation
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from tests.differential.answers import Answer, answer_here, bulk_answer_here
from tests.differential.generated import scripts_with_a_moving_clock
from tests.differential.operations import Advance, Buffer, LastCursor, Operation, Repeat, Script, Seconds, javascript
from tests.kv.over_rest import over_rest

START_MS = 1_795_435_200_000


class Side:
    """One of the two namespaces, and where its last list goes on."""

    def __init__(self, service: Any, clock: MovableClock) -> None:
        self._service = service
        self._clock = clock
        self._cursor: tuple[Any, Any] = (None, UNDEFINED)

    async def answer(self, operation: Operation) -> Answer:
        binding = Binding(self._service, "SJC", Invocation(None))
        options = {name: self._given(value) for name, value in operation.options.items()}
        if operation.method == "list":
            # Cursors are each namespace's own, and of one prefix: what another gave is refused in its own way.
            prefix, cursor = self._cursor
            goes_on = isinstance(operation.options.get("cursor"), LastCursor) and prefix == options.get("prefix")
            options["cursor"] = cursor if goes_on else UNDEFINED
        try:
            value = await getattr(binding, operation.method)(*self._given(operation.arguments), **options)
        except JavaScriptError as error:
            return Answer(error=(error.name, str(error)))
        if isinstance(value, ListResult):
            self._cursor = (options.get("prefix"), UNDEFINED if value.cursor is None else value.cursor)
            value = ListResult(value.keys, value.list_complete, value.cursor and "a cursor", value.cache_status)
        return await (bulk_answer_here if operation.method.startswith("get_bulk") else answer_here)(value)

    def _given(self, value: Any) -> Any:
        match value:
            case Seconds(after_now):
                return self._clock.now_ms() // 1000 + after_now
            case Repeat(text, times):
                return text * times
            case Buffer(content):
                return content
            case list() | tuple():
                return [self._given(item) for item in value]
            case dict():
                return {name: self._given(member) for name, member in value.items()}
        return value


@pytest.mark.no_cover
@pytest.mark.slow
def test_random_operations_are_answered_alike() -> None:
    asked = [0, 0]

    for script in islice(scripts_with_a_moving_clock("remote"), 60):
        operations, thrown = asyncio.run(_compare(script))
        asked[0] += operations
        asked[1] += thrown

    assert asked[0] > 500
    assert asked[1] > 50


async def _compare(script: Script) -> tuple[int, int]:
    """Raises AssertionError where the sides part; how many operations there were, and how many threw."""
    clock = MovableClock.frozen_at(START_MS)
    far = KVService(MemoryStore(), clock=clock, profile=LOCAL)
    operations = thrown = 0
    async with over_rest(far, clock) as remote:
        near = Side(KVService(MemoryStore(), clock=clock, profile=LOCAL), clock)
        there = Side(remote, clock)
        for step in script.steps:
            if isinstance(step, Advance):
                clock.advance(step.by_ms)
                continue
            expected, answered = await near.answer(step), await there.answer(step)
            assert answered == expected, "\n".join(map(javascript, _until(script, step)))
            operations += 1
            thrown += expected.error is not None
    return operations, thrown


def _until(script: Script, last: object) -> Iterator[Any]:
    for step in script.steps:
        yield step
        if step is last:
            return
