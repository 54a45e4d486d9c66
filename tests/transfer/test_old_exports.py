"""Data that was exported some time ago: loaded as it lived then, or with the lifetimes that it had left."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from queue_emulator.core.bulk import BulkEntry
from queue_emulator.core.clock import iso_8601
from queue_emulator.core.data_time import AsOf
from queue_emulator.core.errors import BulkDataError, SettingsError
from queue_emulator.transfer.bulk_files import BulkFile, Reading, check_files, reading_of
from queue_emulator.transfer.endpoints import target_of
from queue_emulator.transfer.seeding import INCOMPLETE, SeedOptions, seed_files
from tests.cli.emulator_process import ADMIN, StartEmulator
from tests.cli.in_process import refusal, run_here
from tests.transfer.conftest import MakeFile
from tests.transfer.memory_endpoint import NOON_MS, MemoryEndpoint

THEN_MS = 1_600_000_000_500
THEN_S = THEN_MS // 1000
OF_THEN = [
    {"key": "ended", "value": "0", "expiration": THEN_S},
    {"key": "nearly", "value": "1", "expiration": THEN_S + 1},
    {"key": "a while", "value": "2", "expiration": THEN_S + 3000},
    {"key": "relative", "value": "3", "expiration_ttl": 300},
    {"key": "for ever", "value": json.dumps({"queuedAt": iso_8601(THEN_MS)})},
]
LIVED = OF_THEN[1:]


@pytest.fixture
def options(folder: Path) -> SeedOptions:
    return SeedOptions(bookmarks=folder / "bookmarks")


def lifetimes(endpoint: MemoryEndpoint) -> dict[str, tuple[int | None, int | None]]:
    return {key.decode(): (entry.expiration_s, entry.expiration_ttl_s) for key, entry in endpoint.held.items()}


@pytest.mark.parametrize("at_ms", [THEN_MS, None], ids=["a time", "file"])
def test_what_lived_then_is_written_under_the_clock_of_then(
    make_file: MakeFile, options: SeedOptions, at_ms: int | None
) -> None:
    endpoint, file = MemoryEndpoint(), make_file(OF_THEN if at_ms else LIVED)
    options = replace(options, as_of=AsOf(at_ms), skip_ending=True)
    assert seed_files([file], endpoint, options) == 0
    assert lifetimes(endpoint) == {
        "nearly": (THEN_S + 1, None),
        "a while": (THEN_S + 3000, None),
        "relative": (THEN_S + 300, None),
        "for ever": (None, None),
    }
    assert endpoint.times == [(THEN_MS - 60_000, True), (THEN_MS, False)]


def test_rebased_lifetimes_begin_now_and_last_a_minute_at_least(make_file: MakeFile, options: SeedOptions) -> None:
    endpoint = MemoryEndpoint()
    assert seed_files([make_file(LIVED)], endpoint, replace(options, as_of=AsOf(rebase=True))) == 0
    assert lifetimes(endpoint) == {
        "nearly": (None, 60),
        "a while": (None, 3000),
        "relative": (None, 300),
        "for ever": (None, None),
    }
    assert endpoint.times == []


@pytest.mark.parametrize("rebase", [False, True])
def test_what_had_ended_by_then_is_refused_unless_it_is_to_be_left_out(
    make_file: MakeFile, options: SeedOptions, rebase: bool
) -> None:
    endpoint = MemoryEndpoint()
    with pytest.raises(BulkDataError) as caught:
        seed_files([make_file(OF_THEN)], endpoint, replace(options, as_of=AsOf(THEN_MS, rebase)))
    assert str(caught.value) == (
        "data.json: entry 0 (key 'ended'): it expired at 2020-09-13T12:26:40.000Z, before the time of the data, "
        "2020-09-13T12:26:40.500Z: --skip-expired leaves it out"
    )
    assert (endpoint.held, endpoint.times) == ({}, [])


def test_the_clock_goes_on_from_the_time_of_the_data_though_the_writing_fails(
    make_file: MakeFile, options: SeedOptions
) -> None:
    endpoint = MemoryEndpoint()
    endpoint.fail_at = 1
    with pytest.raises(Exception, match="the endpoint failed"):
        seed_files([make_file(LIVED)], endpoint, replace(options, as_of=AsOf(THEN_MS)))
    assert endpoint.times[-1] == (THEN_MS, False)


def test_a_dry_run_moves_no_clock(
    make_file: MakeFile, options: SeedOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint = MemoryEndpoint()
    assert seed_files([make_file(LIVED)], endpoint, replace(options, as_of=AsOf(THEN_MS), dry_run=True)) == 0
    assert (endpoint.held, endpoint.times) == ({}, [])
    assert "into memory: an endpoint of tests; as of 2020-09-13T12:26:40.500Z" in capsys.readouterr().out


@pytest.mark.parametrize("target", ["wrangler:{}/state#abc"])
def test_an_endpoint_of_real_time_is_written_to_with_rebase_alone(
    make_file: MakeFile, options: SeedOptions, folder: Path, target: str
) -> None:
    file, endpoint = make_file(LIVED), target.format(folder)
    with pytest.raises(SettingsError, match="has a clock that cannot be moved"):
        seed_files([file], target_of(endpoint), replace(options, as_of=AsOf(THEN_MS)))
    assert [path.name for path in folder.iterdir()] == ["data.json"]
    assert seed_files([file], target_of(endpoint), replace(options, as_of=AsOf(THEN_MS, rebase=True))) == 0


def test_a_seed_of_which_everything_was_left_out_ends_with_1(
    make_file: MakeFile, options: SeedOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    file = make_file([{"key": key, "value": "1", "expiration": THEN_S} for key in "ab"])
    assert seed_files([file], MemoryEndpoint(), replace(options, skip_ending=True)) == INCOMPLETE
    assert capsys.readouterr().out.splitlines()[-1] == "nothing was written: all 2 entries were left out"


def test_a_seed_of_nothing_is_done(make_file: MakeFile, options: SeedOptions) -> None:
    assert seed_files([make_file([])], MemoryEndpoint(), replace(options, skip_ending=True)) == 0


_ENDS = st.one_of(st.none(), st.integers(THEN_S - 5, THEN_S + 10_000))


@given(ends=st.lists(_ENDS, max_size=6), rebase=st.booleans())
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_each_entry_lives_as_long_as_it_had_left(tmp_path: Path, ends: Sequence[int | None], rebase: bool) -> None:
    entries: list[dict[str, Any]] = [
        {"key": str(number), "value": "v"} | ({} if end is None else {"expiration": end})
        for number, end in enumerate(ends)
    ]
    path = tmp_path / "data.json"
    path.write_text(json.dumps(entries))
    file = BulkFile("data.json", path)
    reading = reading_of([file], Reading(NOON_MS, skip_ending=True), AsOf(THEN_MS, rebase))
    checked = check_files([file], reading)
    left = {entry.key.decode(): _left_s(entry) for entry in checked.each_entry()}
    lived = {each["key"]: each.get("expiration") for each in entries if each.get("expiration", THEN_S + 1) > THEN_S}
    assert left == {key: None if end is None else max(end - THEN_S, 60 if rebase else 1) for key, end in lived.items()}
    assert checked.skipped == len(entries) - len(lived)


def _left_s(entry: BulkEntry) -> int | None:
    """Of a lifetime, at the time that the target's clock shows after it was written."""
    if entry.expiration_ttl_s is not None:
        return entry.expiration_ttl_s
    return None if entry.expiration_s is None else entry.expiration_s - THEN_S


