"""The text forms of endpoints, and state files and wrangler's local state as endpoints."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from queue_emulator.core.accounts import Namespace, namespace_of
from queue_emulator.core.bulk import BulkEntry
from queue_emulator.core.clock import MovableClock
from queue_emulator.core.errors import EmulatorError, SettingsError, StateError
from queue_emulator.kv.sqlite import SqliteCatalogue
from queue_emulator.transfer.emulator_endpoint import EmulatorEndpoint
from queue_emulator.transfer.endpoint import Page, Source, Target
from queue_emulator.transfer.endpoint_syntax import SOURCES, TARGETS
from queue_emulator.transfer.endpoints import source_of, target_of
from queue_emulator.transfer.file_endpoint import FileEndpoint
from queue_emulator.transfer.state_endpoint import StateEndpoint
from queue_emulator.transfer.wrangler_endpoint import WranglerEndpoint
from tests.cli.emulator_process import files_of
from tests.transfer.memory_endpoint import NOON_MS

NOON_S = NOON_MS // 1000
ENTRIES = [
    BulkEntry(b"bytes", b"\xff\x00"),
    BulkEntry(b"empty", b"", None, None, "false"),
    BulkEntry(b"ends", "ü".encode(), NOON_S + 90, None, '{"a":[1,null]}'),
]
CLOCK = MovableClock.frozen_at(NOON_MS)


def state(folder: Path) -> Target:
    return StateEndpoint(folder / "state.sqlite", clock=CLOCK)


def wrangler(folder: Path) -> Target:
    return WranglerEndpoint(folder / "state", "abc", clock=CLOCK)


both = pytest.mark.parametrize("endpoint_of", [state, wrangler])
EndpointOf = Callable[[Path], Target]


async def fill(endpoint: Target, entries: list[BulkEntry]) -> None:
    await endpoint.look(writing=True)
    await endpoint.write(entries)
    await endpoint.finish()
    await endpoint.close()


async def all_of(endpoint: Source) -> Page:
    pages = [page async for page in endpoint.pages()]
    await endpoint.close()
    return Page([each for page in pages for each in page.entries], [each for page in pages for each in page.remarks])


@both
def test_what_is_written_is_read_again(folder: Path, endpoint_of: EndpointOf) -> None:
    asyncio.run(fill(endpoint_of(folder), ENTRIES))
    assert asyncio.run(all_of(endpoint_of(folder))) == Page(ENTRIES, [])
    assert not endpoint_of(folder).asks


@both
def test_a_relative_lifetime_begins_with_the_write(folder: Path, endpoint_of: EndpointOf) -> None:
    asyncio.run(fill(endpoint_of(folder), [BulkEntry(b"a", b"", None, 60)]))
    assert asyncio.run(all_of(endpoint_of(folder))).entries == [BulkEntry(b"a", b"", NOON_S + 60)]


@both
def test_single_keys_can_be_looked_up(folder: Path, endpoint_of: EndpointOf) -> None:
    asyncio.run(fill(endpoint_of(folder), ENTRIES))

    async def look_up() -> list[BulkEntry | None]:
        endpoint = endpoint_of(folder)
        found = await endpoint.read([b"ends", b"nothing", b"empty"])
        await endpoint.close()
        return found

    assert asyncio.run(look_up()) == [ENTRIES[2], None, ENTRIES[1]]


@both
def test_a_look_before_writing_makes_nothing(folder: Path, endpoint_of: EndpointOf) -> None:
    assert asyncio.run(endpoint_of(folder).look(writing=True)).startswith("a new ")
    assert list(folder.iterdir()) == []


@both
def test_what_is_not_there_cannot_be_read(folder: Path, endpoint_of: EndpointOf) -> None:
    with pytest.raises(StateError, match="there is no "):
        asyncio.run(endpoint_of(folder).look(writing=False))
    assert list(folder.iterdir()) == []


@both
def test_what_has_ended_is_not_read(folder: Path, endpoint_of: EndpointOf) -> None:
    asyncio.run(fill(endpoint_of(folder), [BulkEntry(b"a", b"", NOON_S + 1)]))
    endpoint = endpoint_of(folder)
    moved = MovableClock.frozen_at(NOON_MS + 1000)
    later = StateEndpoint(folder / "state.sqlite", clock=moved) if endpoint_of is state else None
    later_endpoint: Source = later or WranglerEndpoint(folder / "state", "abc", clock=moved)
    assert asyncio.run(all_of(later_endpoint)).entries == []
    assert len(asyncio.run(all_of(endpoint)).entries) == 1


def test_namespaces_of_a_state_file_are_apart(folder: Path) -> None:
    asyncio.run(fill(target_of(f"state:{folder}/s.sqlite"), [BulkEntry(b"a", b"1")]))
    asyncio.run(fill(target_of(f"state:{folder}/s.sqlite#OTHER"), [BulkEntry(b"b", b"2")]))
    for text, key in ((f"{folder}/s.sqlite", b"a"), (f"state:{folder}/s.sqlite#OTHER", b"b")):
        assert [entry.key for entry in asyncio.run(all_of(target_of(text))).entries] == [key]


def test_what_a_row_of_wranglers_cannot_give_is_remarked(folder: Path) -> None:
    asyncio.run(fill(wrangler(folder), [BulkEntry(key, b"v", NOON_S + 90) for key in (b"a", b"b", b"c", b"d", b"e")]))
    (database,) = (folder / "state").rglob("*.sqlite")
    with closing(sqlite3.connect(database)) as opened, opened:
        opened.execute("UPDATE _mf_entries SET expiration = expiration + 1 WHERE key = 'a'")
        opened.execute("UPDATE _mf_entries SET metadata = '{' WHERE key = 'b'")
        opened.execute("UPDATE _mf_entries SET blob_id = ? WHERE key = 'c'", ("0" * 80,))
        opened.execute("UPDATE _mf_entries SET key = CAST(x'ff' AS TEXT) WHERE key = 'd'")
        opened.execute("UPDATE _mf_entries SET key = '..' WHERE key = 'e'")
    page = asyncio.run(all_of(wrangler(folder)))
    assert [entry.key for entry in page.entries] == [b"a", b"b"]
    assert all(entry.expiration_s == NOON_S + 90 and entry.metadata is None for entry in page.entries)
    assert [(remark.key, remark.kept) for remark in page.remarks] == [
        *(("..", False), ("a", True), ("b", True), ("\\xff", False), ("c", False))
    ]


def test_a_folder_of_one_namespace_needs_no_id_and_one_of_several_does(folder: Path) -> None:
    asyncio.run(fill(target_of(f"wrangler:{folder}/state#one"), ENTRIES))
    for text in (f"{folder}/state", f"wrangler:{folder}/state", f"{folder}/state#one"):
        assert target_of(text).name == f"wrangler:{folder}/state#one"
    asyncio.run(fill(target_of(f"{folder}/state#two"), ENTRIES))
    with pytest.raises(SettingsError, match=r"\(there are one, two\): name one, as wrangler:.*#NAMESPACE_ID"):
        target_of(f"{folder}/state")


def test_a_new_folder_needs_the_id_of_its_namespace(folder: Path) -> None:
    with pytest.raises(SettingsError, match="there is none yet"):
        target_of(f"wrangler:{folder}/new")


def test_every_form_names_its_endpoint(folder: Path) -> None:
    (folder / "odd-name").write_bytes(b"SQLite format 3\0")
    made = [target_of(text) for text in ("http://127.0.0.1:1", "https://emulator.example")]
    assert [(type(endpoint), endpoint.asks) for endpoint in made] == [
        (EmulatorEndpoint, False),
        (EmulatorEndpoint, True),
    ]
    for text in (f"{folder}/new.sqlite", f"{folder}/new.db", f"state:{folder}/new", f"{folder}/odd-name"):
        assert isinstance(target_of(text), StateEndpoint)


@pytest.mark.parametrize("host", ["localhost:1", "[::1]:1", "127.1.2.3", "[::ffff:127.0.0.1]:80"])
def test_every_name_of_this_machine_is_written_to_unasked(host: str) -> None:
    assert not target_of(f"http://{host}").asks


@pytest.mark.parametrize("text", ["", "8787", "127.0.0.1:8787", "ftp://x", "state:", "nope.json", "cloudflare:", "."])
def test_a_text_that_names_no_endpoint_is_refused_with_all_forms(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        target_of(text)
    assert str(caught.value) == f"cannot write to {text!r}: not a known endpoint; use one of:\n{TARGETS}"


@pytest.mark.parametrize(
    "url",
    [
        *("http://", "http://:8787", "http://[::1", "http://a b:8787", "http://127.0.0.1:port"),
        *(f"http://127.0.0.1:{rest}" for rest in ("99999", "8787/api", "8787#NS", "8787?x")),
    ],
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        target_of(url)
    assert str(caught.value) == f"not the URL of an emulator, such as http://127.0.0.1:8787: {url}"


def test_a_bulk_put_file_is_a_source_and_no_target(folder: Path) -> None:
    (folder / "data.json").write_text(json.dumps([{"key": "a", "value": "1", "expiration": 5}]))
    with source_of(str(folder / "data.json")) as source:
        assert isinstance(source, FileEndpoint)
        assert asyncio.run(source.look(writing=False)) == "a bulk-put file of 1 entries"
        assert asyncio.run(all_of(source)).entries == [BulkEntry(b"a", b"1", 5)]
    before = files_of(folder)
    with pytest.raises(StateError, match="is not a state file"):
        asyncio.run(target_of(str(folder / "data.json")).look(writing=True))
    assert files_of(folder) == before


def test_a_text_that_is_no_source_is_refused_with_all_forms() -> None:
    with pytest.raises(SettingsError) as caught, source_of("ftp://host"):
        pass
    assert str(caught.value) == f"cannot read from 'ftp://host': not a known endpoint; use one of:\n{SOURCES}"


@pytest.mark.parametrize("text", ["nope.json", "no/folder", "no/folder#NAMESPACE"])
def test_a_source_that_is_not_there_is_said_to_be_not_there(folder: Path, text: str) -> None:
    with pytest.raises(SettingsError) as caught, source_of(f"{folder}/{text}"):
        pass
    assert str(caught.value) == f"there is no file or folder {folder}/{text}"


def test_no_emulator_is_an_error_in_one_line() -> None:
    def reach() -> Any:
        return asyncio.run(target_of("http://127.0.0.1:1").look(writing=True))

    with pytest.raises(EmulatorError, match=r"no emulator answers at http://127\.0\.0\.1:1"):
        reach()


def test_a_state_file_that_has_other_namespaces_is_not_taken_for_an_empty_one(folder: Path) -> None:
    async def look(*, writing: bool) -> str:
        catalogue = await SqliteCatalogue.open(folder / "state.sqlite")
        await catalogue.keep(namespace_of("STORE"))
        await catalogue.close()
        return await StateEndpoint(folder / "state.sqlite").look(writing=writing)

    with pytest.raises(StateError, match=r"has no namespace CACHE; it has state:.*state\.sqlite#STORE"):
        asyncio.run(look(writing=False))
    assert asyncio.run(look(writing=True)) == "a new namespace in a state file that has STORE"


def test_a_namespace_of_a_state_file_is_named_by_its_title_or_id_too_and_a_new_one_is_kept(folder: Path) -> None:
    path = folder / "state.sqlite"
    made = Namespace("ab" * 16, "titled")

    async def names() -> list[str]:
        catalogue = await SqliteCatalogue.open(path)
        found = [each.title for each in await catalogue.namespaces()]
        await catalogue.close()
        return found

    async def keep() -> None:
        catalogue = await SqliteCatalogue.open(path)
        await catalogue.keep(made)
        await catalogue.close()

    asyncio.run(keep())
    for text, key in (("titled", b"a"), ("ab" * 16, b"b"), ("NEW", b"c"), (namespace_of("NEW").id, b"d")):
        asyncio.run(fill(target_of(f"state:{path}#{text}"), [BulkEntry(key, b"1")]))
    assert asyncio.run(names()) == [made.title, "NEW"]
    for text, keys in (("titled", [b"a", b"b"]), ("NEW", [b"c", b"d"])):
        assert [entry.key for entry in asyncio.run(all_of(target_of(f"state:{path}#{text}"))).entries] == keys
