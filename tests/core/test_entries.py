"""When a key is gone: one rule, for entries and for the rows that a list walks."""

import pytest

from queue_emulator.core.entries import Entry, Row, expired


@pytest.mark.parametrize(("now_ms", "gone"), [(99_999, False), (100_000, True), (100_001, True)])
def test_a_key_is_gone_from_the_first_millisecond_of_its_expiration(now_ms: int, gone: bool) -> None:
    entry = Entry(b"k", b"v", 1, 0, expiration_s=100)
    row = Row(b"k", 1, 0, 100, None, deleted=False)
    assert expired(100, now_ms) is gone
    assert entry.live(now_ms) is not gone
    assert row.live(now_ms) is not gone


def test_a_key_without_expiration_lives_for_ever() -> None:
    assert not expired(None, 253_402_300_799_000)
    assert Entry(b"k", b"", 1, 0).live(253_402_300_799_000)
    assert Row(b"k", 1, 0, None, None, deleted=False).live(253_402_300_799_000)


def test_a_deleted_key_is_gone() -> None:
    assert not Entry(b"k", None, 1, 5_000).live(5_000)
    assert not Row(b"k", 1, 5_000, None, None, deleted=True).live(5_000)


def test_an_empty_value_is_a_value() -> None:
    assert Entry(b"k", b"", 1, 0).live(0)
