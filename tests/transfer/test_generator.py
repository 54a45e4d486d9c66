"""The generator of old-format data: the same bytes each time, as many of each kind as asked, and what KV takes."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_emulator.core.bulk import parse_bulk
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import SettingsError
from queue_emulator.transfer.generate.old_format import CORRUPT_VALUES, OldFormatOptions, old_format
from queue_emulator.transfer.generate.spread import Spread
from tests.transfer.memory_endpoint import NOON_MS

PENDING, TASK, LEASE = "orchestrator:pending", "orchestrator:queue:", "orchestrator:lease:"
OPTIONS = OldFormatOptions(tasks=400, leased=40, orphans=21, corrupt=9, prefix="ct-ab12", seed=7, at_ms=NOON_MS)


def text(options: OldFormatOptions) -> str:
    return "".join(old_format(options))


def entries(options: OldFormatOptions) -> list[dict[str, Any]]:
    parsed: list[dict[str, Any]] = json.loads(text(options))
    return parsed


def ids(made: list[dict[str, Any]], prefix: str) -> list[str]:
    return [entry["key"].removeprefix(prefix) for entry in made if entry["key"].startswith(prefix)]


def pending(made: list[dict[str, Any]]) -> list[str]:
    listed: list[str] = json.loads(made[0]["value"])
    return listed


def tasks(made: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The values of those that are tasks."""
    for entry in made:
        try:
            value = json.loads(entry["value"]) if entry["key"].startswith(TASK) else None
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value


def test_the_same_command_makes_the_same_bytes_and_another_seed_others() -> None:
    assert text(OPTIONS) == text(OPTIONS)
    assert text(OPTIONS) != text(replace(OPTIONS, seed=8))


def test_a_file_is_what_kv_takes_an_entry_a_line() -> None:
    content = text(OPTIONS)
    assert len(parse_bulk(content.encode(), NOON_MS).requests) == 1 + 400 + 40
    lines = [json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in json.loads(content)]
    assert content == "[\n" + ",\n".join(lines) + "\n]\n"


def test_there_are_as_many_of_each_kind_as_asked() -> None:
    made = entries(OPTIONS)
    listed, keyed = pending(made), ids(made, TASK)
    assert made[0]["key"] == PENDING
    assert (len(keyed), len(set(keyed)), len(ids(made, LEASE))) == (400, 400, 40)
    assert set(ids(made, LEASE)) <= set(keyed)
    assert len(listed) == len(set(listed))
    assert (len(set(keyed) - set(listed)), len(set(listed) - set(keyed))) == (11, 10)
    assert len(list(tasks(made))) == 400 - 9


def test_corrupt_values_come_in_turn_and_their_tasks_are_listed() -> None:
    made = entries(replace(OPTIONS, corrupt=len(CORRUPT_VALUES)))
    sound = {task["id"] for task in tasks(made)}
    corrupt = [entry for entry in made if entry["key"].startswith(TASK) and entry["key"][len(TASK) :] not in sound]
    values = [entry["value"].partition('"id"')[0] for entry in corrupt]
    assert values[1:5] == ["restart the build", "//4AJ5KW", "", "null"]
    assert values[6] == "42"
    assert [entry.get("base64", False) for entry in corrupt] == [False, False, True, False, False, False, False]
    assert {entry["key"].removeprefix(TASK) for entry in corrupt} <= set(pending(made))


def test_ids_are_of_every_kind_that_old_workers_made() -> None:
    made = ids(entries(replace(OPTIONS, tasks=1000, prefix="")), TASK)
    kinds = Counter(task_id.partition("_")[0] if "_" in task_id else task_id.rstrip("0123456789") for task_id in made)
    assert kinds["task"] > 50
    assert kinds["evt"] > 50
    assert sum(task_id.startswith("task-") for task_id in made) > 50
    assert sum(not task_id.startswith(("task", "evt_", "gh-")) for task_id in made) > 50
    assert all(task_id.replace("_", "-").replace("-", "a").isalnum() and task_id.isascii() for task_id in made)


def test_every_id_begins_with_the_prefix() -> None:
    made = entries(OPTIONS)
    assert all(task_id.startswith("ct-ab12-") for task_id in [*pending(made), *ids(made, TASK), *ids(made, LEASE)])


