"""The time that data is of: what lived then is loaded as it lived, though it has ended since."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from queue_emulator.core.clock import iso_8601, parse_iso_8601
from queue_emulator.core.errors import BulkDataError, ClockError, JavaScriptError
from queue_emulator.core.javascript import parse_json

if TYPE_CHECKING:  # a command that only asks an emulator does without
    from queue_emulator.core.bulk import BulkEntry

FROM_FILE = "file"
_WRITTEN = ("createdAt", "queuedAt", "claimedAt", "renewedAt", "updatedAt", "completedAt", "processedAt", "storedAt")


@dataclass(frozen=True, slots=True)
class AsOf:
    """`at_ms` None: the newest time in the data. `rebase`: lifetimes begin now, as long as they were at that time."""

    at_ms: int | None = None
    rebase: bool = False


def newest_ms(entries: "Iterable[BulkEntry]") -> int:
    """The newest time at which something in the data says that it was written; raises BulkDataError if nothing does.

    Data that has ended was not there any more: a time that lies after an expiration in the data is not its own.
    """
    found: list[int] = []
    first_end_ms: int | None = None
    for entry in entries:
        found += _times(entry.value)
        if entry.expiration_s is not None:
            end_ms = entry.expiration_s * 1000
            first_end_ms = end_ms if first_end_ms is None else min(end_ms, first_end_ms)
    own = [at_ms for at_ms in found if first_end_ms is None or at_ms < first_end_ms]
    if own:
        return max(own)
    why = "no value has a time such as queuedAt of a task"
    if first_end_ms is not None and found:
        why = f"no value has a time before {iso_8601(first_end_ms)}, when the first key expires"
    raise BulkDataError(f"{why}: give the time of the data with --as-of TIME")


def _times(value: bytes) -> list[int]:
    if b"At" not in value:
        return []
    try:
        parsed = parse_json(value.decode())
    except (JavaScriptError, UnicodeDecodeError, RecursionError):
        return []
    given = [parsed.get(name) for name in _WRITTEN] if isinstance(parsed, dict) else []
    return [at_ms for text in given if isinstance(text, str) and (at_ms := _instant_ms(text)) is not None]


def _instant_ms(text: str) -> int | None:
    try:
        at_ms = parse_iso_8601(text)
    except ClockError:
        return None
    return at_ms if at_ms >= 0 else None
