"""The account's namespaces: which there are, by which id, and what becomes of their entries."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from queue_emulator.core.accounts import ID, Namespace, namespace_of
from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.entries import Entry
from queue_emulator.core.errors import NamespaceError
from queue_emulator.core.limits import NAMESPACES_MAX
from queue_emulator.core.options import PutRequest
from queue_emulator.core.wire_names import API_LOCATION
from queue_emulator.kv.centre import Versions
from queue_emulator.kv.namespaces import Catalogue, MemoryCatalogue, Namespaces
from queue_emulator.kv.service import KVService
from queue_emulator.kv.sqlite import SqliteCatalogue
from queue_emulator.kv.store import Store

pytestmark = pytest.mark.anyio

WRANGLER_ID = "0f2ac74b498b48028cb68387c421e279"


@pytest.fixture(params=["memory", "sqlite"])
async def catalogue(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Catalogue]:
    """An empty one of each kind."""
    memory = request.param == "memory"
    made: Catalogue = MemoryCatalogue() if memory else await SqliteCatalogue.open(tmp_path / "state.sqlite")
    yield made
    await made.close()


@pytest.fixture
async def namespaces(catalogue: Catalogue, clock: MovableClock) -> Namespaces:
    return await opened(catalogue, clock)


async def opened(catalogue: Catalogue, clock: MovableClock, seed: int = 1) -> Namespaces:
    versions = Versions()

    def open_service(store: Store, name: str) -> KVService:
        return KVService(store, clock=clock, versions=versions)

    return await Namespaces.open(catalogue, open_service, Dice(seed))


async def write(service: KVService | None, key: bytes = b"k", value: bytes = b"v") -> None:
    assert service is not None
    await service.write(API_LOCATION, [PutRequest(key, value)])


async def value(service: KVService | None, key: bytes = b"k") -> bytes | None:
    assert service is not None
    entry = (await service.get(API_LOCATION, key)).entry
    return entry.value if entry else None


def test_an_id_of_a_wrangler_config_is_its_own_and_any_other_name_has_one_drawn_from_it() -> None:
    assert namespace_of(WRANGLER_ID.upper()).id == namespace_of(WRANGLER_ID).id == WRANGLER_ID
    drawn = [namespace_of(name) for name in ("CACHE", "OTHER", "ü", WRANGLER_ID[:-1])]
    assert all(ID.fullmatch(each.id) for each in drawn)
    assert len({each.id for each in drawn}) == len(drawn)
    assert [each.title for each in drawn] == ["CACHE", "OTHER", "ü", WRANGLER_ID[:-1]]
    assert namespace_of("CACHE").id == "8faacc2352ae541a1333efb9d961f086"  # as users have it in their configs


async def test_what_a_worker_is_bound_to_is_found_by_its_id(namespaces: Namespaces) -> None:
    service = await namespaces.bind("CACHE", worker="w")
    assert namespaces.service(namespace_of("CACHE").id) is service
    assert await namespaces.bind("CACHE", worker="w") is service
    assert namespaces.all() == namespaces.bound() == [namespace_of("CACHE")]


async def test_a_created_namespace_can_be_bound_to_by_its_id_or_its_title(namespaces: Namespaces) -> None:
    created = await namespaces.create("sessions")
    await write(namespaces.service(created.id))
    assert await value(await namespaces.bind(created.id, worker="w")) == b"v"
    assert await value(await namespaces.bind("sessions", worker="w")) == b"v"
    assert namespaces.bound() == [created]


async def test_a_worker_is_bound_to_its_namespace_under_the_id_that_it_has_for_it(
    namespaces: Namespaces, catalogue: Catalogue, clock: MovableClock
) -> None:
    await write(await namespaces.bind("CACHE", worker="w"))
    again = await opened(catalogue, clock)
    service = await again.bind("CACHE", worker="w", id=WRANGLER_ID)
    assert await value(service) == b"v"
    assert again.service(WRANGLER_ID) is service
    assert again.service(namespace_of("CACHE").id) is None
    assert again.all() == await catalogue.namespaces() == [Namespace(WRANGLER_ID, "CACHE")]
    assert again.name(WRANGLER_ID) == "CACHE"
    renamed = await again.rename(WRANGLER_ID, "tasks")
    assert renamed.id == WRANGLER_ID
    assert [each.title for each in await catalogue.namespaces()] == ["tasks"]


async def test_workers_that_call_namespaces_of_two_ids_by_one_name_do_not_see_each_other_s_data(
    catalogue: Catalogue, clock: MovableClock
) -> None:
    for id, written in ((WRANGLER_ID, b"1"), ("b" * 32, b"2")):
        service = await (await opened(catalogue, clock)).bind("KV", worker="w", id=id)
        assert await value(service) is None
        await write(service, value=written)
    again = await opened(catalogue, clock)
    assert [await value(await again.bind("KV", worker="w", id=id)) for id in (WRANGLER_ID, "b" * 32)] == [b"1", b"2"]
    assert [each.title for each in again.all()] == ["KV", f"KV-{'b' * 32}"]


async def test_only_the_first_id_that_a_name_gets_has_what_was_written_under_the_name_alone(
    catalogue: Catalogue, clock: MovableClock
) -> None:
    await write(await (await opened(catalogue, clock)).bind("KV", worker="w"))
    again = await opened(catalogue, clock)
    assert await value(await again.bind("KV", worker="w", id=WRANGLER_ID)) == b"v"
    assert await value(await again.bind("KV", worker="w", id="b" * 32)) is None


async def test_a_namespace_that_is_bound_by_its_id_alone_is_titled_by_the_binding(namespaces: Namespaces) -> None:
    await namespaces.bind(WRANGLER_ID, worker="w", binding="KV")
    created = await namespaces.create("sessions")
    await namespaces.bind(created.id, worker="w", binding="KV")
    assert namespaces.all() == [Namespace(WRANGLER_ID, "KV"), created]


async def test_a_reset_gives_titles_of_the_start_back_also_if_they_were_exchanged(
    namespaces: Namespaces, catalogue: Catalogue
) -> None:
    bound = [namespace_of("A"), namespace_of("B")]
    for each in bound:
        await namespaces.bind(each.title, worker="w")
    for id, title in ((bound[0].id, "C"), (bound[1].id, "A"), (bound[0].id, "B")):
        await namespaces.rename(id, title)
    await namespaces.reset()
    assert namespaces.all() == await catalogue.namespaces() == bound


async def test_what_is_written_late_into_a_deleted_namespace_is_nowhere(
    namespaces: Namespaces, catalogue: Catalogue
) -> None:
    created = await namespaces.create("a")
    late = catalogue.store(created.id)
    await late.read([b"k"])
    await namespaces.delete(created.id)
    await catalogue.keep(created)
    for entries in ([Entry(b"k", b"v", 1, 1)], [Entry(b"k", b"v", 2, 1), Entry(b"l", b"v", 3, 1)]):
        with suppress(NamespaceError):
            await late.write(entries)
    assert await catalogue.store(created.id).read([b"k", b"l"]) == [None, None]


async def test_the_id_of_a_created_namespace_goes_before_the_name(namespaces: Namespaces) -> None:
    created = await namespaces.create("sessions")
    await write(namespaces.service(created.id))
    assert await value(await namespaces.bind("CACHE", worker="w", id=created.id)) == b"v"
    assert namespaces.bound() == [created]


async def test_namespaces_hold_their_entries_apart(namespaces: Namespaces) -> None:
    one, two = await namespaces.create("one"), await namespaces.create("two")
    await write(namespaces.service(one.id), value=b"1")
    await write(namespaces.service(two.id), value=b"2")
    assert [await value(namespaces.service(each.id)) for each in (one, two)] == [b"1", b"2"]


async def test_there_is_no_service_for_an_id_that_is_nobody_s(namespaces: Namespaces) -> None:
    assert namespaces.get("0" * 32) is None
    assert namespaces.service("0" * 32) is None


async def test_what_is_deleted_is_gone_with_its_entries(namespaces: Namespaces, catalogue: Catalogue) -> None:
    created = await namespaces.create("gone")
    await write(namespaces.service(created.id))
    await namespaces.delete(created.id)
    assert namespaces.service(created.id) is None
    assert await catalogue.namespaces() == []
    assert await catalogue.store(created.id).read([b"k"]) == [None]


async def test_what_a_worker_is_bound_to_cannot_be_deleted(namespaces: Namespaces) -> None:
    service = await namespaces.bind("CACHE", worker="my-worker")
    await write(service)
    with pytest.raises(NamespaceError, match="namespace has associated scripts: my-worker") as refused:
        await namespaces.delete(namespace_of("CACHE").id)
    assert refused.value.why == "bound"
    assert await value(service) == b"v"


async def test_a_title_is_given_once(namespaces: Namespaces) -> None:
    created = await namespaces.create("a")
    other = await namespaces.create("b")
    for attempt in (namespaces.create("a"), namespaces.rename(other.id, "a")):
        with pytest.raises(NamespaceError, match="already exists"):
            await attempt
    assert await namespaces.rename(created.id, "a") == created
    assert [each.title for each in namespaces.all()] == ["a", "b"]


async def test_of_two_that_are_created_at_once_with_one_title_one_is_refused(namespaces: Namespaces) -> None:
    made = await asyncio.gather(namespaces.create("a"), namespaces.create("a"), return_exceptions=True)
    assert [isinstance(each, NamespaceError) for each in made] == [False, True]
    assert len(namespaces.all()) == 1


@pytest.mark.no_cover
async def test_an_account_has_a_thousand_at_most(namespaces: Namespaces) -> None:
    for number in range(NAMESPACES_MAX):
        await namespaces.create(str(number))
    with pytest.raises(NamespaceError, match="1000"):
        await namespaces.create("one more")
    await namespaces.delete(namespaces.all()[0].id)
    await namespaces.create("one more")


async def test_the_dice_draw_the_ids(clock: MovableClock) -> None:
    made = [await (await opened(MemoryCatalogue(), clock, seed)).create("a") for seed in (1, 1, 2)]
    assert all(ID.fullmatch(each.id) for each in made)
    assert made[0].id == made[1].id != made[2].id


async def test_a_reset_drops_what_was_created_and_empties_what_is_bound(namespaces: Namespaces) -> None:
    service = await namespaces.bind("CACHE", worker="w")
    await write(service)
    await namespaces.create("created")
    await namespaces.reset()
    assert namespaces.all() == [namespace_of("CACHE")]
    assert await value(service) is None
    assert [event.operation for event in service.journal.after(0)] == ["get"]


async def test_all_is_there_again_when_the_file_is_opened_again(tmp_path: Path, clock: MovableClock) -> None:
    path = tmp_path / "state.sqlite"
    catalogue = await SqliteCatalogue.open(path)
    namespaces = await opened(catalogue, clock)
    await write(await namespaces.bind("CACHE", worker="w"), value=b"1")
    created = await namespaces.create("created", "eu")
    await write(namespaces.service(created.id), value=b"2")
    renamed = await namespaces.rename(namespace_of("CACHE").id, "renamed")
    await namespaces.close()

    catalogue = await SqliteCatalogue.open(path)
    try:
        namespaces = await opened(catalogue, clock)
        assert namespaces.all() == [renamed, created]
        assert (created.jurisdiction, renamed.title) == ("eu", "renamed")
        assert await value(await namespaces.bind("CACHE", worker="w")) == b"1"
        assert await value(namespaces.service(created.id)) == b"2"
        assert namespaces.all() == [renamed, created]
    finally:
        await catalogue.close()


async def test_what_could_not_be_kept_was_never_there(namespaces: Namespaces, catalogue: Catalogue) -> None:
    created = await namespaces.create("a")

    class Refuses:
        async def keep(self, namespace: object) -> None:
            raise OSError

    namespaces._catalogue = Refuses()  # type: ignore[assignment]
    for attempt in (namespaces.create("b"), namespaces.rename(created.id, "b")):
        with pytest.raises(OSError):
            await attempt
    assert namespaces.all() == [created]


async def test_resets_at_the_same_time_all_end_with_nothing_left(namespaces: Namespaces) -> None:
    service = await namespaces.bind("CACHE", worker="w")
    await write(service)
    for number in range(5):
        await namespaces.create(f"number {number}")
    await asyncio.gather(*(namespaces.reset() for _ in range(3)))
    assert namespaces.all() == [namespace_of("CACHE")]
    assert await value(service) is None


async def test_what_is_written_while_a_reset_drops_everything_is_what_is_read_from_then_on(
    catalogue: Catalogue, clock: MovableClock
) -> None:
    before = await (await opened(catalogue, clock)).bind("CACHE", worker="w")
    for text in (b"older", b"old"):
        await write(before, value=text)
    namespaces = await opened(catalogue, clock)  # as after a restart: this one has drawn no version yet
    service = await namespaces.bind("CACHE", worker="w")
    assert await value(service) == b"old"
    read: list[bytes | None] = []

    class WritesMeanwhile:
        async def reset(self, kept: Sequence[Namespace]) -> None:
            await catalogue.reset(kept)
            await write(service, value=b"new")
            read.append(await value(service))

    namespaces._catalogue = WritesMeanwhile()  # type: ignore[assignment]
    await namespaces.reset()
    assert read == [b"new"]
    assert await value(service) is None


async def test_changes_at_the_same_time_follow_each_other(namespaces: Namespaces, catalogue: Catalogue) -> None:
    first, second = await namespaces.create("first"), await namespaces.create("second")
    others = [namespaces.create(f"number {number}") for number in range(3)]
    changes = (namespaces.delete(first.id), *others, namespaces.rename(second.id, "first"), namespaces.create("second"))
    await asyncio.gather(*changes)
    assert sorted(each.title for each in namespaces.all()) == ["first", "number 0", "number 1", "number 2", "second"]
    assert set(await catalogue.namespaces()) == set(namespaces.all())


async def test_what_is_deleted_while_others_wait_for_it_is_gone_for_them(
    namespaces: Namespaces, catalogue: Catalogue
) -> None:
    created = await namespaces.create("a")
    deleted, *late = await asyncio.gather(
        namespaces.delete(created.id),
        namespaces.rename(created.id, "b"),
        namespaces.delete(created.id),
        return_exceptions=True,
    )
    assert deleted is None
    assert [error.why for error in late if isinstance(error, NamespaceError)] == ["gone", "gone"]
    assert namespaces.all() == await catalogue.namespaces() == []


async def test_a_change_that_nobody_waits_for_any_more_is_done(namespaces: Namespaces, catalogue: Catalogue) -> None:
    created = await namespaces.create("a")
    deleting = asyncio.ensure_future(namespaces.delete(created.id))
    await asyncio.sleep(0)
    deleting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deleting
    await namespaces.reset()
    assert namespaces.all() == await catalogue.namespaces() == []
