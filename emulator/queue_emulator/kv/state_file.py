"""The state file as a file: whether it is one of its own, whether it is still there, and what a failed start leaves."""

import fcntl
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import NamedTuple, Self

from queue_emulator.core.errors import StateError
from queue_emulator.kv.folder import Folder
from queue_emulator.kv.foreign_database import COMPANIONS, LOG, check_same, connect
from queue_emulator.kv.log_stamp import OF_ANOTHER, belongs, renew, set_aside
from queue_emulator.kv.write_ahead_log import LOG_PAGES, check_log

READ_ONLY = "the file or its folder is read-only: make both writable (chmod u+w), or name another file with --state"
_IN_MEMORY = ":memory:"
_NAME_BYTES_MAX = 255 - len(OF_ANOTHER) - 3  # https://man7.org/linux/man-pages/man3/limits.h.3p.html, NAME_MAX
_ATTEMPTS, _ATTEMPT_S = 10, 0.05
_LOCK_AT, _LOCK_BYTES = 0x40000002, 510  # https://www.sqlite.org/src/file/src/os.h, SHARED_FIRST (2026-11-30)
_HEADER_BYTES = 100  # https://www.sqlite.org/fileformat2.html, "The Database Header"


class _Left(NamedTuple):
    """What the last write left of the file: size, header, and when it was changed, a time that nobody can set."""

    size_bytes: int
    header: bytes
    changed_ns: int

    @property
    def log_bytes(self) -> int:
        """How long the log is at least when SQLite writes to the file: so many pages, each with a header of its own.

        https://www.sqlite.org/fileformat2.html#page_size.
        """
        return LOG_PAGES * int.from_bytes(self.header[16:18], "big")


