"""Folders and servers that are hostile in ways that nobody thought of: refused in one line, or used, and nothing else.

Whatever was drawn: nothing outside of the folder is read into an answer, changed, made or removed; no line holds a
control character; memory stays where it was. How much was tried of each kind is counted, and is a property of the test
in the report of JUnit. GENERATED_ATTACKS=2000 in the environment tries more than the default.
"""

import asyncio
import io
import json
import os
import resource
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from queue_emulator.commands.cost import cost_report
from queue_emulator.core.clock import MovableClock
from queue_emulator.core.errors import EmulatorError, StateError
from queue_emulator.core.options import PutRequest
from queue_emulator.kv.wrangler_layout import Layout, find_namespaces
from queue_emulator.kv.wrangler_state import WranglerWriter, check_free, read_rows
from queue_emulator.settings import CONTROL_TOKEN_NAME
from queue_emulator.transfer.exporting import export
from tests.core.test_masking import ENCODINGS
from tests.transfer.canary import tree
from tests.transfer.hostile_folders import SCHEMAS, fifo, folder, hard_link, huge, journal_of, symlink, with_schema
from tests.transfer.hostile_servers import hostile_server, http
from tests.transfer.memory_endpoint import NOON_MS
from tests.transfer.test_hostile_servers import API_TOKEN, cloudflare, walk

