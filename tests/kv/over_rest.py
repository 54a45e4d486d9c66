"""A namespace as it is seen through the emulator's own face of Cloudflare's API, in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx

from queue_emulator.core.accounts import namespace_of
from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.kv.cloudflare_api import CloudflareAPI
from queue_emulator.kv.remote import RemoteService
from queue_emulator.kv.service import KVService
from queue_emulator.web.app import create_app
from queue_emulator.web.deployment import Deployment
from queue_emulator.worker.auth import ApiKeys
from tests.kv.scripted_api import ACCESS

NAME = "CACHE"


@asynccontextmanager
async def api_of(far: KVService, clock: MovableClock) -> AsyncIterator[CloudflareAPI]:
    """A client of the API behind which `far` lies; its waits take no time."""
    deployment = Deployment(
        service=far, clock=clock, keys=ApiKeys(), dice=Dice(7), api_token=ACCESS.token, log=_no_defect
    )

    async def sleep(by_ms: int) -> None:
        pass

    async with CloudflareAPI(
        replace(ACCESS, namespace_id=namespace_of(NAME).id),
        sleep=sleep,
        dice=Dice(7),
        clock=clock,
        transport=httpx.ASGITransport(create_app(deployment, log_requests=False)),
    ) as api:
        yield api


@asynccontextmanager
async def over_rest(far: KVService, clock: MovableClock) -> AsyncIterator[RemoteService]:
    """`far` as a service that a binding takes."""
    async with api_of(far, clock) as api:
        yield RemoteService(api, title=NAME, clock=clock, dice=Dice(7), sleep=api._sleep)


def _no_defect(line: str) -> None:
    raise AssertionError(line)