class StateFile:
    """One file, made if it was not there. Raises StateError for what cannot be a state file.

    `log_set_aside` is what became of a log that belongs to another file than the one that is there now.
    """

    def __init__(self, path: Path, folder: Folder) -> None:
        self.path = path
        self.log_set_aside: Path | None = None
        self._stamps = frozenset[bytes]()
        self._stamped = False
        self._at = os.fsencode(folder.path.resolve() / path.name)
        self._log_at = self._at + os.fsencode(LOG)
        self._folder = folder
        self._taken = False
        self._descriptor: int | None = None
        self._left: _Left | None = None
        self._log: int | None = None
        self._log_inode = self._log_bytes = 0
        self._made = folder.file(path.name) is None and _make(folder, path.name)
        found = folder.file(path.name)
        if found is None:
            raise StateError(f"state file {path} was removed while it was being opened")
        for each in (path, folder.path):  # in the folder there is the log
            if not os.access(each, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
                raise StateError(
                    f"{each} is read-only, and a state file has to be written to for a look too: make it writable "
                    "(chmod u+w), or copy the state file to where you may write"
                )
        self._found = found

    @classmethod
    def open(cls, path: Path) -> Self:
        """Links on the way to its folder are the user's own; the file itself is none."""
        if path.name == _IN_MEMORY:
            raise StateError(f"{_IN_MEMORY} is not a state file: to keep the data in memory, use --ephemeral")
        if path.name in ("", ".."):
            raise StateError(f"{path} is not a state file: it is a folder")
        name_bytes = len(os.fsencode(path.name))
        if name_bytes > _NAME_BYTES_MAX:
            raise StateError(
                f"a state file cannot have a name of {name_bytes} bytes; at most {_NAME_BYTES_MAX}, because "
                "files beside it have longer names"
            )
        try:
            folder = Folder.open(path.parent, make=True)
        except OSError as error:
            raise StateError(f"cannot open state file {path}: {error.strerror or error}") from None
        try:
            return cls(path, folder)
        except BaseException as error:
            folder.take_back()
            folder.close()
            if isinstance(error, OSError):
                raise StateError(f"cannot open state file {path}: {error.strerror or error}") from None
            raise

    def header(self, size_bytes: int) -> bytes:
        """Its first bytes, read without SQLite, which might create files beside it."""
        with self._folder.reading(self.path.name, sys.maxsize) as file:  # it grows while another process has it
            return file.read(size_bytes)

    def connect(self) -> sqlite3.Connection:
        """A connection that any thread may use; one at a time.

        A log to which another process is writing is no longer itself where it was read first: that one has the file.
        """
        self._claim()
        before = self._identity()
        try:
            self._stamps = check_log(self._folder, self.path.name)
        except StateError:
            with self._alone():
                self._stamps = check_log(self._folder, self.path.name)  # whoever had it has ended meanwhile
        if not belongs(self._folder, self.path.name, self._stamps):
            with self._alone():
                if before != self._identity():
                    raise sqlite3.OperationalError("database is locked")
                self.log_set_aside = set_aside(self._folder, self.path.name)
                self._stamps = frozenset()
        connection = connect(self._folder, self.path.name, check_same_thread=False)
        connection.text_factory = _text
        return connection

    def _claim(self) -> None:
        """Have the file among emulators, to the end. Raises sqlite3.Error if another has it.

        SQLite's lock is gone with the first descriptor of the file that this process closes, as who copies it does:
        https://www.sqlite.org/howtocorrupt.html, 2.2. This one stays; where a file system has none, SQLite's is all.
        So it is outside Linux: there both are of one kind, and SQLite would wait for this one, in the same process too.
        https://github.com/apple/darwin-xnu/blob/main/bsd/kern/kern_lockf.c, lf_findoverlap
        """
        self._descriptor = os.open(self._at, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        if sys.platform != "linux":
            return
        for _ in range(_ATTEMPTS):  # a process that is just closing the file is waited for
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                Event().wait(_ATTEMPT_S)
            except OSError:
                return
            else:
                self._taken = os.path.samestat(os.fstat(self._descriptor), self._found)
                return
        raise sqlite3.OperationalError("database is locked")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Have SQLite's lock, in which nobody else begins to use the file. Raises sqlite3.Error if somebody does."""
        with self._folder.reading(self.path.name, sys.maxsize) as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB, _LOCK_BYTES, _LOCK_AT)
            except OSError:
                raise sqlite3.OperationalError("database is locked") from None
            yield

    def _identity(self) -> list[tuple[int, ...] | None]:
        """Of the file and its log: another one, or one that was written to, has another."""
        found = [self._folder.file(self.path.name + suffix) for suffix in ("", LOG)]
        return [each and (each.st_dev, each.st_ino, each.st_size, each.st_mtime_ns) for each in found]

    def take(self, connection: sqlite3.Connection) -> None:
        """Begin a transaction that has the file to itself, as the connection then has until it is closed.

        Of those who begin at once each would be in the way of all others: they take turns. Raises sqlite3.Error if
        somebody else has the file, or if it is another one by now.
        """
        with self._folder.turn():
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
        check_same(connection, self._folder, self.path.name, self._found)
        self._taken = True

    def check_there(self) -> None:
        """Raises StateError if what is written now would be gone with this process, or nowhere to be found.

        Each write pays for it: mostly two looks tell that nothing is another. When the file was changed says as much
        as what is in it where its log was written later, since a change after that would be later still.
        """
        left, found = self._left, self._found
        try:
            now, log = os.lstat(self._at), os.lstat(self._log_at)
        except OSError:
            pass
        else:
            if (
                left is not None
                and now.st_ctime_ns == left.changed_ns < log.st_mtime_ns
                and now.st_size == left.size_bytes
                and log.st_size == self._log_bytes
                and log.st_ino == self._log_inode
                and now.st_ino == found.st_ino
                and now.st_dev == found.st_dev
            ):
                return
        try:
            what = self._changed()
        except OSError as error:
            raise StateError(f"state file {self.path} cannot be looked at: {error.strerror or error}") from None
        if what is not None:
            with suppress(OSError, StateError):
                self._set_log_aside()
            aside = f"; its log, with the last writes to it, is now {self.log_set_aside}" if self.log_set_aside else ""
            why = f"{what} while in use{aside}; nothing more is written: restart queue-emulator"
            raise StateError(f"state file {self.path} {why}")

    def stamp(self, connection: sqlite3.Connection) -> None:
        """Before a write: a log that begins with it says which file it belongs to."""
        if not self._stamped and not self._renewed(connection):
            self._renewed(connection)  # the first was the last of a long log, left by a process that was killed

    def _renewed(self, connection: sqlite3.Connection) -> bool:
        self._stamps |= renew(connection)
        self._stamped = True
        self.wrote()
        return self._stamped

    def wrote(self) -> None:
        """Something was written here: what is there now is what is to be there when the next is."""
        try:
            if self._log is None:
                self._open_log()
            else:
                self._log_bytes = os.lseek(self._log, 0, os.SEEK_END)
                if self._left is not None:
                    if self._log_bytes < self._left.log_bytes:
                        return
                    self._stamps, self._stamped = frozenset(), False  # it begins anew with the next write
            self._left = self._look()
        except OSError:
            return  # it is gone, which the next write is told

    def _changed(self) -> str | None:
        """What somebody else has done to it. When it was changed may be another: as after `touch`."""
        try:
            now = os.lstat(self._at)
        except OSError:
            return "was removed"
        if not os.path.samestat(now, self._found):
            return "was replaced by another file"
        left, found = self._left, self._look()
        if left is not None and (found.size_bytes, found.header) != (left.size_bytes, left.header):
            return "was written to by somebody else"
        if self._log is not None:
            with suppress(OSError):
                log = os.lstat(self._log_at)
                if (log.st_ino, log.st_size) == (self._log_inode, self._log_bytes):
                    self._left = found
                    return None
            return "has lost its log, the file beside it that ends in -wal,"
        return None

    def _look(self) -> _Left:
        assert self._descriptor is not None, "who writes has taken the file"
        found = os.fstat(self._descriptor)
        return _Left(found.st_size, os.pread(self._descriptor, _HEADER_BYTES, 0), found.st_ctime_ns)

    def _open_log(self) -> None:
        with suppress(FileNotFoundError):
            self._log = os.open(self._log_at, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            found = os.fstat(self._log)
            self._log_inode, self._log_bytes = found.st_ino, found.st_size

    def take_back(self) -> None:
        """Remove what opening made, while the file is still taken: one that was not may be somebody else's by now."""
        found = self._folder.look(self.path.name)
        if self._made and self._taken and found and os.path.samestat(found, self._found):
            for suffix in ("", *COMPANIONS):
                with suppress(OSError):
                    self._folder.unlink(self.path.name + suffix)
        self._folder.take_back()

    def _set_log_aside(self) -> None:
        """The log of a file that another has replaced: it would be taken for that one's, whose data it would hide.

        A process that is killed leaves it there. One that is not as it was left here is somebody else's by now.
        https://www.sqlite.org/howtocorrupt.html, "Unlinking or renaming a database file while in use" (2026-11-30)
        """
        name = self.path.name
        found, log = self._folder.look(name), self._folder.look(name + LOG)
        if found is None or log is None or os.path.samestat(found, self._found):
            return
        left = self._log is not None and (log.st_ino, log.st_size) == (self._log_inode, self._log_bytes)
        if left and not belongs(self._folder, name, self._stamps):
            self.log_set_aside = set_aside(self._folder, name)

    def close(self) -> None:
        with suppress(OSError, StateError):  # what took its place may be a link or a pipe
            self._set_log_aside()
        for descriptor in (self._descriptor, self._log):
            if descriptor is not None:
                os.close(descriptor)
        self._folder.close()


def _make(folder: Folder, name: str) -> bool:
    """Whether the file is made here: another process may begin with it at the same time."""
    try:
        folder.write(name, b"")
    except FileExistsError:
        return False
    return True


def _text(held: bytes) -> str:
    """What is no UTF-8 is damaged, which its checksum tells; a list of its neighbours is not refused for it."""
    return held.decode("utf-8", "replace")


def check_own_folder(path: Path) -> None:
    """Raises StateError if the folder of a state file that nobody named is a link: that is not the user's choice."""
    if path.parent.is_symlink():
        raise StateError(f"{path.parent} is a symbolic link: name the state file with --state")
