"""The API over one namespace in memory, with a client that knows its token."""

from collections.abc import AsyncIterator

import httpx
import pytest

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.kv.service import KVService
from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from queue_emulator.worker.auth import ApiKeys
from tests.web.rest.api import TOKEN, Api


@pytest.fixture
def deployment(service: KVService, clock: MovableClock, logged: list[str]) -> Deployment:
    """The Worker at SJC and NRT, and the API with its token."""
    return Deployment(
        service=service,
        clock=clock,
        keys=ApiKeys(queue_api_key="q"),
        locations=("SJC", "NRT"),
        dice=Dice(7),
        log=logged.append,
        api_token=TOKEN,
    )


@pytest.fixture
async def api(deployment: Deployment) -> AsyncIterator[Api]:
    """Speaks to the API in this process."""
    transport = httpx.ASGITransport(create_app(deployment))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8787") as client:
        yield Api(client)
