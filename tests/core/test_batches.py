"""Batches: within the limits of one write, no key twice in one, nothing lost and nothing reordered."""

from hypothesis import given
from hypothesis import strategies as st

from queue_emulator.core.batches import BYTES_MAX, PAIRS_MAX, batches, request_bytes
from queue_emulator.core.bulk import BulkEntry, bulk_entry, bulk_json
from queue_emulator.core.javascript import json_decoder

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).map(str.encode)
ENTRIES = st.builds(
    BulkEntry,
    key=KEYS,
    value=st.binary(max_size=200) | KEYS,
    expiration_s=st.none() | st.integers(0, 2**53 - 1),
    expiration_ttl_s=st.none() | st.integers(60, 2**53 - 1),
    metadata=st.none() | st.sampled_from(['{"a":[1,null]}', '"\\ud800"', "0", '"ü"']),
)


def entry(key: str, value: bytes = b"") -> BulkEntry:
    return BulkEntry(key.encode(), value)


def test_ten_thousand_entries_make_one_batch_and_one_more_begins_another() -> None:
    made = list(batches(entry(str(number)) for number in range(PAIRS_MAX + 1)))
    assert [(len(each.entries), each.count) for each in made] == [(PAIRS_MAX, PAIRS_MAX), (1, 1)]


def test_of_two_entries_with_one_key_the_later_stays_at_its_place() -> None:
    (batch,) = batches([entry("a", b"1"), entry("b", b"2"), entry("a", b"3")])
    assert (batch.entries, batch.count) == ((entry("b", b"2"), entry("a", b"3")), 3)


def test_large_values_are_spread_over_batches() -> None:
    large = bytes(BYTES_MAX // 15)
    made = list(batches(entry(str(number), large) for number in range(5)))
    assert [each.count for each in made] == [2, 2, 1]


def test_a_value_that_alone_may_be_too_large_is_a_batch_of_its_own() -> None:
    made = list(batches([entry("a"), entry("b", bytes(25 * 1024 * 1024)), entry("c")]))
    assert [each.count for each in made] == [1, 1, 1]


def test_nothing_makes_no_batch() -> None:
    assert list(batches([])) == []


@given(ENTRIES)
def test_no_entry_is_larger_in_a_request_than_was_reckoned(made: BulkEntry) -> None:
    assert len(bulk_json(made).encode()) <= request_bytes(made)


@given(ENTRIES)
def test_an_entry_as_text_is_the_entry_as_json(made: BulkEntry) -> None:
    assert json_decoder().decode(bulk_json(made)) == bulk_entry(made)
