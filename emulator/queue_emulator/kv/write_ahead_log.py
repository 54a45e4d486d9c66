"""The log beside a state file, which an emulator that was killed leaves: whether SQLite will find all of it.

SQLite reads a log up to the first frame that is not as it was written, and passes over the rest without a word:
https://www.sqlite.org/fileformat2.html, "The Write-Ahead Log". So the writes after that would be lost.
"""

import struct
from contextlib import suppress
from typing import BinaryIO, NamedTuple

from queue_emulator.core.errors import StateError
from queue_emulator.kv.folder import Folder

LOG = "-wal"
_BYTES_MAX = 4 << 30
_HEADER_BYTES, _FRAME_HEADER_BYTES = 32, 24
_ORDERS = {b"\x37\x7f\x06\x83": ">", b"\x37\x7f\x06\x82": "<"}  # of the words that are summed
_PAGE_BYTES = tuple(1 << power for power in range(9, 17))
_32_BITS = 0xFFFFFFFF


class _Sum(NamedTuple):
    """SQLite's checksum, which goes on from frame to frame."""

    first: int
    second: int


def check_log(folder: Folder, name: str) -> None:
    """Raises StateError for a log that has writes which SQLite would not find."""
    with suppress(FileNotFoundError), folder.reading(name + LOG, _BYTES_MAX) as log:
        if _lost(log):
            path = folder.path / name
            raise StateError(
                f"{path}{LOG} is damaged: the last writes in it cannot be read; restore {path} and it from a copy, or "
                f"keep what was written before: sqlite3 {path} 'PRAGMA wal_checkpoint(TRUNCATE)'"
            )


def _lost(log: BinaryIO) -> bool:
    """Whether a transaction ends behind the frame at which SQLite stops. What was never committed ends none.

    A frame is written in two pieces. So the last one of a log that is written over an older one may have the page of
    that: nobody was told that this was written.
    """
    header = log.read(_HEADER_BYTES)
    if len(log.read(_FRAME_HEADER_BYTES)) < _FRAME_HEADER_BYTES:
        return False
    page_bytes, order = int.from_bytes(header[8:12], "big"), _ORDERS.get(header[:4])
    if (
        order is None
        or page_bytes not in _PAGE_BYTES
        or _digits(header[24:]) != _summed(header[:24], order, _Sum(0, 0))
    ):
        return True
    log.seek(_HEADER_BYTES)
    summed: _Sum | None = _digits(header[24:])
    stopped_at_end = False
    while len(frame := log.read(_FRAME_HEADER_BYTES + page_bytes)) == _FRAME_HEADER_BYTES + page_bytes:
        of_this_log, commits = frame[8:16] == header[16:24], frame[4:8] != bytes(4)
        if summed is None:
            if of_this_log and commits:
                return True
            stopped_at_end = False
        elif of_this_log and _summed(frame[:8] + frame[_FRAME_HEADER_BYTES:], order, summed) == _digits(frame[16:24]):
            summed = _digits(frame[16:24])
        else:
            summed, stopped_at_end = None, of_this_log and commits
    return stopped_at_end


def _summed(content: bytes, order: str, so_far: _Sum) -> _Sum:
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    first, second = so_far
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & _32_BITS
        second = (second + other + first) & _32_BITS
    return _Sum(first, second)


def _digits(content: bytes) -> _Sum:
    return _Sum(int.from_bytes(content[:4], "big"), int.from_bytes(content[4:], "big"))
