"""The order of writes is one order: what is served, whichever way it was written, is what the state file holds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import permutations
from pathlib import Path

import httpx
import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import WriteRateError
from queue_emulator.core.options import PutRequest
from queue_emulator.kv.service import KVService
from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from queue_emulator.worker.auth import ApiKeys
from tests.asking import client_of
from tests.kv.opening import opened
from tests.web.rest.api import CACHE, TOKEN, Api

pytestmark = pytest.mark.anyio

LONG = "x" * 100_000  # too long for the thread that serves


@asynccontextmanager
async def served(path: Path, clock: MovableClock) -> AsyncIterator[tuple[Api, Deployment]]:
    """A Worker and the API over a state file."""
    async with opened(path) as store:
        service = KVService(store, clock=clock)
        keys = ApiKeys(queue_api_key="q")
        deployment = Deployment(
            service=service, clock=clock, keys=keys, dice=Dice(7), log=lambda line: None, api_token=TOKEN
        )
        async with client_of(create_app(deployment)) as client:
            yield Api(client), deployment


Write = Callable[[Api, Deployment], Awaitable[object]]

WRITES: dict[str, Write] = {
    "bulk write": lambda api, deployment: api.ask(
        "PUT", f"/{CACHE}/bulk", json=[{"key": key, "value": "bulk"} for key in ("k", "other")]
    ),
    "bulk delete": lambda api, deployment: api.ask("POST", f"/{CACHE}/bulk/delete", json=["k", "other"]),
    "put": lambda api, deployment: deployment.binding("SJC").put("k", "put"),
    "long put": lambda api, deployment: deployment.binding("SJC").put("k", LONG),
    "delete": lambda api, deployment: deployment.binding("SJC").delete("k"),
    "seed": lambda api, deployment: deployment.service.load(
        "SJC", [PutRequest(b"other", b"seed"), PutRequest(b"k", b"seed")]
    ),
}


async def shown(api: Api) -> list[bytes | None]:
    return [await api.get(key) for key in ("k", "other")]


async def after_a_restart(path: Path) -> list[bytes | None]:
    async with opened(path) as store:
        return [entry.value if entry else None for entry in await store.read([b"k", b"other"])]


@pytest.mark.parametrize(("first", "second"), list(permutations(WRITES, 2)), ids=lambda name: name.replace(" ", "-"))
async def test_two_writes_at_once_are_stored_in_the_order_in_which_they_are_served(
    tmp_path: Path, clock: MovableClock, first: str, second: str
) -> None:
    path = tmp_path / "state.sqlite"
    async with served(path, clock) as (api, deployment):
        writing = [WRITES[name](api, deployment) for name in (first, second)]
        failed = [each for each in await asyncio.gather(*writing, return_exceptions=True) if each is not None]
        assert all(isinstance(each, (WriteRateError, httpx.Response)) for each in failed)
        last = await shown(api)
    assert await after_a_restart(path) == last


@pytest.mark.parametrize("steps", range(8))
@pytest.mark.parametrize("cancelled", WRITES, ids=lambda name: name.replace(" ", "-"))
async def test_what_is_served_after_a_cancelled_write_is_stored(
    tmp_path: Path, clock: MovableClock, cancelled: str, steps: int
) -> None:
    path = tmp_path / "state.sqlite"
    async with served(path, clock) as (api, deployment):
        assert await shown(api) == [None, None]
        writing = asyncio.ensure_future(WRITES[cancelled](api, deployment))
        for _ in range(steps):
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        last = await shown(api)
    assert await after_a_restart(path) == last


async def test_writes_of_every_kind_at_once_end_in_one_order(tmp_path: Path, clock: MovableClock) -> None:
    path = tmp_path / "state.sqlite"
    async with served(path, clock) as (api, deployment):
        for _ in range(20):
            clock.advance(1_000)  # a key is put once a second
            writing = [asyncio.ensure_future(write(api, deployment)) for write in WRITES.values()]
            await asyncio.sleep(0)
            writing[clock.now_ms() // 1_000 % len(writing)].cancel()
            await asyncio.gather(*writing, return_exceptions=True)
        last = await shown(api)
    assert await after_a_restart(path) == last
