"""A row of a state file's table `entry`, which `staged` has too: what stands in it for an entry."""

from typing import Any

from queue_emulator.core.entries import Entry
from queue_emulator.kv.checksums import Parts, of_entry
from queue_emulator.kv.large_values import Aside

COLUMNS = "version, namespace, key, written_ms, expiration_s, metadata, deleted, value, checksum"
INSERT = f"INSERT OR REPLACE INTO entry ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608

ROW_CHECKSUM = """
    entry_checksum(
        namespace, key, written_ms, expiration_s, CAST(metadata AS BLOB), value,
        (SELECT count(*) FROM part WHERE part.value = {0}.value)
    )
"""  # of a row of the table {0}, where `entry_checksum` is `of_row`


def row_of(namespace: int, entry: Entry, aside: Aside | None = None) -> tuple[Any, ...]:
    """Its columns, in the order of `COLUMNS`; `aside` has the parts of values that are kept in such."""
    key, value, version, written_ms, expiration_s, metadata = (
        entry.key,
        entry.value,
        entry.version,
        entry.written_ms,
        entry.expiration_s,
        entry.metadata,
    )
    parts = aside.get(key) if aside else None
    kept = value if parts is None else parts
    checksum = of_entry(namespace, key, written_ms, expiration_s, metadata, kept)
    in_place = value if parts is None else parts.number
    return version, namespace, key, written_ms, expiration_s, metadata, value is None, in_place, checksum


def of_row(
    namespace: object,
    key: object,
    written_ms: object,
    expiration_s: object,
    metadata: bytes | None,
    value: object,
    parts: int,
) -> int:
    """The checksum of a row as SQL has it: with the number of a value's parts, and metadata that may be no text."""
    kept = Parts(value, parts) if isinstance(value, int) else value
    text = None if metadata is None else metadata.decode("utf-8", "surrogateescape")
    return of_entry(namespace, key, written_ms, expiration_s, text, kept)
