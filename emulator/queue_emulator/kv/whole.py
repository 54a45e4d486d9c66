"""Whether a state file's index for lists has what its entries have: a list that reads a damaged one would lack keys.

SQLite's own check takes a third of a second for 16 MiB, and nobody else can read or write meanwhile. So it is done of a
small file when that is opened; a larger one is compared in steps after that, between which others go on.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

from queue_emulator.core.errors import StateError
from queue_emulator.kv.waiting import STEP_ENTRIES


class File(Protocol):
    """The state file, as far as it is needed here."""

    def ask(self, sql: str, parameters: Sequence[Any]) -> Awaitable[list[Any]]:
        """One short statement."""
        ...


class Comparison:
    """Of the entries of a file with their indexes, in the background."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._task: asyncio.Task[None] | None = None
        self._alike = True
        self._unknown = False

    def begin(self) -> None:
        """It ends by itself."""
        self._task = asyncio.ensure_future(self._compare())

    def check(self) -> None:
        """Raises StateError if keys would be lacking, as far as that is known by now.

        Where the disk failed meanwhile nothing is known, and the comparison begins again.
        """
        if self._unknown:
            self._unknown = False
            self.begin()
        if not self._alike:
            raise StateError(
                "the state file is damaged: its indexes have not what its entries have, so that keys would be lacking; "
                "stop the emulator and restore the file from a copy, or make the indexes anew: sqlite3 FILE REINDEX"
            )

    async def ended(self) -> None:
        """Wait for it."""
        if self._task is not None:
            await asyncio.wait((self._task,))

    async def close(self) -> None:
        """Stop where it is."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _compare(self) -> None:
        try:
            self._alike = await self._is_alike()
        except StateError as error:
            code = getattr(error.__cause__, "sqlite_errorcode", 0) & _PRIMARY
            self._unknown = code in _OF_THE_MACHINE
            self._alike = self._unknown  # else it is damage, which SQLite itself finds

    async def _is_alike(self) -> bool:
        first = _BEFORE_ALL
        while first != _AFTER_ALL:
            end = await self._file.ask(_END, (*first, STEP_ENTRIES))
            last = end[0] if end else _AFTER_ALL
            if await self._file.ask(_UNLIKE, (*first, *last)):
                return False
            first = last
        return True


_PRIMARY = 0xFF  # https://www.sqlite.org/rescode.html#pve
_OF_THE_MACHINE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
}

_BEFORE_ALL, _AFTER_ALL = (0, b""), (1 << 62, b"")  # numbers of namespaces are from 1
# The table is read by the index in which each key is once; what is unlike is in one of both only.
_END = """
    SELECT namespace, key FROM entry INDEXED BY sqlite_autoindex_entry_1
    WHERE (namespace, key) > (?, ?) ORDER BY namespace, key LIMIT 1 OFFSET ?
"""
_COLUMNS = "SELECT namespace, key, version, written_ms, expiration_s, metadata, deleted FROM entry INDEXED BY"
_RANGE = "WHERE (namespace, key) >= (?1, ?2) AND (namespace, key) < (?3, ?4)"
_INDEXED = f"{_COLUMNS} entry_listing {_RANGE}"
_STORED = f"{_COLUMNS} sqlite_autoindex_entry_1 {_RANGE}"
_UNLIKE = f"""
    SELECT 1 FROM ({_INDEXED} EXCEPT {_STORED}) UNION ALL SELECT 1 FROM ({_STORED} EXCEPT {_INDEXED}) LIMIT 1
"""  # noqa: S608