def test_the_list_is_in_the_order_of_age_and_lifetimes_follow_the_ages() -> None:
    made = entries(OPTIONS)
    queued = {task["id"]: task["queuedAt"] for task in tasks(made)}
    in_order = [queued[task_id] for task_id in pending(made) if task_id in queued]
    assert in_order == sorted(in_order)
    assert in_order[-1] <= "2026-11-23T12:00:00.000Z"
    lifetimes = {entry["key"]: entry["expiration_ttl"] for entry in made}
    assert lifetimes[PENDING] == 3600
    assert all(600 <= lifetimes[TASK + task_id] <= 3600 for task_id in ids(made, TASK))
    assert all(60 <= lifetimes[LEASE + task_id] <= 600 for task_id in ids(made, LEASE))
    assert len({lifetimes[TASK + task_id] for task_id in ids(made, TASK)}) > 100


def test_leases_have_a_nonce_or_none_and_no_two_have_the_same() -> None:
    made = [json.loads(entry["value"]) for entry in entries(OPTIONS) if entry["key"].startswith(LEASE)]
    nonces = [lease["claimNonce"] for lease in made if "claimNonce" in lease]
    assert 5 < len(nonces) == len(set(nonces)) < len(made) - 5


def test_keys_beside_the_queue_s_come_last_and_change_nothing_before_them() -> None:
    queue, made = entries(OPTIONS), entries(replace(OPTIONS, others=30))
    assert made[: len(queue)] == queue
    others = [entry["key"] for entry in made[len(queue) :]]
    assert len(set(others)) == 30
    assert {key.partition(":")[0] for key in others} == {"ratelimit", "session"}
    parse_bulk(text(replace(OPTIONS, others=30)).encode(), NOON_MS)


def test_a_lease_ends_when_its_value_says() -> None:
    for entry in entries(replace(OPTIONS, at_ms=0)):
        if entry["key"].startswith(LEASE):
            minutes, seconds = json.loads(entry["value"])["expiresAt"].removeprefix("1970-01-01T00:")[:5].split(":")
            assert int(minutes) * 60 + int(seconds) == entry["expiration_ttl"]


def test_contents_are_of_many_kinds_sizes_and_scripts() -> None:
    made = list(tasks(entries(replace(OPTIONS, tasks=1000))))
    for name, least in (("type", 4), ("priority", 4), ("source", 5), ("status", 3)):
        assert len({task[name] for task in made}) >= least
    sizes = sorted(len(task["content"]) for task in made)
    assert sizes[500] < 100
    assert sizes[-1] > 4000
    scripts = "".join(task["content"] for task in made)
    assert all(sample in scripts for sample in ("Ü", "批", "Про", "طلب", "🎿", "\n", "\\", "“"))
    assert all(set(task) >= {"id", "type", "source", "content", "priority", "metadata", "queuedAt"} for task in made)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (OldFormatOptions(10, leased=11), "11 of 10 tasks cannot be leased"),
        (OldFormatOptions(10, orphans=10, corrupt=6), "11 of 10 tasks cannot be unlisted and corrupt"),
        (OldFormatOptions(0, orphans=2), "1 of 0 tasks cannot be unlisted and corrupt"),
    ],
)
def test_more_of_a_kind_than_there_are_tasks_is_refused(options: OldFormatOptions, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        old_format(options)


def test_no_tasks_make_an_empty_list() -> None:
    assert entries(OldFormatOptions(0)) == [{"key": PENDING, "value": "[]", "expiration_ttl": 3600}]


@pytest.mark.slow
def test_a_pending_list_that_does_not_fit_in_one_value_is_refused_with_what_fits() -> None:
    options = OldFormatOptions(350_000, prefix="p" * 64)
    message = r"does not fit in one value of KV, which takes 26,214,400: (29|30|31)\d,\d{3} ids would fit"
    with pytest.raises(SettingsError, match=message):
        old_format(options)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_tasks() -> None:
    def peak_kib(count: int) -> int:
        command = f"""
import resource, sys
from queue_emulator.transfer.generate.old_format import OldFormatOptions, old_format
for piece in old_format(OldFormatOptions({count}, leased={count // 20}, orphans=20, corrupt=3)): pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
        return int(subprocess.check_output([sys.executable, "-c", command], cwd=Path(__file__).parents[2]))

    assert peak_kib(20_000) < peak_kib(200) + 4096


@settings(max_examples=50)
@given(st.integers(1, 300), st.data(), st.integers())
def test_a_spread_draws_exactly_as_many_as_asked(total: int, data: st.DataObject, seed: int) -> None:
    count = data.draw(st.integers(0, total))
    spread = Spread("test", total, count, Dice(seed))
    assert [rank for number in range(total) if (rank := spread.rank(number)) is not None] == list(range(count))