@pytest.mark.slow
@pytest.mark.parametrize("how", ["serve", "seed"])
def test_an_old_export_is_migrated_as_of_its_time(start_emulator: StartEmulator, folder: Path, how: str) -> None:
    task = json.dumps({"queuedAt": iso_8601(THEN_MS)})
    entries = [
        {"key": "orchestrator:pending", "value": '["t1"]', "expiration": THEN_S + 100},
        {
            "key": "orchestrator:queue:t1",
            "value": task,
            "expiration": THEN_S + 30,
        },
    ]
    (folder / "old.json").write_text(json.dumps(entries))
    if how == "serve":
        emulator = start_emulator("--ephemeral", "--seed", "old.json", "--as-of", "file")
        assert any(line.startswith("  clock       2020-09-13T12:26:40.500Z") for line in emulator.banner)
    else:
        emulator = start_emulator("--ephemeral")
        done = run_here("seed", "old.json", "--as-of", "2020-09-13T12:26:40.500Z", "--to", emulator.url, folder=folder)
        assert (done.returncode, done.stderr) == (0, "")
    status = emulator.ask("GET", "/cdn-cgi/emulator/status").json()
    assert (status["keys"], status["clock"]["frozen"]) == (2, False)
    assert status["clock"]["now"].startswith("2020-09-13T12:2")
    answer = emulator.ask("POST", "/api/migrate/run", headers=ADMIN)
    assert answer.json()["tasks"]["migrated"] == 1


@pytest.mark.slow
def test_a_time_without_data_is_where_the_clock_begins(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--ephemeral", "--as-of", "2020-09-13T12:00:00Z")
    assert emulator.ask("GET", "/cdn-cgi/emulator/status").json()["clock"]["now"].startswith("2020-09-13T12:0")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--as-of", "file"), "--rebase and --as-of file need --seed FILE"),
        (("--rebase",), "--rebase and --as-of file need --seed FILE"),
    ],
)
def test_what_is_about_data_needs_data(folder: Path, arguments: Sequence[str], why: str) -> None:
    assert refusal("serve", "--port", "0", "--ephemeral", *arguments, folder=folder) == why
