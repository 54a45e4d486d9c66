"""What a migration would leave behind is told before it runs, and is what the Worker's own run leaves."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from queue_emulator.core.bulk import BulkEntry, stored_entry
from queue_emulator.core.clock import MovableClock
from queue_emulator.core.options import ListRequest, PutRequest
from queue_emulator.kv.binding import Binding
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.transfer.prediction import Prediction, predict
from queue_emulator.transfer.verifying import predict_file
from queue_emulator.worker import migration
from tests.conftest import FIXTURES
from tests.transfer.memory_endpoint import NOON_MS

NOON_S = NOON_MS // 1000
State = dict[bytes, tuple[bytes, int | None, str | None]]


async def run_for_real(entries: Sequence[BulkEntry]) -> tuple[int, Any, State]:
    """Status and body of a run at noon over these entries, and what is there afterwards."""
    clock = MovableClock.frozen_at(NOON_MS - 2_000)
    service = KVService(MemoryStore(), clock=clock)
    await service.load("SJC", [PutRequest(each.key, each.value, ends_s(each), each.metadata) for each in entries])
    clock.set(NOON_MS)
    answer = await migration.run(Binding(service, "SJC"), clock, lambda line: None)
    state: State = {}
    cursor: str | None = ""
    while cursor is not None:
        page, cursor = await service.entries(ListRequest(b"", 1000, cursor))
        state |= {each.key: (each.value or b"", each.expiration_s, each.metadata) for each in page}
    return answer.status, json.loads(answer.content), state


def foretold(entries: Sequence[BulkEntry]) -> tuple[Prediction, State]:
    predicted = predict(entries, NOON_S)
    return predicted, {each.key: (each.value, ends_s(each), each.metadata) for each in predicted.after(entries)}


def ends_s(entry: BulkEntry) -> int | None:
    return entry.expiration_s if entry.expiration_ttl_s is None else NOON_S + entry.expiration_ttl_s


def check(entries: Sequence[BulkEntry]) -> None:
    """That the run answers and leaves what was foretold."""
    status, body, state = asyncio.run(run_for_real(entries))
    predicted, expected = foretold(entries)
    assert predicted.status == status
    assert predicted.needed == ("totalMigrated" in body)
    for kind, moves in (("tasks", predicted.tasks), ("leases", predicted.leases)):
        assert (moves.migrated, moves.failed) == (body[kind]["migrated"], body[kind]["failed"])
        assert (moves.fatal is not None) == any(line.startswith("Fatal: ") for line in body[kind]["errors"])
    assert state == expected


IDS = st.sampled_from(["a", "b", "c", "d_1", "ü", "x" * 480, "x" * 495])
LISTED: st.SearchStrategy[Any] = st.one_of(
    IDS, st.sampled_from([1, 1.5, None, True, ["a"], {}, "\ud800", "1", "null", ""])
)
VALUES = st.one_of(
    st.sampled_from(
        [b"", b"null", b"false", b"0", b'""', b"{", b"\xff", b"\xef\xbb\xbf{}", b"-0", b"1e400", b'"\\ud800"']
    ),
    st.sampled_from(
        [b'{"b": 1.0, "2": 2, "a": [1e21, "\xc3\xbc"]}', b" [1 ,2] ", b'{"a":1,"a":2}', b'{"n":9007199254740993}']
    ),
    st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)), st.lists, max_leaves=4).map(
        lambda value: json.dumps(value).encode()
    ),
)
PENDINGS = st.one_of(
    st.lists(LISTED, max_size=6).map(lambda ids: json.dumps(ids).encode()),
    st.sampled_from([b"", b"null", b"{}", b'{"length": 3}', b"7", b"true", b"false", b'""', b'"abba"', b"[", b"\xff"]),
)
LIFETIMES: st.SearchStrategy[dict[str, int]] = st.one_of(
    st.just({}),
    st.integers(60, 5_000).map(lambda ttl_s: {"expiration_ttl_s": ttl_s}),
    st.integers(NOON_S + 1, NOON_S + 5_000).map(lambda end_s: {"expiration_s": end_s}),
)
METADATA = st.sampled_from([None, '{"m":1}'])
PREFIXES = st.sampled_from(
    ["orchestrator:queue:", "orchestrator:lease:", "queue:task:", "queue:lease:", "orchestrator:result:", "rate:"]
)


@st.composite
def entries_of_a_queue(draw: st.DrawFn) -> list[BulkEntry]:
    keys = draw(st.lists(st.tuples(PREFIXES, IDS), max_size=12, unique=True))
    entries = [
        BulkEntry(
            (prefix + name).encode(), draw(VALUES), metadata=draw(st.sampled_from([None, '{"m":1}'])), **draw(LIFETIMES)
        )
        for prefix, name in keys
        if len((prefix + name).encode()) <= 512
    ]
    pending = draw(st.one_of(st.none(), PENDINGS))
    return entries if pending is None else [*entries, BulkEntry(b"orchestrator:pending", pending)]


@given(entries=entries_of_a_queue())
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_run_leaves_what_was_foretold(entries: list[BulkEntry]) -> None:
    check(entries)


@pytest.mark.parametrize("count", [1, 248, 249, 250, 251, 400])
@pytest.mark.parametrize("bad", [0, 3])
def test_so_does_a_run_that_spends_its_operations(count: int, bad: int) -> None:
    ids = [f"t{number}" for number in range(count)]
    tasks = [
        BulkEntry(f"orchestrator:queue:{task_id}".encode(), b"{" if number % 50 < bad else b"{}")
        for number, task_id in enumerate(ids)
    ]
    leases = [BulkEntry(f"orchestrator:lease:{task_id}".encode(), b"{}") for task_id in ids[:5]]
    too_long = ["x" * 600] * bad  # no key, and no operation
    check([BulkEntry(b"orchestrator:pending", json.dumps([*too_long, *ids]).encode()), *tasks, *leases])


def test_so_does_a_run_over_more_leases_than_a_page() -> None:
    leases = [BulkEntry(f"orchestrator:lease:{number:04}".encode(), b"null") for number in range(1_100)]
    check([BulkEntry(b"orchestrator:pending", b"[]"), *leases, BulkEntry(b"orchestrator:lease:z", b"{}")])


@pytest.mark.parametrize("path", sorted((FIXTURES / "old-format").glob("*.json")), ids=lambda path: path.stem)
def test_so_does_a_run_over_each_fixture(path: Path) -> None:
    check([stored_entry(each) for each in json.loads(path.read_text("utf-8"))])


def test_the_report_says_what_a_run_would_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert predict_file(FIXTURES / "old-format" / "thousand.json", None, as_json=False) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "a run would answer 207 and have this result (nothing was run):"
    assert lines[1].startswith("  tasks: 249 migrated, ")
    assert predict_file(FIXTURES / "old-format" / "basic.json", None, as_json=True) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["clean"], report["predicted"]["status"], report["predicted"]["tasks"]["failed"]) == (True, 200, 0)


def test_without_a_pending_list_nothing_would_be_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data.json").write_text('[{"key": "orchestrator:queue:a", "value": "{}"}]')
    assert predict_file(tmp_path / "data.json", None, as_json=False) == 1
    assert capsys.readouterr().out.splitlines()[0] == "a run would do nothing, because there is no pending list"
