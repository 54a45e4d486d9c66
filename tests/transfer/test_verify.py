"""What a migration left, item by item: each class, each kind, lifetimes, changed fields, and the verdict."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from queue_emulator.core.bulk import stored_entry
from queue_emulator.transfer.bulk_files import BulkFile
from queue_emulator.transfer.file_endpoint import FileEndpoint
from queue_emulator.transfer.migration_report import Verdict
from queue_emulator.transfer.verifying import compare, verify
from tests.conftest import FIXTURES
from tests.transfer.conftest import MakeFile
from tests.transfer.memory_endpoint import NOON_MS, MemoryEndpoint

NOON_S = NOON_MS // 1000
Judge = Callable[[list[Any], list[Any]], Verdict]


def task(task_id: str, value: Any = None, *, new: bool = False, **fields: Any) -> dict[str, Any]:
    text = value if isinstance(value, str) else json.dumps(value or {"id": task_id, "n": 1})
    return {"key": ("queue:task:" if new else "orchestrator:queue:") + task_id, "value": text, **fields}


def lease(task_id: str, *, new: bool = False, **fields: Any) -> dict[str, Any]:
    return {"key": ("queue:lease:" if new else "orchestrator:lease:") + task_id, "value": '{"workerId":"d"}', **fields}


def pending(*ids: Any) -> dict[str, Any]:
    return {"key": "orchestrator:pending", "value": json.dumps(ids)}


@pytest.fixture
def judge(make_file: MakeFile) -> Judge:
    """`judge(before, after)`: the verdict on a namespace that holds `after`, at noon."""

    def judged(before: list[Any], after: list[Any]) -> Verdict:
        endpoint = MemoryEndpoint()
        endpoint.held = {entry.key: entry for entry in map(stored_entry, after)}
        return asyncio.run(compare(make_file(before), endpoint))

    return judged


def classes(verdict: Verdict, kind: str = "tasks") -> dict[str, list[str]]:
    return dict(verdict.names[kind])


def test_of_two_entries_of_a_file_with_one_key_the_last_counts(make_file: MakeFile) -> None:
    twice = make_file([pending("a", "b"), task("a", {"n": 1}), task("b"), task("a", {"n": 2})])
    verdict = asyncio.run(compare(twice, FileEndpoint(twice)))
    assert (classes(verdict), verdict.changes) == ({"waiting": ["a", "b"]}, {})


def test_a_whole_migration_is_clean(judge: Judge) -> None:
    verdict = judge([pending("a"), task("a"), lease("a")], [task("a", new=True), lease("a", new=True)])
    assert classes(verdict) == {"moved": ["a"]}
    assert classes(verdict, "leases") == {"moved": ["a"]}
    assert (verdict.clean, verdict.pending_before, verdict.pending_after) == (True, 1, None)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([], "missing"),
        ([task("a", new=True)], "moved"),
        ([task("a"), task("a", new=True)], "duplicated"),
        ([task("a")], "orphaned"),
        ([task("a"), pending("a")], "waiting"),
        ([task("a"), pending("b")], "orphaned"),
        ([task("a", {"id": "a", "n": 2}, new=True)], "changed"),
        ([{"key": "orchestrator:result:a", "value": "{}"}], "finished"),
    ],
)
def test_every_task_falls_into_one_class(judge: Judge, after: list[Any], expected: str) -> None:
    verdict = judge([pending("a"), task("a")], after)
    assert classes(verdict) == {expected: ["a"]}
    assert verdict.clean is (expected in ("moved", "finished"))


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([], "missing"),
        ([lease("a", new=True)], "moved"),
        ([lease("a"), lease("a", new=True)], "duplicated"),
        ([lease("a")], "orphaned"),
        ([lease("a"), pending()], "waiting"),
        ([{"key": "orchestrator:result:a", "value": "{}"}], "finished"),
    ],
)
def test_every_lease_falls_into_one_class(judge: Judge, after: list[Any], expected: str) -> None:
    assert classes(judge([lease("a")], after), "leases") == {expected: ["a"]}


@pytest.mark.parametrize(("left_s", "expected"), [(0, "expired"), (1, "missing")])
def test_what_had_ended_is_not_missing(judge: Judge, left_s: int, expected: str) -> None:
    before = [task("a", expiration=NOON_S + left_s), lease("a", expiration=NOON_S + left_s)]
    verdict = judge(before, [])
    assert classes(verdict) == {expected: ["a"]}
    assert classes(verdict, "leases") == {expected: ["a"]}
    assert verdict.clean is (expected == "expired")


def test_relative_lifetimes_have_ended_where_what_is_left_of_others_shows_it(judge: Judge) -> None:
    before = [
        *(lease("gone", expiration_ttl=200), lease("lost", expiration_ttl=301), lease("moved", expiration_ttl=600)),
        *(task("gone", expiration_ttl=200), task("lost", expiration_ttl=501), task("left", expiration_ttl=3600)),
    ]
    moved = lease("moved", new=True, expiration=NOON_S + 300)
    verdict = judge(before, [moved])
    assert classes(verdict, "leases") == {"moved": ["moved"], "expired": ["gone"], "missing": ["lost"]}
    assert classes(verdict) == {"missing": ["gone", "left", "lost"]}  # what is left of a lease tells nothing of tasks

    verdict = judge(before, [moved, task("left", expiration=NOON_S + 3100)])
    assert classes(verdict) == {"expired": ["gone"], "orphaned": ["left"], "missing": ["lost"]}
    assert classes(verdict, "leases") == {"moved": ["moved"], "expired": ["gone"], "missing": ["lost"]}


def test_other_keys_must_stay_as_they_were(judge: Judge) -> None:
    before = [{"key": key, "value": "1", "metadata": {"m": 1}} for key in ("kept", "changed", "gone", "queue:task:n")]
    after = [before[0], {"key": "changed", "value": "1"}, task("n", "1", new=True, metadata={"m": 1})]
    verdict = judge(before, after)
    assert classes(verdict, "others") == {
        "kept": ["kept", "queue:task:n"],
        "changed": ["changed"],
        "missing": ["gone"],
    }
    assert verdict.changes == {"changed": ["KV metadata gone"]}


def test_an_old_task_may_replace_a_new_one_of_its_id(judge: Judge) -> None:
    verdict = judge([task("a", '{"x":1}', new=True), pending("a"), task("a")], [task("a", new=True)])
    assert (classes(verdict), classes(verdict, "others")) == ({"moved": ["a"]}, {})
    assert verdict.clean


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ('{"a": 1.0, "b": [1e2]}', '{"b":[100],"a":1}', []),
        ('{"a": 0.0}', '{"a":0}', []),
        ('{"n": 9007199254740993}', '{"n":9007199254740992}', ["n changed"]),
        ('{"a": 1, "b": 2}', '{"b":3,"c":4}', ["a gone", "b changed", "c added"]),
        ('{"a": "1"}', '{"a":1}', ["a changed"]),
        ("[1, 2]", "[1,2]", []),
        ("[1,2]", "[2,1]", ["value changed"]),
        ("plain text", "plain text", []),
        ("plain text", "other", ["value changed"]),
        ("{}", "null", ["value changed"]),
        ("null", " null ", []),
    ],
)
def test_values_are_compared_as_json(judge: Judge, before: str, after: str, changes: list[str]) -> None:
    verdict = judge([pending("a"), task("a", before)], [task("a", after, new=True)])
    assert verdict.changes == ({"orchestrator:queue:a": changes} if changes else {})
    assert classes(verdict) == {"changed" if changes else "moved": ["a"]}


@pytest.mark.parametrize("after", [{"metadata": {"x": 2}}, {}])
def test_metadata_that_was_dropped_is_a_change(judge: Judge, after: dict[str, Any]) -> None:
    verdict = judge([task("a", metadata={"x": 1})], [task("a", new=True, **after)])
    assert verdict.changes == {"orchestrator:queue:a": ["KV metadata changed" if after else "KV metadata gone"]}


def test_equal_values_of_several_tasks_are_told_apart(judge: Judge) -> None:
    before = [pending("a", "b"), task("a", "42"), task("b", "42")]
    verdict = judge(before, [task("a", "42", new=True), task("b", "43", new=True)])
    assert classes(verdict) == {"moved": ["a"], "changed": ["b"]}
    assert verdict.changes == {"orchestrator:queue:b": ["value changed"]}


def test_remaining_lifetimes_are_those_of_each_class(judge: Judge) -> None:
    before = [task(name) for name in "abcd"]
    after = [
        task("a", new=True, expiration=NOON_S + 100),
        task("b", new=True, expiration=NOON_S + 300),
        task("c", new=True),
        task("d", expiration=NOON_S + 50),
    ]
    lifetimes = judge(before, after).lifetimes["tasks"]
    moved = lifetimes["moved"]
    assert (moved.count, moved.endless, moved.least_s, moved.median_s, moved.most_s) == (3, 1, 100, 100, 300)
    assert (lifetimes["orphaned"].least_s, lifetimes["orphaned"].count) == (50, 1)


def test_ids_without_a_task_and_what_appeared_are_told(judge: Judge) -> None:
    before = [pending("a", "ghost", 7), task("a"), task("7")]
    after = [task("a", new=True), task("7", new=True), task("later", new=True), lease("later"), task("old")]
    verdict = judge(before, after)
    assert verdict.ghosts == ["ghost"]
    assert verdict.appeared == {"tasks": 2, "leases": 1, "others": 0}
    assert classes(verdict) == {"moved": ["7", "a"]}


def test_a_pending_list_that_is_none_names_nobody(judge: Judge) -> None:
    verdict = judge([task("a")], [task("a"), {"key": "orchestrator:pending", "value": '{"a":1}'}])
    assert classes(verdict) == {"orphaned": ["a"]}
    assert (verdict.pending_corrupt, verdict.pending_after) == (True, None)


def test_a_file_can_be_what_is_there_now(make_file: MakeFile, capsys: pytest.CaptureFixture[str]) -> None:
    before = make_file([pending("a", "b"), task("a"), task("b")], "before.json")
    after = make_file([task("a", new=True), task("b", {"id": "c"}, new=True, expiration_ttl=60)], "after.json")
    assert verify(str(after.content), before.content, as_json=True) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["clean"] is False
    assert report["tasks"] == {"moved": 1, "changed": 1}
    assert report["names"]["tasks"] == {"changed": ["b"]}
    assert report["changes"] == {"orchestrator:queue:b": ["id changed", "n gone"]}
    assert report["lifetimes_s"]["tasks"]["changed"] == {"count": 1, "endless": 0, "min": 60, "median": 60, "max": 60}
    assert report["pending"] == {"before": 2, "after": None, "corrupt": False, "withoutTask": []}


def test_the_report_in_words_says_the_same(make_file: MakeFile, capsys: pytest.CaptureFixture[str]) -> None:
    before = make_file([pending("a", "b", "ghost"), task("a"), task("b"), lease("b")], "before.json")
    after = make_file([task("a", new=True)], "after.json")
    assert verify(str(after.content), before.content, as_json=False) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["moved", "1", "-", "-", "identical", "under", "the", "new", "key"]
    assert "missing tasks: 'b'" in lines
    assert "on the pending list before, without a task: 'ghost'" in lines
    assert lines[-1] == "not clean: tasks: 1 missing; leases: 1 missing"
    assert verify(str(before.content), before.content, as_json=False) == 1
    assert "waiting" in capsys.readouterr().out


@pytest.mark.parametrize("file", sorted(path.name for path in (FIXTURES / "old-format").iterdir()))
def test_every_fixture_unmigrated_loses_nothing(file: str, folder: Path) -> None:
    path = FIXTURES / "old-format" / file
    endpoint = MemoryEndpoint()
    endpoint.held = {entry.key: entry for entry in map(stored_entry, json.loads(path.read_text("utf-8")))}
    verdict = asyncio.run(compare(BulkFile(file, path), endpoint))
    found = {name for kind in ("tasks", "leases", "others") for name in verdict.names[kind]}
    assert found <= {"waiting", "orphaned", "kept"}
    assert verdict.changes == {}


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        ('{"n":1e1000000}', '{"n":1e1000000}', True),
        ('{"n":1.0}', '{"n":1}', True),
        ('{"n":100}', '{"n":1e2}', True),
        ('{"n":-0.0}', '{"n":0}', True),
        ('{"n":1.00000000000000000000000000000000000012}', '{"n":1}', False),
    ],
)
def test_numbers_are_compared_exactly(judge: Judge, before: str, after: str, moved: bool) -> None:
    verdict = judge([task("a", before)], [task("a", after, new=True)])
    assert (classes(verdict).get("moved") == ["a"]) is moved


def test_a_pending_list_that_is_nested_too_deeply_names_nobody(judge: Judge) -> None:
    deep = {"key": "orchestrator:pending", "value": "[" * 900 + "]" * 900}
    assert classes(judge([deep, task("a")], [deep, task("a")])) != {}


def test_one_key_with_another_lifetime_than_before_does_not_explain_what_is_missing(judge: Judge) -> None:
    flag = {"key": "flag", "value": "on"}
    verdict = judge(
        [
            pending("a", "b"),
            task("a", expiration_ttl=3600),
            task("b", expiration_ttl=3600),
            {**flag, "expiration_ttl": 86_400},
        ],
        [task("a", new=True, expiration=NOON_S + 3600), {**flag, "expiration": NOON_S + 600}],
    )
    assert classes(verdict) == {"moved": ["a"], "missing": ["b"]}
    assert not verdict.clean
