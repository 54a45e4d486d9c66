"""The time that data is of: the newest that it says of itself, and no later than what lived then."""

import json
from typing import Any

import pytest

from queue_emulator.core.bulk import BulkEntry
from queue_emulator.core.data_time import newest_ms
from queue_emulator.core.errors import BulkDataError

NOON_MS = 1_795_435_200_000
NOON = "2026-11-23T12:00:00.000Z"
EARLIER = "2026-11-23T11:00:00Z"
LATER = "2027-01-01T00:00:00Z"


def entry(value: Any, expiration_s: int | None = None) -> BulkEntry:
    return BulkEntry(b"k", json.dumps(value).encode(), expiration_s)


@pytest.mark.parametrize(
    "entries",
    [
        [entry({"queuedAt": NOON})],
        [entry({"queuedAt": EARLIER}), entry({"claimedAt": NOON}), entry({"createdAt": EARLIER})],
        [entry({"queuedAt": NOON, "updatedAt": EARLIER})],
        [entry({"claimedAt": NOON, "expiresAt": LATER})],
        [entry({"queuedAt": NOON, "metadata": {"queuedAt": LATER}})],
        [entry({"queuedAt": NOON, "content": LATER})],
        [entry({"queuedAt": NOON}), entry({"queuedAt": LATER}, expiration_s=NOON_MS // 1000 + 60)],
        [
            entry({"queuedAt": NOON}),
            entry({"queuedAt": 7}),
            entry([LATER]),
            entry("soon"),
            entry({"queuedAt": "At noon"}),
        ],
        [entry({"queuedAt": NOON}), BulkEntry(b"k", b"\xffAt"), BulkEntry(b"k", b"[" * 100_000 + b"At")],
        [entry({"queuedAt": "2026-11-23T14:00:00+02:00"})],
    ],
)
def test_the_newest_time_of_writing_counts(entries: list[BulkEntry]) -> None:
    assert newest_ms(entries) == NOON_MS


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([], "no value has a time such as queuedAt of a task"),
        ([entry({"expiresAt": NOON}, expiration_s=5)], "no value has a time such as queuedAt of a task"),
        (
            [entry({"queuedAt": NOON}, expiration_s=NOON_MS // 1000)],
            f"no value has a time before {NOON}, when the first key expires",
        ),
    ],
)
def test_data_that_does_not_tell_asks_for_the_time(entries: list[BulkEntry], why: str) -> None:
    with pytest.raises(BulkDataError) as caught:
        newest_ms(entries)
    assert str(caught.value).startswith(why)
    assert str(caught.value).endswith("with --as-of TIME")
