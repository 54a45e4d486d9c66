"""Paging to `list_complete` gives each settled key once, whatever is deleted, expired, inserted or cached meanwhile."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.options import PutRequest
from queue_emulator.core.profiles import CLOUDFLARE, LOCAL, Profile
from queue_emulator.kv.binding import Binding
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore

NOON_MS = 1_795_435_200_000
NAMES = st.text("ab:\0é\uffff😀", min_size=1, max_size=4)
FATES = st.sampled_from(["settled", "deleted", "expired"])
CHANGES = st.lists(st.tuples(st.sampled_from(["put", "delete"]), NAMES), max_size=6)


@pytest.mark.no_cover
@pytest.mark.slow
@pytest.mark.parametrize("profile", [CLOUDFLARE, LOCAL], ids=lambda profile: profile.name)
@given(
    fates=st.dictionaries(NAMES, FATES, max_size=12),
    prefix=st.text("ab:é", max_size=2),
    limit=st.integers(1, 5),
    changes=CHANGES,
)
@settings(deadline=None)
def test_each_settled_key_comes_once_and_in_order(
    profile: Profile, fates: dict[str, str], prefix: str, limit: int, changes: list[tuple[str, str]]
) -> None:
    meanwhile = {name for _, name in changes}
    expected = [name for name, fate in fates.items() if fate == "settled" and name.startswith(prefix)]
    seen = asyncio.run(paged(profile, fates, prefix, limit, changes))
    assert [name for name in seen if name not in meanwhile] == sorted(set(expected) - meanwhile)
    assert seen == sorted(set(seen))
    assert all(name.startswith(prefix) for name in seen)


async def paged(
    profile: Profile, fates: dict[str, str], prefix: str, limit: int, changes: list[tuple[str, str]]
) -> list[str]:
    """The names that a location lists while another one changes others between its pages."""
    clock = MovableClock.frozen_at(NOON_MS)
    service = KVService(MemoryStore(), clock=clock, profile=profile)
    for name, fate in fates.items():
        expiration_s = NOON_MS // 1000 + 60 if fate == "expired" else None
        await service.load("SJC", [PutRequest(name.encode(), b"v", expiration_s)])
        if fate == "deleted":
            await service.delete("SJC", name.encode())
    clock.advance(60_000)
    reader, seen = Binding(service, "NRT"), []
    page = await reader.list(prefix=prefix, limit=limit)
    while True:
        seen += [key.name for key in page.keys]
        if page.list_complete:
            return seen
        if changes:
            change, name = changes.pop()
            request = PutRequest(name.encode(), b"w")
            await (service.load("SJC", [request]) if change == "put" else service.delete("SJC", request.key))
        page = await reader.list(prefix=prefix, limit=limit, cursor=page.cursor)
