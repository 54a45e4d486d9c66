"""Bulk-put files: checked as a whole in a first reading, given entry by entry in a second, never held in memory."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import BinaryIO

from tqdm import tqdm

from queue_emulator.core.bulk import (
    FIELDS,
    PROBLEMS_SHOWN,
    BulkData,
    BulkEntry,
    all_problems,
    check_entry,
    checked,
    count_unknown,
    problem,
    put_request,
    stored_entry,
)
from queue_emulator.core.clock import iso_8601
from queue_emulator.core.data_time import AsOf, newest_ms
from queue_emulator.core.errors import BulkDataError, JavaScriptError
from queue_emulator.core.javascript import Json
from queue_emulator.core.limits import TTL_S_MIN
from queue_emulator.core.put_requests import PutRequests
from queue_emulator.core.shown import one_line
from queue_emulator.kv.folder import private_folder
from queue_emulator.transfer.json_array import array_members

STANDARD_INPUT = Path("-")
SKIPPED_S = TTL_S_MIN + 30
_CHUNK_BYTES = 1 << 20
PIPE_BYTES_MAX = 4 << 30  # room for some ten million keys
_HELD_BYTES_MAX = 64 << 20  # of a file whose entries stay in memory: reading it again takes half of a seed


@dataclass(frozen=True, slots=True)
class BulkFile:
    """Data as the user named it, and the file where its content can be read again and again."""

    named: str
    content: Path


@dataclass(frozen=True, slots=True)
class Reading:
    """At what time files are read; `skip_ending` leaves out what ends too soon to be written, instead of refusing it.

    Only an absolute expiration can do so. Writing takes its time too, so that half a minute is added to KV's minute.

    With `data_ms` the data is of that time: what had ended by then is refused or left out, and the rest is to be
    written a minute before it, or, with `rebase`, now, to live as long as it had left.
    """

    now_ms: int
    skip_ending: bool = False
    data_ms: int | None = None
    rebase: bool = False

    @property
    def write_ms(self) -> int:
        """What the clock of the target is to show while it writes: then KV takes all that lived at the data's time."""
        return self.now_ms if self.data_ms is None or self.rebase else self.data_ms - TTL_S_MIN * 1000

    @property
    def time_of_data(self) -> str:
        """In words; "" if it does not matter."""
        if self.data_ms is None:
            return ""
        rebased = ", each key with the time to live that it had left" if self.rebase else ""
        return f" as of {iso_8601(self.data_ms)}{rebased}"

    def entry(self, member: Json) -> BulkEntry | None:
        """A member of the array, None if it is left out; raises BulkDataError or JavaScriptError."""
        if self.data_ms is not None:
            return self._entry_of_then(stored_entry(member), self.data_ms)
        if self.skip_ending:
            expiration_s = stored_entry(member).expiration_s
            if expiration_s is not None and expiration_s < self.now_ms // 1000 + SKIPPED_S:
                return None
        try:
            return check_entry(member, self.now_ms)
        except JavaScriptError as error:
            if not self.skip_ending and "Invalid expiration of" in str(error):
                hint = "--skip-expired leaves out such keys; --as-of and --rebase load them as they were."
                raise BulkDataError(f"{error} {hint}") from None
            raise

    def _entry_of_then(self, entry: BulkEntry, data_ms: int) -> BulkEntry | None:
        then_s, ends_s = data_ms // 1000, entry.expiration_s
        if ends_s is not None and ends_s <= then_s:
            if self.skip_ending:
                return None
            ended, then = iso_8601(ends_s * 1000), iso_8601(data_ms)
            raise BulkDataError(
                f"it expired at {ended}, before the time of the data, {then}: --skip-expired leaves it out"
            )
        if self.rebase and ends_s is not None:
            entry = replace(entry, expiration_s=None, expiration_ttl_s=max(ends_s - then_s, TTL_S_MIN))
        elif not self.rebase and entry.expiration_ttl_s is not None:
            checked(entry, data_ms)  # the lifetime itself
            entry = replace(entry, expiration_s=then_s + entry.expiration_ttl_s, expiration_ttl_s=None)
        return checked(entry, self.write_ms)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a file holds.

    entries         how many can be written
    skipped         how many are left out
    value_bytes     of all values that can be written
    unknown_fields  how many entries had each field that is not in the format
    digest          of the content
    held            the entries themselves, of a file that is not large
    """

    file: BulkFile
    entries: int
    skipped: int
    value_bytes: int
    unknown_fields: dict[str, int]
    digest: bytes
    held: Sequence[BulkEntry] | None


@dataclass(frozen=True, slots=True)
class CheckedFiles:
    """Files that can be written; `repeated` entries have a key that a later entry has too, which wins."""

    files: tuple[Checked, ...]
    repeated: int
    reading: Reading

    @property
    def entries(self) -> int:
        return sum(each.entries for each in self.files)

    @property
    def skipped(self) -> int:
        return sum(each.skipped for each in self.files)

    @property
    def value_bytes(self) -> int:
        return sum(each.value_bytes for each in self.files)

    def each_entry(self) -> Iterator[BulkEntry]:
        """All entries in their order; read anew if they are too many to be held."""
        for each in self.files:
            yield from _entries(each.file, self.reading.entry) if each.held is None else each.held

    def digest(self, target: str) -> str:
        """Of all contents in their order, of how many entries are left out, and of the target."""
        skipped = f"{self.skipped}{self.reading.time_of_data}"
        words = [each.digest for each in self.files] + [skipped.encode(), os.fsencode(target)]
        return blake2b(b"".join(len(word).to_bytes(4, "big") + word for word in words), digest_size=8).hexdigest()


@contextmanager
def readable(paths: Sequence[Path], *, pipe_bytes_max: int = PIPE_BYTES_MAX) -> Iterator[list[BulkFile]]:
    """Files that can be read twice: a pipe, or `-`, standard input, is copied for as long as needed."""
    with private_folder() as folder:
        yield [_readable(path, folder / str(number), pipe_bytes_max) for number, path in enumerate(paths)]


def check_files(files: Sequence[BulkFile], reading: Reading) -> CheckedFiles:
    """Read all once; raises BulkDataError naming the file and its wrong entries, before anything is written."""
    seen: set[int] = set()
    checked = tuple(_check(file, reading, seen) for file in files)
    return CheckedFiles(checked, sum(each.entries for each in checked) - len(seen), reading)


def check_shape(file: BulkFile) -> int:
    """How many entries there are; raises BulkDataError at the first that is none. Lifetimes may have ended."""
    return sum(1 for _ in stored_entries(file))


def stored_entries(file: BulkFile) -> Iterator[BulkEntry]:
    """The entries of a file that only says what a namespace holds or held."""
    return _entries(file, stored_entry)


def read_bulk_files(paths: Sequence[Path], now_ms: int, as_of: AsOf | None = None) -> tuple[list[BulkData], Reading]:
    """Check every file as a whole, and how they were read; raises BulkDataError before anything is written."""
    with readable(paths) as files:
        reading = reading_of(files, Reading(now_ms), as_of)
        return [
            BulkData(
                PutRequests(put_request(entry, now_ms) for entry in CheckedFiles((each,), 0, reading).each_entry()),
                each.unknown_fields,
            )
            for each in check_files(files, reading).files
        ], reading


def reading_of(files: Sequence[BulkFile], reading: Reading, as_of: AsOf | None) -> Reading:
    """At which time the files are to be read; raises BulkDataError if they do not tell of which they are."""
    if as_of is None:
        return reading
    data_ms = as_of.at_ms
    if data_ms is None:
        try:
            data_ms = newest_ms(entry for file in files for entry in stored_entries(file))
        except BulkDataError as error:
            named = ", ".join(file.named for file in files)
            raise BulkDataError(str(error) if str(error).startswith(named) else f"{named}: {error}") from None
    return replace(reading, data_ms=data_ms, rebase=as_of.rebase)


def _entries(file: BulkFile, parse: Callable[[Json], BulkEntry | None]) -> Iterator[BulkEntry]:
    members = array_members(_chunks(file))
    for number in count():
        try:
            member = next(members)
        except StopIteration:
            return
        except BulkDataError as error:
            raise BulkDataError(f"{file.named}: {error}") from None
        try:
            entry = parse(member)
        except (BulkDataError, JavaScriptError) as error:
            raise BulkDataError(f"{file.named}: {problem(number, member, error)}") from None
        if entry is not None:
            yield entry


def _readable(path: Path, copy: Path, pipe_bytes_max: int) -> BulkFile:
    try:
        if path != STANDARD_INPUT and path.is_file():
            return BulkFile(str(path), path)
        with copy.open("wb") as into:
            if path == STANDARD_INPUT:
                if sys.stdin is None:
                    raise BulkDataError("nothing to read: standard input is closed")
                _copy(sys.stdin.buffer, into, path, pipe_bytes_max)
            else:
                with path.open("rb") as pipe:
                    _copy(pipe, into, path, pipe_bytes_max)
    except OSError as error:
        raise BulkDataError(f"cannot read {path}: {error.strerror or error}") from None
    return BulkFile(str(path), copy)


def _copy(source: BinaryIO, into: BinaryIO, path: Path, bytes_max: int) -> None:
    """What need not have an end: more than a seed can be would fill the disk."""
    copied_bytes = 0
    while chunk := source.read(_CHUNK_BYTES):
        copied_bytes += len(chunk)
        if copied_bytes == len(chunk) and b"\0" in chunk:  # JSON has none: a device, or something else altogether
            raise BulkDataError(f"{path}: not JSON: there is a NUL at byte {chunk.index(0)}")
        if copied_bytes > bytes_max:
            raise BulkDataError(f"{path} gives more than {bytes_max:,} bytes, which are the most that are read")
        into.write(chunk)


def _check(file: BulkFile, reading: Reading, seen: set[int]) -> Checked:
    entries, skipped, value_bytes, wrong = 0, 0, 0, 0
    unknown: Counter[str] = Counter()
    shown: list[str] = []
    digest = blake2b(digest_size=16)
    held: list[BulkEntry] | None = [] if file.content.stat().st_size <= _HELD_BYTES_MAX else None
    try:
        for number, member in enumerate(array_members(_watched(file, digest))):
            try:
                entry = reading.entry(member)
            except (BulkDataError, JavaScriptError) as error:
                wrong += 1
                if len(shown) < PROBLEMS_SHOWN:
                    shown.append(problem(number, member, error))
                continue
            if entry is None:
                skipped += 1
                continue
            entries += 1
            if held is not None:
                held.append(entry)
            value_bytes += len(entry.value)
            seen.add(hash(entry.key))
            assert isinstance(member, dict)
            if not member.keys() <= FIELDS:
                count_unknown(unknown, member)
    except BulkDataError as error:
        raise BulkDataError(f"{file.named}: {error}") from None
    if wrong:
        raise BulkDataError(f"{file.named}: {all_problems(shown, wrong)}")
    return Checked(file, entries, skipped, value_bytes, dict(sorted(unknown.items())), digest.digest(), held)


def _watched(file: BulkFile, digest: blake2b) -> Iterator[bytes]:
    size = file.content.stat().st_size
    label = f"checking {Path(file.named).name}"
    with tqdm(desc=one_line(label), total=size, unit="B", unit_scale=True, leave=False, disable=None) as bar:
        for chunk in _chunks(file):
            digest.update(chunk)
            yield chunk
            bar.update(len(chunk))


def _chunks(file: BulkFile) -> Iterator[bytes]:
    try:
        with file.content.open("rb") as content:
            while chunk := content.read(_CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise BulkDataError(f"cannot read {file.named}: {error.strerror or error}") from None
