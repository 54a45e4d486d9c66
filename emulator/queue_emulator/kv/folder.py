"""A folder held open: a name in it means a file or folder of its own, never what a link points to.

For folders that somebody else made. Each step is taken from the folder before it (openat(2)), so that what is renamed
or replaced meanwhile leads nowhere else. Raises StateError for a link or another kind of file, OSError for the rest.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import BinaryIO, Self

from queue_emulator.core.errors import StateError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe without a writer holds nobody up
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LINKED = (errno.ELOOP, errno.ENOTDIR, errno.EMLINK)


@contextmanager
def private_folder() -> Iterator[Path]:
    """A new folder that is gone at the end; its mode is 0700: nobody else gets at what is in it."""
    with TemporaryDirectory(prefix="queue-emulator-", ignore_cleanup_errors=True) as name:
        yield Path(name)


class Folder:
    """Close it after use."""

    def __init__(self, path: Path, descriptor: int, made: Sequence[Path] = (), within: "Folder | None" = None) -> None:
        self.path = path
        self._made = made
        self._descriptor = descriptor
        self._within = within

    @classmethod
    def open(cls, path: Path, *, make: bool = False) -> Self:
        """A folder that the user named: links on the way to it are the user's own."""
        made = [each for each in (path, *path.parents) if not each.exists()] if make else []
        if made:
            path.mkdir(parents=True, exist_ok=True)
        return cls(path, os.open(path, _FOLDER), made)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        os.close(self._descriptor)

    def inner(self, name: str, *, make: bool = False) -> "Folder":
        """A folder in this one; with `make` it is made if it is not there."""
        made: list[Path] = []
        if make and self.look(name) is None:
            with suppress(FileExistsError):
                os.mkdir(_plain(name), dir_fd=self._descriptor)
                made.append(self.path / name)
        try:
            descriptor = os.open(_plain(name), _FOLDER | os.O_NOFOLLOW, dir_fd=self._descriptor)
        except OSError as error:
            self._refuse_link(name, error)
            raise
        return Folder(self.path / name, descriptor, made, within=self)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Have the folder to oneself, among those who ask for it in this way; waits for the others."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def names(self) -> list[str]:
        """What is in it, in the order of names."""
        return sorted(os.listdir(self._descriptor))  # noqa: PTH208

    def look(self, name: str) -> os.stat_result | None:
        """What is there under the name, a link itself included; None for nothing."""
        try:
            return os.stat(_plain(name), dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def file(self, name: str) -> os.stat_result | None:
        """As `look`, of a regular file that has no other name."""
        found = self.look(name)
        if found is not None:
            check_regular(self.path / name, found)
        return found

    @contextmanager
    def reading(self, name: str, bytes_max: int) -> Iterator[BinaryIO]:
        """A file to read, of at most so many bytes; raises FileNotFoundError."""
        try:
            descriptor = os.open(_plain(name), _READ, dir_fd=self._descriptor)
        except OSError as error:
            self._refuse_link(name, error)
            raise
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            check_regular(self.path / name, found)
            check_size(self.path / name, found.st_size, bytes_max)
            yield file

    def write(self, name: str, content: bytes) -> None:
        """A new file; raises FileExistsError for a name that is taken, by a link too."""
        descriptor = os.open(_plain(name), _MAKE, 0o666, dir_fd=self._descriptor)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)

    def replace(self, name: str, by: str) -> None:
        """Give the file `by` the name of another, which is gone then."""
        os.replace(_plain(by), _plain(name), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def unlink(self, name: str) -> None:
        """Remove a name of a file, or of a link, and not what it points to."""
        os.unlink(_plain(name), dir_fd=self._descriptor)

    def remove(self) -> None:
        """Remove the folder itself; raises OSError if it is not empty."""
        self._remove(self.path)

    def take_back(self) -> None:
        """Remove what opening made, as far as it is empty."""
        with suppress(OSError):
            for path in self._made:
                self._remove(path)

    def _remove(self, path: Path) -> None:
        if self._within is None:
            path.rmdir()
        else:
            os.rmdir(path.name, dir_fd=self._within._descriptor)

    def still_at(self, path: Path) -> bool:
        """Whether `path` leads here now."""
        with suppress(OSError):
            return os.path.samestat(path.stat(), os.fstat(self._descriptor))
        return False

    def _refuse_link(self, name: str, error: OSError) -> None:
        found = self.look(name) if error.errno in _LINKED else None
        if found is not None and stat.S_ISLNK(found.st_mode):
            check_regular(self.path / name, found)


def read_small(path: Path, bytes_max: int) -> bytes:
    """A file that the user named, or that has its place by custom: a link is followed, a pipe or device is refused.

    Raises StateError or OSError.
    """
    descriptor = os.open(path, _READ & ~os.O_NOFOLLOW)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise StateError(f"{path} is not a regular file")
        check_size(path, found.st_size, bytes_max)
    except BaseException:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb") as file:  # of a folder it would fail in words of its own
        return file.read(bytes_max)


def check_regular(path: Path, found: os.stat_result) -> None:
    """Raises StateError for a link, a pipe, a device, a folder, and for a file with two names."""
    if stat.S_ISLNK(found.st_mode):
        raise StateError(f"{path} is a symbolic link: give the path of its target, or put the file there")
    if not stat.S_ISREG(found.st_mode):
        raise StateError(f"{path} is not a regular file")
    if found.st_nlink > 1:
        raise StateError(f"{path} has {found.st_nlink} names (hard links), which is not allowed: make a copy of it")


def check_size(path: Path, size_bytes: int, bytes_max: int) -> None:
    """Raises StateError for a file that is larger than anybody would make it."""
    if size_bytes > bytes_max:
        raise StateError(f"{path} has {size_bytes:,} bytes; at most {bytes_max:,} are read")


def _plain(name: str) -> str:
    """A name that is a step into the folder, and no step further or back."""
    assert name not in ("", ".", "..") and "/" not in name and "\0" not in name
    return name
