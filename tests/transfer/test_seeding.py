"""A seed: shown before, asked for where others may depend on it, exact about what it wrote, and safe to run again."""

import json
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from queue_emulator.core.batches import PAIRS_MAX
from queue_emulator.core.bulk import BulkEntry
from queue_emulator.core.errors import BulkDataError, SettingsError
from queue_emulator.transfer.bulk_files import BulkFile
from queue_emulator.transfer.seeding import INCOMPLETE, INTERRUPTED, SeedOptions, seed_files
from tests.transfer.conftest import MakeFile
from tests.transfer.memory_endpoint import NOON_MS, Failure, MemoryEndpoint

TOTAL = 3 * PAIRS_MAX + 5
FIRST_THREE = 3 * PAIRS_MAX


@pytest.fixture
def options(folder: Path) -> SeedOptions:
    return SeedOptions(bookmarks=folder / "bookmarks")


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """As in a terminal: what a shell starts in the background does not hear of SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> BulkFile:
    """More than three batches."""
    path = tmp_path_factory.mktemp("large") / "large.json"
    path.write_text(json.dumps([{"key": f"k{number}", "value": str(number)} for number in range(TOTAL)]))
    return BulkFile("large.json", path)


@pytest.fixture
def bookmarks(options: SeedOptions) -> Callable[[], list[int]]:
    """How far unfinished seeds came."""

    def read() -> list[int]:
        return [json.loads(path.read_text())["entries"] for path in options.bookmarks.glob("*.json")]

    return read


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], list[str]]]:
    """The lines on standard output since it was last asked."""
    yield lambda: capsys.readouterr().out.splitlines()


def test_what_will_be_written_is_said_first_and_what_was_written_last(
    make_file: MakeFile, options: SeedOptions, said: Callable[[], list[str]]
) -> None:
    endpoint = MemoryEndpoint()
    file = make_file([{"key": "a", "value": "12"}, {"key": "b", "value": "3", "note": 1}])
    assert seed_files([file], endpoint, options) == 0
    assert said() == [
        "data.json: 2 entries, 3 bytes of values",
        "data.json: warning: unknown field 'note' in 1 entry is ignored",
        "into memory: an endpoint of tests",
        "2 keys written to memory",
    ]
    assert (sorted(endpoint.held), endpoint.closed) == ([b"a", b"b"], 1)


def test_a_dry_run_writes_nothing(make_file: MakeFile, options: SeedOptions, said: Callable[[], list[str]]) -> None:
    endpoint = MemoryEndpoint(asks=True)
    assert seed_files([make_file([{"key": "a", "value": ""}])], endpoint, replace(options, dry_run=True)) == 0
    assert endpoint.writes == []
    assert said()[-1] == "nothing was written (--dry-run)"


def test_a_wrong_file_writes_nothing_and_says_nothing(
    make_file: MakeFile, options: SeedOptions, said: Callable[[], list[str]]
) -> None:
    endpoint = MemoryEndpoint()
    with pytest.raises(BulkDataError, match="entry 1"):
        seed_files([make_file([{"key": "a", "value": ""}, {"key": "b"}])], endpoint, options)
    assert (endpoint.writes, endpoint.closed, said()) == ([], 1, [])


def test_lifetimes_are_checked_by_the_clock_of_the_endpoint(make_file: MakeFile, options: SeedOptions) -> None:
    endpoint = MemoryEndpoint()
    file = make_file([{"key": "a", "value": "", "expiration": NOON_MS // 1000 + 60}])
    assert seed_files([file], endpoint, options) == 0
    endpoint.clock_ms += 1000
    with pytest.raises(BulkDataError, match="at least 60 seconds in the future"):
        seed_files([file], endpoint, options)


def test_where_others_may_depend_on_it_nothing_is_written_unasked(make_file: MakeFile, options: SeedOptions) -> None:
    endpoint = MemoryEndpoint(asks=True)
    file = make_file([{"key": "a", "value": ""}])
    with pytest.raises(SettingsError, match="add --yes"):
        seed_files([file], endpoint, options)
    assert endpoint.writes == []
    assert seed_files([file], endpoint, replace(options, yes=True)) == 0
    assert endpoint.writes == [1]


def test_repeated_keys_are_warned_of_and_the_last_wins(
    make_file: MakeFile, options: SeedOptions, said: Callable[[], list[str]]
) -> None:
    endpoint = MemoryEndpoint()
    entries = [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}, {"key": "a", "value": "3"}]
    assert seed_files([make_file(entries)], endpoint, options) == 0
    lines = said()
    assert "warning: 1 entry with a key that occurs again later; the last entry wins" in lines
    assert lines[-1] == "2 keys written to memory"
    assert endpoint.held[b"a"].value == b"3"


def test_keys_that_were_refused_are_named(
    make_file: MakeFile, options: SeedOptions, said: Callable[[], list[str]]
) -> None:
    endpoint = MemoryEndpoint()
    endpoint.refuses = {b"b"}
    assert seed_files([make_file([{"key": key, "value": ""} for key in "abc"])], endpoint, options) == INCOMPLETE
    assert said()[-3:] == ["2 keys written to memory", "  failed: 1 key that memory refused:", "    'b'"]


def test_a_failure_before_anything_was_written_is_an_error(make_file: MakeFile, options: SeedOptions) -> None:
    endpoint = MemoryEndpoint()
    endpoint.fail_at = 1
    with pytest.raises(Failure):
        seed_files([make_file([{"key": "a", "value": ""}])], endpoint, options)
    assert endpoint.closed == 1


@pytest.mark.slow
def test_a_seed_that_failed_after_the_third_batch_goes_on_from_there(
    large: BulkFile, options: SeedOptions, said: Callable[[], list[str]], bookmarks: Callable[[], list[int]]
) -> None:
    endpoint = MemoryEndpoint()
    endpoint.fail_at = 4
    assert seed_files([large], endpoint, options) == INCOMPLETE
    assert said()[-1] == "30,000 of 30,005 entries are written to memory; run the same command again to continue"
    assert bookmarks() == [FIRST_THREE]

    assert seed_files([large], endpoint, options) == 0
    assert endpoint.writes == [PAIRS_MAX, PAIRS_MAX, PAIRS_MAX, 5, 5]
    assert said()[-2:] == [
        "30,005 keys written to memory",
        "  unchanged: 30,000 entries that an earlier run wrote; 17 of them were checked",
    ]
    assert (len(endpoint.held), bookmarks()) == (TOTAL, [])


@pytest.mark.slow
def test_a_seed_begins_anew_where_the_first_part_is_gone(
    large: BulkFile, options: SeedOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint = MemoryEndpoint()
    endpoint.fail_at = 4
    seed_files([large], endpoint, options)
    endpoint.held.clear()
    assert seed_files([large], endpoint, options) == 0
    assert endpoint.writes[4:] == [PAIRS_MAX, PAIRS_MAX, PAIRS_MAX, 5]
    assert len(endpoint.held) == TOTAL
    assert "entries, but they have changed since: all entries are written again" in capsys.readouterr().err


@pytest.mark.slow
def test_a_seed_begins_anew_where_a_value_is_another_by_now(large: BulkFile, options: SeedOptions) -> None:
    endpoint = MemoryEndpoint()
    endpoint.fail_at = 4
    seed_files([large], endpoint, options)
    last = f"k{FIRST_THREE - 1}".encode()
    endpoint.held[last] = replace(endpoint.held[last], value=b"another")
    assert seed_files([large], endpoint, options) == 0
    assert endpoint.writes[4:] == [PAIRS_MAX, PAIRS_MAX, PAIRS_MAX, 5]


@pytest.mark.slow
def test_a_seed_begins_anew_when_told_to(large: BulkFile, options: SeedOptions) -> None:
    endpoint = MemoryEndpoint()
    endpoint.fail_at = 2
    seed_files([large], endpoint, options)
    assert seed_files([large], endpoint, replace(options, from_start=True)) == 0
    assert endpoint.writes[2:] == [PAIRS_MAX, PAIRS_MAX, PAIRS_MAX, 5]


@pytest.mark.slow
def test_another_seed_does_not_go_on_where_this_one_ended(
    large: BulkFile, make_file: MakeFile, options: SeedOptions
) -> None:
    endpoint = MemoryEndpoint()
    endpoint.fail_at = 2
    seed_files([large], endpoint, options)
    other = make_file([{"key": f"k{number}", "value": "other"} for number in range(PAIRS_MAX + 1)])
    assert seed_files([other], endpoint, options) == 0
    assert endpoint.writes[2:] == [PAIRS_MAX, 1]


@pytest.mark.slow
def test_a_batch_whose_end_is_not_known_is_said(
    large: BulkFile, options: SeedOptions, said: Callable[[], list[str]], bookmarks: Callable[[], list[int]]
) -> None:
    endpoint = MemoryEndpoint()
    endpoint.fail_at, endpoint.failure = 2, Failure(definite=False)
    assert seed_files([large], endpoint, options) == INCOMPLETE
    assert said()[-2:] == [
        "10,000 of 30,005 entries are written to memory; run the same command again to continue",
        "  unknown: entries 10,001 to 20,000 may have been written",
    ]
    assert bookmarks() == [PAIRS_MAX]


@pytest.mark.slow
def test_refused_keys_are_tried_again_by_the_next_run(large: BulkFile, options: SeedOptions) -> None:
    endpoint = MemoryEndpoint()
    endpoint.refuses, endpoint.fail_at = {b"k7"}, 3
    assert seed_files([large], endpoint, options) == INCOMPLETE
    endpoint.refuses = set()
    assert seed_files([large], endpoint, options) == 0
    assert len(endpoint.held) == TOTAL


@pytest.mark.slow
def test_an_interrupt_waits_for_the_batch_and_says_what_was_written(
    large: BulkFile, options: SeedOptions, said: Callable[[], list[str]], bookmarks: Callable[[], list[int]]
) -> None:
    endpoint = MemoryEndpoint()
    endpoint.interrupt_at = 2
    assert seed_files([large], endpoint, options) == INTERRUPTED
    assert said()[-1] == "20,000 of 30,005 entries are written to memory; run the same command again to continue"
    assert (len(endpoint.held), bookmarks(), endpoint.closed) == (2 * PAIRS_MAX, [2 * PAIRS_MAX], 1)

    assert seed_files([large], endpoint, options) == 0
    assert endpoint.writes[2:] == [PAIRS_MAX, 5]


@pytest.mark.slow
def test_an_interrupt_in_the_last_batch_leaves_nothing_to_go_on_with(
    large: BulkFile, options: SeedOptions, said: Callable[[], list[str]], bookmarks: Callable[[], list[int]]
) -> None:
    endpoint = MemoryEndpoint()
    endpoint.interrupt_at = 4
    assert seed_files([large], endpoint, options) == INTERRUPTED
    assert said()[-1] == "30,005 keys written to memory"
    assert (len(endpoint.held), bookmarks()) == (TOTAL, [])


@pytest.mark.slow
def test_an_interrupt_of_a_batch_that_then_fails_tells_of_both(
    large: BulkFile, options: SeedOptions, said: Callable[[], list[str]]
) -> None:
    endpoint = MemoryEndpoint()
    endpoint.interrupt_at = endpoint.fail_at = 2
    assert seed_files([large], endpoint, options) == INTERRUPTED
    assert said()[-1] == "10,000 of 30,005 entries are written to memory; run the same command again to continue"


@pytest.mark.slow
def test_an_interrupt_says_what_is_still_done_and_how_to_end_it_at_once(
    large: BulkFile, options: SeedOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint = MemoryEndpoint()
    endpoint.interrupt_at = 2
    assert seed_files([large], endpoint, options) == INTERRUPTED
    assert "stopping after the current batch; press Ctrl-C again to stop at once\n" in capsys.readouterr().err
    assert endpoint.hurried


@pytest.mark.slow
@pytest.mark.parametrize("end", ["failure", "interrupt"])
def test_where_it_is_all_or_nothing_a_broken_run_wrote_nothing(
    large: BulkFile, options: SeedOptions, said: Callable[[], list[str]], bookmarks: Callable[[], list[int]], end: str
) -> None:
    endpoint = MemoryEndpoint(whole=True)
    endpoint.fail_at, endpoint.interrupt_at = (3, None) if end == "failure" else (None, 3)
    assert seed_files([large], endpoint, options) == (INCOMPLETE if end == "failure" else INTERRUPTED)
    assert said()[-1] == "nothing was written to memory: everything is written at the end, or nothing"
    assert (endpoint.held, bookmarks(), endpoint.closed) == ({}, [], 1)


@pytest.mark.slow
def test_a_folder_for_bookmarks_that_cannot_be_is_told_of_once(
    large: BulkFile, options: SeedOptions, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bookmarks").write_text("a file")
    assert seed_files([large], MemoryEndpoint(), options) == 0
    assert capsys.readouterr().err.count("cannot save the progress") == 1


@pytest.mark.slow
def test_a_file_that_is_cut_while_it_is_written_is_noticed(
    folder: Path, options: SeedOptions, said: Callable[[], list[str]]
) -> None:
    path = folder / "data.json"
    entries = (f'{{"key":"k{number}","value":"{"x" * 6000}"}}' for number in range(PAIRS_MAX + 2000))
    path.write_text(f"[{','.join(entries)}]")

    class Cutting(MemoryEndpoint):
        async def write(self, batch: Sequence[BulkEntry]) -> Sequence[str]:
            os.truncate(path, 1000)
            return await super().write(batch)

    endpoint = Cutting()
    assert seed_files([BulkFile("data.json", path)], endpoint, options) == INCOMPLETE
    (written,) = endpoint.writes
    assert said()[-1].startswith(f"{written:,} of 12,000 entries are written")
