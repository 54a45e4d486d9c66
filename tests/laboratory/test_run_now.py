"""Inside a test nothing waits: what only lets others go first goes on, what waits for somebody is refused."""

from collections.abc import Iterator
from types import coroutine

import pytest

from queue_emulator.core.errors import EmulatorError
from queue_emulator.kv.waiting import others_first
from queue_emulator.testing.run_now import run_now


def test_what_lets_others_go_first_goes_on_at_once() -> None:
    async def work() -> str:
        for _ in range(3):
            await others_first()
        return "done"

    assert run_now(work()) == "done"


def test_what_waits_for_somebody_is_refused() -> None:
    @coroutine
    def somebody() -> Iterator[object]:
        yield object()  # as a Future does

    async def work() -> None:
        await others_first()
        await somebody()

    with pytest.raises(EmulatorError, match="would have to wait"):
        run_now(work())