CLOCK = MovableClock.frozen_at(NOON_MS)
PRECIOUS = b"what nobody may see"
MEGABYTES_MORE_MAX = 300
EXAMPLES = settings(
    database=None,
    max_examples=int(os.environ.get("GENERATED_ATTACKS", "60")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

Change = Callable[[Layout, Path], None]


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Iterator[Counter[str]]:
    """How often each kind was tried, and how it ended."""
    counted: Counter[str] = Counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield counted
    record_property("tried", json.dumps(counted))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    assert grown < MEGABYTES_MORE_MAX


# --- folders ---

PARTS = st.sampled_from(["..", "/", ".", "precious", "outside", "~", "\0", "\n", "\x1b[2J", "0" * 80, "é", "blobs"])
TEXTS = st.one_of(
    st.lists(PARTS, max_size=8).map("/".join), st.lists(PARTS, max_size=4).map("".join), st.text(max_size=90)
)
CELLS = st.one_of(
    TEXTS, st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.binary(max_size=90)
)


@st.composite
def row_changed(draw: st.DrawFn) -> tuple[str, Change]:
    column = draw(st.sampled_from(["key", "blob_id", "expiration", "metadata"]))
    cell = draw(CELLS)
    outside = draw(st.booleans()) and column == "blob_id"

    def change(layout: Layout, precious: Path) -> None:
        value = os.path.relpath(precious, layout.blobs) if outside else cell
        with closing(sqlite3.connect(layout.database)) as database, database:
            database.execute(f"UPDATE _mf_entries SET {column} = ? WHERE rowid = 1", (value,))

    return f"row: {column}", change


@st.composite
def something_replaced(draw: st.DrawFn) -> tuple[str, Change]:
    number, put = draw(st.integers(0, 50)), draw(st.sampled_from([symlink, hard_link, fifo, folder, huge]))
    to_a_folder = draw(st.booleans())

    def change(layout: Layout, precious: Path) -> None:
        there = sorted(layout.folder.rglob("*"))
        path = there[number % len(there)]
        aside = path.with_name("aside")
        path.rename(aside)
        put(path, precious.parent if to_a_folder and put is symlink else precious)
        if not to_a_folder and put is symlink:
            path.unlink()
            path.symlink_to(aside.name)

    return f"replaced: {put.__name__}", change


@st.composite
def bytes_changed(draw: st.DrawFn) -> tuple[str, Change]:
    number, at, content = draw(st.integers(0, 50)), draw(st.integers(0, 9000)), draw(st.binary(max_size=300))
    cut = draw(st.booleans())

    def change(layout: Layout, precious: Path) -> None:
        files = [path for path in sorted(layout.folder.rglob("*")) if path.is_file() and not path.is_symlink()]
        files = [path for path in files if path.stat().st_size < 1_000_000]  # a huge one would be read here, whole
        path = files[number % len(files)]
        before = path.read_bytes()
        at_ = at % (len(before) + 1)
        path.write_bytes(before[:at_] + content + (b"" if cut else before[at_ + len(content) :]))

    return "bytes", change


@st.composite
def something_added(draw: st.DrawFn) -> tuple[str, Change]:
    where, name = draw(st.integers(0, 9)), draw(st.text(min_size=1, max_size=20))
    put = draw(st.sampled_from([symlink, fifo, folder, journal_of]))

    def change(layout: Layout, precious: Path) -> None:
        folders = [path for path in sorted(layout.folder.rglob("*")) if path.is_dir()] or [layout.folder]
        path = folders[where % len(folders)] / name.replace("/", "_").replace("\0", "_")
        if put is journal_of:
            path = layout.database.with_name(layout.database.name + "-journal")
        with suppress(OSError):
            put(path, precious)

    return f"added: {put.__name__}", change


@st.composite
def schema_changed(draw: st.DrawFn) -> tuple[str, Change]:
    return "schema", with_schema(*SCHEMAS[draw(st.sampled_from(sorted(SCHEMAS)))])


CHANGES = st.lists(
    st.one_of(row_changed(), something_replaced(), bytes_changed(), something_added(), schema_changed()),
    min_size=1,
    max_size=3,
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A namespace as it should be, beside what must stay as it is."""
    made = tmp_path_factory.mktemp("template")
    (made / "outside").mkdir()
    (made / "outside" / "precious").write_bytes(PRECIOUS)
    write(Layout(made / "state", "abc"))
    return made


def write(layout: Layout) -> None:
    writer = WranglerWriter(layout, CLOCK)
    try:
        writer.write([PutRequest(key, b"v") for key in (b"a", b"b", b"c")])
    except BaseException:
        writer.abandon()
        raise
    writer.finish()


def read(layout: Layout) -> None:
    assert all(row.value is None or PRECIOUS not in row.value for row in read_rows(layout))


def look(layout: Layout) -> None:
    find_namespaces(layout.folder)


def _not_taken_back(found: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """Without databases that had a journal: SQLite takes back what was unfinished, as it would for wrangler."""
    taken_back = {path for path in before if f"{path}-journal" in before}
    return {path: each for path, each in found.items() if path.removesuffix("-journal") not in taken_back}


@given(changes=CHANGES)
@EXAMPLES
def _attack_folders(template: Path, folder: Path, tried: Counter[str], changes: list[tuple[str, Change]]) -> None:
    work = folder / "work"
    shutil.copytree(template, work)
    layout, precious = Layout(work / "state", "abc"), work / "outside" / "precious"
    try:
        for kind, change in changes:
            with suppress(OSError, sqlite3.Error, ZeroDivisionError):  # one that another made impossible
                change(layout, precious)
                tried[kind] += 1
        precious.write_bytes(PRECIOUS)  # the SQLite that makes a change obeys a journal that was added before it
        for use in (look, read, check_free, write):
            before, outside = tree(work), tree(work / "outside")
            try:
                use(layout)
                tried[f"{use.__name__}: done"] += 1
                assert tree(work / "outside") == outside
            except StateError as error:
                tried[f"{use.__name__}: refused"] += 1
                assert "\n" not in str(error)
                assert _not_taken_back(tree(work), before) == _not_taken_back(before, before)
    finally:
        shutil.rmtree(work)


def test_no_folder_leads_out_of_itself(template: Path, folder: Path, tried: Counter[str]) -> None:
    _attack_folders(template, folder, tried)
    assert {"look: done", "read: refused", "check_free: refused", "write: refused", "write: done"} <= tried.keys()
    assert (
        sum(count for kind, count in tried.items() if kind.startswith(("row", "repl", "byt", "add", "sch")))
        > EXAMPLES.max_examples
    )


# --- servers ---

GOOD: dict[str, Any] = {
    "/cdn-cgi/emulator/status": {"kv": "emulated", "keys": 1, "clock": {"now_ms": NOON_MS}},
    "/cdn-cgi/emulator/entries": {
        "entries": [{"key": "a", "value": "1", "expiration": 2**31, "metadata": {"m": 1}}],
        "cursor": None,
    },
    "/cdn-cgi/emulator/cost": {
        "routes": {"GET /": {"requests": 1, "reads": 2}},
        "operations": {"reads": 2},
        "over_s": 5.0,
        "estimate": {
            "operationsPerDay": {"reads": 5},
            "pricesAsOf": "2026",
            "free": {"exceeded": ["reads"], "quotaPerDay": {"reads": 1}},
            "paid": {"dollarsPerMonth": 5.0, "dollarsPerDay": 0.1, "ofWhichSubscription": 5.0},
        },
    },
    "keys": {"success": True, "result": [{"name": "a", "metadata": 1}], "result_info": {"cursor": ""}},
    "bulk/get": {"success": True, "result": {"values": {"a": {"value": "\ufffd", "metadata": None}}}},
    "values": {"success": True, "result": None},
    "metadata": {"success": True, "result": {}},
}
JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
        st.just("\x1b[2J\n"),
        st.sampled_from(["\ud800", 1e308, 10**400, -(2**63)]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=8,
)
KINDS = ["value", "bytes", "status", "raw", "echo", "frame"]
FRAMES = (
    *(f"Transfer-Encoding: chunked\r\n\r\n{size}\r\n{{}}" for size in ("-5", "f" * 40, "0x_1", "", "5;x", "²")),
    *(
        f"Content-Length: {length}\r\n\r\n{{}}"
        for length in ("-1", "+2", "1_0", "9" * 30, "²", "2\r\nContent-Length: 1")
    ),
    *(f"Content-Encoding: {name}\r\n\r\n{{}}" for name in ("br", "gzip", ",".join(["gzip"] * 2000))),
    *(
        f"Location: {to}\r\nContent-Length: 0\r\n\r\n"
        for to in ("javascript:a", "http:a", "//[", "http://a:b", "file:///a")
    ),
    "Set-Cookie: c=v; expires=Thu, 01 Jan 99999999999999 00:00:00 GMT\r\nContent-Length: 2\r\n\r\n{}",
)
CONTROL_TOKEN = "opens-the-controls-0a7b"
TOKENS = {"export": CONTROL_TOKEN, "cost": CONTROL_TOKEN, "cloudflare": API_TOKEN}
ENDPOINTS = st.lists(st.integers(0, 5), max_size=5)


def replaced(value: Any, where: list[int], by: Any) -> Any:
    """The value, with the value at this path replaced."""
    if not where or not isinstance(value, (dict, list)) or not value:
        return by
    if isinstance(value, list):
        index = where[0] % len(value)
        return [*value[:index], replaced(value[index], where[1:], by), *value[index + 1 :]]
    name = list(value)[where[0] % len(value)]
    return {**value, name: replaced(value[name], where[1:], by)}


@st.composite
def answers(draw: st.DrawFn) -> tuple[str, str, Callable[[str], bytes]]:
    """Which answer is another, in which way, and what is answered at a path."""
    which, kind = draw(st.sampled_from(sorted(GOOD))), draw(st.sampled_from(KINDS))
    where, by, noise = draw(ENDPOINTS), draw(JSON), draw(st.binary(max_size=40))
    frame, version = (
        draw(st.sampled_from(FRAMES)),
        draw(st.sampled_from(["1.1 200", "1.1 302", "1.0 200", "9.9 200", "1.1 099"])),
    )
    spelled = draw(st.sampled_from(sorted(ENCODINGS)))
    at, status = draw(st.integers(0, 400)), draw(st.sampled_from([204, 301, 400, 404, 413, 500, 999]))

    def bad() -> bytes:
        good = json.dumps(GOOD[which]).encode()
        if kind == "value":
            return http(json.dumps(replaced(GOOD[which], where, by)).encode())
        if kind == "bytes":
            return http(good[: at % len(good)] + noise + good[at % len(good) :])
        if kind == "echo":
            said = " ".join(f"x{ENCODINGS[spelled](token)}" for token in sorted(TOKENS.values()))
            refused = json.dumps({"error": said, "success": False, "errors": [{"code": 1, "message": said}]})
            return http(refused.encode(), status=f"403 {said}")
        if kind == "status":
            return http(json.dumps({"error": by, "errors": [by]}).encode(), status=f"{status} \x1b]0;x")
        if kind == "frame":
            return f"HTTP/{version} OK\r\n{frame}".encode("latin-1")
        whole = http(good)
        return whole[: at % len(whole)] + noise + whole[at % len(whole) :]

    def answer(path: str) -> bytes:
        found = next((each for each in GOOD if each in path), "values")
        return bad() if found == which else http(json.dumps(GOOD[found]).encode())

    return which, kind, answer


@given(drawn=answers())
@EXAMPLES
def _attack_clients(
    url: str, said: list[Callable[[str], bytes]], tried: Counter[str], drawn: tuple[str, str, Callable[[str], bytes]]
) -> None:
    which, kind, said[0] = drawn
    tried[f"{which}: {kind}"] += 1
    for name, use in (
        ("export", lambda: export(url)),
        ("cost", lambda: print(cost_report(url, None))),
        ("cloudflare", lambda: asyncio.run(walk(cloudflare(url)))),
    ):
        out, err = io.TextIOWrapper(io.BytesIO()), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                use()
                tried[f"{name}: done"] += 1
            except EmulatorError as error:
                tried[f"{name}: refused"] += 1
                assert str(error).isprintable(), str(error)
                assert not any(encode(TOKENS[name]) in str(error) for encode in ENCODINGS.values()), str(error)
        assert all(line.isprintable() for line in err.getvalue().splitlines()), err.getvalue()
        out.detach()


def test_no_answer_breaks_a_client(folder: Path, tried: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONTROL_TOKEN_NAME, CONTROL_TOKEN)
    said: list[Callable[[str], bytes]] = [lambda path: b""]

    def answer(number: int, path: str) -> Iterable[bytes]:
        return [said[0](path)]

    with hostile_server(answer) as url:
        _attack_clients(url, said, tried)
    assert {"export: done", "export: refused", "cost: refused", "cloudflare: refused"} <= tried.keys()
    assert sum(tried[f"{which}: {kind}"] for which in GOOD for kind in KINDS) >= EXAMPLES.max_examples
