"""Large values in a state file: each is kept in parts, and each part is a short transaction between which others go on.

An entry with such a value has a number in place of it, which its parts have too. The parts are written first: nobody
can read them before the entry is there, so that a value is there whole or not at all. Parts that no entry has any more
are dropped after it, in steps too; a process that dies meanwhile leaves them to the next start.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import aiosqlite

from queue_emulator.core.entries import Entry
from queue_emulator.core.errors import StateError
from queue_emulator.kv.checksums import Parts, damaged, of_entry, of_part
from queue_emulator.kv.store import Written, tell_nobody

PART_BYTES = 1 << 20  # written in some milliseconds; a value of more is a large one
TABLE = "part"

Statement = tuple[str, Sequence[Sequence[Any]]]


Aside = Mapping[bytes, Parts]
"""The parts of values, by the key that they are for."""


class File(Protocol):
    """The state file, as far as it is needed here."""

    def ask(self, sql: str, parameters: Sequence[Any], *, writes: bool = False) -> Awaitable[list[Any]]:
        """One short statement, a transaction of its own."""
        ...

    def change(self, statements: Sequence[Statement], changed: Written = tell_nobody) -> Awaitable[int]:
        """Statements with their parameters, all or none."""
        ...


class LargeValues:
    """Which entries have one, by the number of their namespace and their key. It changes with the entries."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._of: dict[tuple[int, bytes], Parts] = {}
        self._last = 0
        self._read: Counter[Parts] = Counter()
        self._unused: set[Parts] = set()
        self._dropping: asyncio.Task[None] | None = None
        self._closed = False

    def __bool__(self) -> bool:
        return bool(self._of)

    async def load(self, connection: aiosqlite.Connection) -> None:
        """What there is in a file that was just opened, after `drop_unused`."""
        found = await _found(connection)
        self._of, self._last = found.of, found.last

    async def put_aside(self, namespace: int, entries: Sequence[Entry]) -> Aside:
        """Write the parts of the large values among these. To be given to `wrote` or to `drop`."""
        aside: dict[bytes, Parts] = {}
        try:
            for entry in entries:
                if is_large(entry):
                    assert entry.value is not None
                    self._last += 1
                    aside[entry.key] = Parts(self._last, -(-len(entry.value) // PART_BYTES))
                    for each in _rows(self._last, namespace, entry.key, entry.value):
                        await self._file.change([(_WRITE, [each])])
        except BaseException:
            self.drop(aside.values())
            raise
        return aside

    def wrote(self, namespace: int, keys: Collection[bytes], aside: Aside) -> None:
        """Entries were written under these keys, and those of `aside` have the values that were put there."""
        if self._of:
            if len(keys) < len(self._of):
                replaced = [(namespace, key) for key in keys if (namespace, key) in self._of]
            else:
                replaced = [each for each in self._of if each[0] == namespace and each[1] in keys]
            self.drop([self._of.pop(each) for each in replaced])
        self._of.update(((namespace, key), parts) for key, parts in aside.items())

    def forgot(self, namespace: int | None) -> None:
        """The entries of a namespace, or of all, are dropped."""
        self._forget([each for each in self._of if namespace in (None, each[0])])

    def held(self, namespace: int) -> Aside:
        """The parts of each entry of a namespace that has some."""
        return {key: parts for (number, key), parts in self._of.items() if number == namespace}

    async def purged(self, namespace: int, held: Aside) -> None:
        """Some entries of a namespace may be dropped; `held` are those that were in the table before."""
        for key, parts in held.items():
            gone = not await self._file.ask(_STILL, (namespace, key, parts.number))
            if gone and self._of.get((namespace, key)) is parts:
                self._forget([(namespace, key)])

    def of(self, namespace: int, key: bytes) -> Parts | None:
        """The parts of the value that the entry under the key has."""
        return self._of.get((namespace, key))

    @contextmanager
    def reading(self, parts: Collection[Parts]) -> Iterator[None]:
        """They stay until this ends, whatever is written meanwhile."""
        self._read.update(parts)
        try:
            yield
        finally:
            self._read -= Counter(parts)
            self.drop([each for each in parts if each in self._unused])

    async def value(self, key: bytes, parts: Parts) -> bytes:
        """The whole of it; raises StateError for one that is not as it was written."""
        content = []
        for number in range(parts.parts):
            for part, checksum in await self._file.ask(_READ, (parts.number, number)):
                if checksum == of_part(parts.number, number, part):
                    content.append(part)
            if len(content) == number:
                raise damaged(key)
        return b"".join(content)

    def drop(self, unused: Collection[Parts]) -> None:
        """No entry refers to these values: their parts are dropped in steps, when nobody reads them any more."""
        self._unused.update(unused)
        if self._unused and not self._closed and (self._dropping is None or self._dropping.done()):
            self._dropping = asyncio.ensure_future(self._drop())

    async def close(self) -> None:
        """What is not yet dropped is dropped by the next start."""
        self._closed = True
        if self._dropping is not None:
            await asyncio.wait((self._dropping,))

    def _forget(self, entries: Sequence[tuple[int, bytes]]) -> None:
        self.drop([self._of.pop(each) for each in entries])

    async def _drop(self) -> None:
        while parts := next((each for each in self._unused if not self._read[each]), None):
            for number in reversed(range(parts.parts)):
                if self._closed:
                    return
                try:
                    await self._file.ask(_DROP, (parts.number, number), writes=True)
                except StateError:
                    return  # the disk is full, or the file is gone: the next `drop`, or the next start, tries again
            self._unused.discard(parts)


def is_large(entry: Entry) -> bool:
    """Whether its value is kept in parts."""
    return entry.value is not None and len(entry.value) > PART_BYTES


class _Found(NamedTuple):
    """What parts a file has.

    of      of the value of each entry that has some, by the number of its namespace and its key
    last    the highest number of a value
    unused  numbers of values that no entry has
    """

    of: dict[tuple[int, bytes], Parts]
    last: int
    unused: Sequence[int]


async def drop_unused(connection: aiosqlite.Connection) -> None:
    """Parts that an emulator that died has left, in the transaction of the caller."""
    for number in (await _found(connection)).unused:
        await connection.execute_fetchall("DELETE FROM part WHERE value = ?", (number,))


async def _found(connection: aiosqlite.Connection) -> _Found:
    """Of a damaged file nothing is unused: it may be damage that has made it so.

    Who reads the damaged value is told; who writes its key mends it, and the next start finds what was left of it.
    """
    rows = list(await connection.execute_fetchall(_ALL))
    numbers = {number for number, *_ in rows}
    found, unused, whole = _Found({}, max(numbers, default=0), []), list[int](), True
    for number, namespace, key, count, last, of_one in rows:
        whole = whole and of_one and count == last + 1
        entries = list(await connection.execute_fetchall(_ENTRY, (namespace, key)))
        for kept, written_ms, expiration_s, metadata, checksum in entries:
            if kept == number:
                kept = found.of[namespace, key] = Parts(number, count)
            elif isinstance(kept, int):  # its value is another one
                whole = whole and kept in numbers
                continue
            whole = whole and checksum == of_entry(namespace, key, written_ms, expiration_s, metadata, kept)
        if (namespace, key) not in found.of or found.of[namespace, key].number != number:
            unused.append(number)
    return found._replace(unused=unused if whole else ())


async def divide(connection: aiosqlite.Connection) -> None:
    """Large values of a file that knew no parts, in the transaction of the caller."""
    rows = await connection.execute_fetchall(_UNDIVIDED, (PART_BYTES,))
    for number, (version, namespace, key, written_ms, expiration_s, metadata) in enumerate(rows, 1):
        ((value,),) = await connection.execute_fetchall(_VALUE, (version,))
        parts = [*_rows(number, namespace, key, value)]
        for each in parts:
            await connection.execute_fetchall(_WRITE, each)
        checksum = of_entry(namespace, key, written_ms, expiration_s, metadata, Parts(number, len(parts)))
        await connection.execute_fetchall(_DIVIDED, (number, checksum, version))


def _rows(number: int, namespace: int, key: bytes, value: bytes) -> Iterator[tuple[Any, ...]]:
    view = memoryview(value)
    for part, start in enumerate(range(0, len(value), PART_BYTES)):
        content = view[start : start + PART_BYTES]
        yield number, part, namespace, key, content, of_part(number, part, content)


_WRITE = "INSERT INTO part (value, number, namespace, key, content, checksum) VALUES (?, ?, ?, ?, ?, ?)"
_READ = "SELECT content, checksum FROM part WHERE value = ? AND number = ?"
_DROP = "DELETE FROM part WHERE value = ? AND number = ?"
_STILL = "SELECT 1 FROM entry WHERE namespace = ? AND key = ? AND typeof(value) = 'integer' AND value = ?"
_ENTRY = "SELECT value, written_ms, expiration_s, metadata, checksum FROM entry WHERE namespace = ? AND key = ?"
_ALL = """
    SELECT value, namespace, key, count(*), max(number), min(key) = max(key) AND min(namespace) = max(namespace)
    FROM part GROUP BY value
"""
_UNDIVIDED = """
    SELECT version, namespace, key, written_ms, expiration_s, metadata FROM entry WHERE length(CAST(value AS BLOB)) > ?
"""
_VALUE = "SELECT CAST(value AS BLOB) FROM entry WHERE version = ?"
_DIVIDED = "UPDATE entry SET value = ?, checksum = ? WHERE version = ?"
