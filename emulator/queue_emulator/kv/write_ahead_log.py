"""The log beside a state file, which an emulator that was killed leaves: whether SQLite will find all of it.

SQLite reads a log up to the first frame that is not as it was written, and passes over the rest without a word:
https://www.sqlite.org/fileformat2.html, "The Write-Ahead Log". So the writes after that would be lost.
"""

import struct
from contextlib import suppress
from typing import BinaryIO, NamedTuple

from queue_emulator.core.errors import StateError
from queue_emulator.kv.folder import Folder
from queue_emulator.kv.foreign_database import LOG
from queue_emulator.kv.log_stamp import stamps_in

LOG_PAGES = 4_000  # written to the file at once: the more, the fewer waits for the disk; 16 MB
_BYTES_MAX = 4 << 30
_HEADER_BYTES, _FRAME_HEADER_BYTES = 32, 24
_ORDERS = {b"\x37\x7f\x06\x83": ">", b"\x37\x7f\x06\x82": "<"}  # of the words that are summed
_PAGE_BYTES = tuple(1 << power for power in range(9, 17))
_32_BITS = 0xFFFFFFFF


class _Sum(NamedTuple):
    """SQLite's checksum, which goes on from frame to frame."""

    first: int
    second: int


class _Read(NamedTuple):
    lost: bool
    stamps: frozenset[bytes] = frozenset()


def check_log(folder: Folder, name: str) -> frozenset[bytes]:
    """The stamps that the log has, if there is one. Raises StateError for writes in it which SQLite would not find."""
    with suppress(FileNotFoundError), folder.reading(name + LOG, _BYTES_MAX) as log:
        lost, stamps = _read(log)
        if lost:
            path = folder.path / name
            raise StateError(
                f"{path}{LOG} is damaged: the last writes in it cannot be read; restore {path} and it from a copy, or "
                f"keep what was written before: sqlite3 {path} 'PRAGMA wal_checkpoint(TRUNCATE)'"
            )
        return stamps
    return frozenset()


def _read(log: BinaryIO) -> _Read:
    """What SQLite would read of it. It has lost something if a transaction ends behind the frame at which SQLite stops.

    What was never committed ends none. A log that is cut off at its end looks as it was before its last writes.

    An emulator that is killed while it ends a transaction may have written the header of its last frame and not its
    page. Where the log begins anew over an older one, as each does, frames of that one are behind it until the first
    transaction is done: then SQLite cuts them off (`journal_size_limit`).
    """
    header = log.read(_HEADER_BYTES)
    if len(log.read(_FRAME_HEADER_BYTES)) < _FRAME_HEADER_BYTES:
        return _Read(lost=False)
    page_bytes, order = int.from_bytes(header[8:12], "big"), _ORDERS.get(header[:4])
    if (
        order is None
        or page_bytes not in _PAGE_BYTES
        or _digits(header[24:]) != _summed(header[:24], order, _Sum(0, 0))
    ):
        return _Read(lost=True)
    log.seek(_HEADER_BYTES)
    summed: _Sum | None = _digits(header[24:])
    unread, last, count, stamps = list[int](), -1, 0, set[bytes]()
    while len(frame := log.read(_FRAME_HEADER_BYTES + page_bytes)) == _FRAME_HEADER_BYTES + page_bytes:
        count += 1
        if frame[8:16] != header[16:24]:  # of an older log, or damaged
            summed = None
            continue
        last = count
        if summed is not None:
            summed = _summed(frame[:8] + frame[_FRAME_HEADER_BYTES:], order, summed)
            summed = summed if summed == _digits(frame[16:24]) else None
            if summed is not None:
                stamps |= stamps_in(frame[_FRAME_HEADER_BYTES:])
        if summed is None and frame[4:8] != bytes(4):
            unread.append(count)
    never_done = unread == [last] and last < count
    return _Read(bool(unread) and not never_done, frozenset(stamps))


def _summed(content: bytes, order: str, so_far: _Sum) -> _Sum:
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    first, second = so_far
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & _32_BITS
        second = (second + other + first) & _32_BITS
    return _Sum(first, second)


def _digits(content: bytes) -> _Sum:
    return _Sum(int.from_bytes(content[:4], "big"), int.from_bytes(content[4:], "big"))
