"""A Worker of the user's own in tests, where it does not start, does not answer, or has ended already."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from queue_emulator.core.errors import EmulatorError
from queue_emulator.core.profiles import CLOUDFLARE
from queue_emulator.testing.host import answering
from queue_emulator.testing.threads import LoopThread
from queue_emulator.testing.workers import Workers
from tests.asking import client_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def workers() -> Iterator[Workers]:
    made = Workers()
    yield made
    made.end()


def refusal(workers: Workers, path: Path) -> str:
    with pytest.raises(EmulatorError) as refused:
        workers.world(path, ("SJC",), CLOUDFLARE, 0)
    return str(refused.value)


def test_local_state_that_cannot_be_copied_is_told_and_not_tried_for_each_test(
    workers: Workers, tmp_path: Path
) -> None:
    (tmp_path / "wrangler.toml").write_text('main = "worker.mjs"')
    state = tmp_path / ".wrangler" / "state"
    state.mkdir(parents=True)
    os.mkfifo(state / "d1.sqlite")
    first = refusal(workers, tmp_path)
    assert first.startswith(f"cannot copy {state}, which tests have a copy of: `{state}/d1.sqlite` is a named pipe; ")
    assert refusal(workers, tmp_path) == f"{first} (as the first test that needs it tells)"


def test_one_worker_is_the_same_however_its_path_is_written(workers: Workers, tmp_path: Path) -> None:
    first = refusal(workers, tmp_path / "none.mjs")
    (tmp_path / "src").mkdir()
    assert refusal(workers, tmp_path / "src" / ".." / "none.mjs") == f"{first} (as the first test that needs it tells)"


async def test_a_worker_that_does_not_answer_is_told_instead_of_waited_for() -> None:
    async def in_a_loop(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    async with client_of(answering(in_a_loop, limit_s=0.01)) as client:
        with pytest.raises(
            EmulatorError, match=r"^the Worker did not answer GET /k within 0\.01 s: is it in a loop\?$"
        ):
            await client.get("/k")


async def test_a_timeout_that_is_the_workers_own_is_left_as_it_is() -> None:
    async def own(scope: Scope, receive: Receive, send: Send) -> None:
        raise TimeoutError("its own")

    async with client_of(answering(own)) as client:
        with pytest.raises(TimeoutError, match="its own"):
            await client.get("/k")


def test_what_happened_can_be_looked_at_when_the_worker_has_ended() -> None:
    thread, journal = LoopThread(), list[str]()
    thread.do(lambda: journal.append("put"))
    thread.end()
    assert thread.do(lambda: list(journal)) == ["put"]
