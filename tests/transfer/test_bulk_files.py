"""Bulk-put files: checked as a whole, counted, and given entry by entry, however large."""

import json
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from queue_emulator.core.bulk import BulkEntry
from queue_emulator.core.errors import BulkDataError
from queue_emulator.transfer.bulk_files import BulkFile, Reading, check_files, readable, stored_entries
from tests.transfer.conftest import MakeFile
from tests.transfer.memory_endpoint import NOON_MS

NOON_S = NOON_MS // 1000
NOW = Reading(NOON_MS)
SKIPPING = Reading(NOON_MS, skip_ending=True)


def refusal(*files: BulkFile) -> str:
    with pytest.raises(BulkDataError) as caught:
        check_files(files, NOW)
    return str(caught.value)


def test_entries_and_bytes_are_counted_over_all_files(make_file: MakeFile) -> None:
    one = make_file([{"key": "a", "value": "1é"}, {"key": "b", "value": "AAH/", "base64": True}], "one.json")
    plan = check_files([one, make_file([], "two.json")], NOW)
    assert [each.entries for each in plan.files] == [2, 0]
    assert (plan.entries, plan.value_bytes, plan.repeated) == (2, 6, 0)


def test_entries_keep_their_lifetimes_as_they_are(make_file: MakeFile) -> None:
    plan = check_files(
        [
            make_file(
                [
                    {"key": "a", "value": "", "expiration_ttl": 60, "expiration": 1},
                    {"key": "b", "value": "", "expiration": NOON_S + 60, "metadata": {"m": 1.0}},
                ]
            )
        ],
        NOW,
    )
    expected = [BulkEntry(b"a", b"", None, 60, None), BulkEntry(b"b", b"", NOON_S + 60, None, '{"m":1}')]
    assert list(plan.each_entry()) == expected


def test_repeated_keys_are_counted_over_all_files(make_file: MakeFile) -> None:
    one = make_file([{"key": "a", "value": "1"}, {"key": "a", "value": "2"}], "one.json")
    two = make_file([{"key": "a", "value": "3"}, {"key": "b", "value": "4"}], "two.json")
    assert check_files([one, two], NOW).repeated == 2


def test_wrong_entries_are_named_with_their_file(make_file: MakeFile) -> None:
    good = make_file([{"key": "a", "value": "1"}], "good.json")
    wrong = make_file([{"key": "a", "value": "1"}, {"key": "b"}, 7], "bad.json")
    assert refusal(good, wrong) == (
        "bad.json: entry 1 (key 'b'): value is missing; entry 2: must be an object with key and value"
    )


def test_every_wrong_entry_counts_and_five_are_shown(make_file: MakeFile) -> None:
    text = refusal(make_file([{"key": "a"}] * 7))
    assert text.count("value is missing") == 5
    assert text.endswith("; and 2 more")


def test_text_that_breaks_off_is_refused_with_its_endpoint(folder: Path) -> None:
    (folder / "cut.json").write_text('[\n{"key": "a", "value": "1"},\n{"key": "b", "val')
    text = refusal(BulkFile("cut.json", folder / "cut.json"))
    assert text == "cut.json: not JSON: Unterminated string starting at: line 3 column 14 (char 43)"


def test_a_file_that_is_not_there_is_said(folder: Path) -> None:
    message = r"cannot read .*gone.json: No such file or directory"
    with pytest.raises(BulkDataError, match=message), readable([folder / "gone.json"]):
        pass


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\0" * 9, "not JSON: there is a NUL at byte 0"), (b" [\n" * 400_000, "more than 1,100,000 bytes")],
    ids=["no-json", "too-much"],
)
def test_a_pipe_without_an_end_is_given_up(folder: Path, content: bytes, said: str) -> None:
    os.mkfifo(folder / "pipe")

    def write() -> None:
        with suppress(BrokenPipeError):
            (folder / "pipe").write_bytes(content)

    writer = threading.Thread(target=write)
    writer.start()
    with pytest.raises(BulkDataError, match=said), readable([folder / "pipe"], pipe_bytes_max=1_100_000):
        pass
    writer.join()


def test_a_pipe_can_be_read_twice(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    writer = threading.Thread(target=(folder / "pipe").write_text, args=('[{"key": "a", "value": "1"}]',))
    writer.start()
    with readable([folder / "pipe"]) as (file,):
        writer.join()
        assert file.named == str(folder / "pipe")
        for _ in range(2):
            assert [entry.key for entry in stored_entries(file)] == [b"a"]
        copy = file.content
    assert not copy.exists()


@pytest.mark.parametrize(("left_s", "skipped"), [(-1, 1), (0, 1), (89, 1), (90, 0), (1000, 0)])
def test_what_ends_soon_is_left_out_when_told_to(make_file: MakeFile, left_s: int, skipped: int) -> None:
    file = make_file([{"key": "a", "value": "1", "expiration": NOON_S + left_s}, {"key": "b", "value": "2"}])
    plan = check_files([file], SKIPPING)
    (checked,) = plan.files
    assert (checked.skipped, plan.entries, len(list(plan.each_entry()))) == (skipped, 2 - skipped, 2 - skipped)


def test_what_ends_soon_is_refused_otherwise(make_file: MakeFile) -> None:
    text = refusal(make_file([{"key": "a", "value": "1", "expiration": NOON_S + 59}]))
    assert "Expiration times must be at least 60 seconds in the future." in text
    assert text.endswith("--skip-expired leaves out such keys; --as-of and --rebase load them as they were.")


def test_a_relative_lifetime_that_is_too_short_is_refused_in_any_case(make_file: MakeFile) -> None:
    file = make_file([{"key": "a", "value": "1", "expiration_ttl": 5}])
    with pytest.raises(BulkDataError, match="Expiration TTL must be at least 60"):
        check_files([file], SKIPPING)


def test_the_digest_follows_content_order_and_target(make_file: MakeFile) -> None:
    one, two = make_file([{"key": "a", "value": "1"}], "one.json"), make_file([], "two.json")
    digests = {
        check_files(files, NOW).digest(target)
        for files in ([one, two], [two, one], [one])
        for target in ("http://127.0.0.1:8787", "state.sqlite")
    }
    assert len(digests) == 6
    renamed = make_file([{"key": "a", "value": "1"}], "renamed.json")
    assert check_files([renamed], NOW).digest("x") == check_files([one], NOW).digest("x")


@pytest.mark.parametrize("size", [10, 70_000_000])
def test_a_large_file_is_read_again_and_a_small_one_is_held(folder: Path, size: int) -> None:
    path = folder / "data.json"
    path.write_bytes(b'[{"key":"a","value":"1"}' + b" " * size + b"]")
    plan = check_files([BulkFile("data.json", path)], NOW)
    path.write_text('[{"key": "b", "value": "2"}]')
    expected = b"a" if size == 10 else b"b"
    assert [entry.key for entry in plan.each_entry()] == [expected]


def test_what_a_namespace_held_may_have_ended(make_file: MakeFile) -> None:
    entries: list[Any] = [{"key": "a", "value": "1", "expiration": 1}, {"key": "b", "value": "2", "expiration_ttl": 1}]
    assert [entry.key for entry in stored_entries(make_file(entries))] == [b"a", b"b"]
    with pytest.raises(BulkDataError, match=r"data.json: entry 0: must be an object"):
        list(stored_entries(make_file([json.dumps(entries)])))
