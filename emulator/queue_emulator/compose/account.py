"""The account of an emulator: its namespaces, kept or in memory, and Workers elsewhere that are connected to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.profiles import Profile
from queue_emulator.kv.centre import Versions
from queue_emulator.kv.namespaces import MemoryCatalogue, Namespaces
from queue_emulator.kv.pipeline import Pipeline
from queue_emulator.kv.service import KVService
from queue_emulator.kv.sqlite import SqliteCatalogue
from queue_emulator.kv.state_file import check_own_folder
from queue_emulator.kv.store import MemoryStore, Store
from queue_emulator.kv.waiting import sleep_on
from queue_emulator.settings import DEFAULT_STATE
from queue_emulator.terminal import tell
from queue_emulator.web.deployment import WORKER_NAME, Deployment

if TYPE_CHECKING:
    from queue_emulator.workerd.connection import ConnectionApp


@dataclass(slots=True)
class Account:
    """`aside` is a service of no namespace, and empty: its faults, journal and counts are the account's."""

    namespaces: Namespaces
    aside: KVService
    started: bool = False


@asynccontextmanager
async def open_account(state: Path | None, profile: Profile, clock: MovableClock, dice: Dice) -> AsyncIterator[Account]:
    """The namespaces of a state file, or of memory, closed at the end; raises StateError.

    What does not come to be `started` leaves the file as it was.
    """
    if state == DEFAULT_STATE:
        check_own_folder(DEFAULT_STATE)
    kept = None if state is None else await SqliteCatalogue.open(state)
    catalogue, warned = kept or MemoryCatalogue(), _warn(kept, None)
    pipeline, versions = Pipeline(clock, dice, sleep_on(clock), profile.plan), Versions()

    def open_service(store: Store, name: str) -> KVService:
        return KVService(
            store, clock=clock, profile=profile, dice=dice, versions=versions, pipeline=pipeline, namespace=name
        )

    try:
        account = Account(await Namespaces.open(catalogue, open_service, dice), open_service(MemoryStore(), ""))
    except BaseException:
        await catalogue.discard()
        raise
    try:
        yield account
    finally:
        await account.namespaces.close(discard=not account.started)
        _warn(kept, warned)


def _warn(catalogue: SqliteCatalogue | None, before: str | None) -> str | None:
    """Tell what there is to tell of the state file, once."""
    warning = catalogue.warning if catalogue else None
    if warning and warning != before:
        tell(warning)
    return warning


def connection_app(deployment: Deployment) -> "ConnectionApp":
    """KV for Workers that are given a connection string; raises SettingsError without the extra that it needs."""
    from queue_emulator.workerd.extra import require_extra

    require_extra(("aiohttp",))
    from queue_emulator.workerd.connection import ConnectionApp

    namespaces = deployment.namespaces
    assert namespaces is not None

    async def bind(binding: str, id: str | None) -> KVService:
        return await namespaces.bind(id or binding, worker=WORKER_NAME, binding=binding)

    return ConnectionApp(bind, locations=lambda: deployment.locations, log=deployment.log)
