"""A file that says to a script that the emulator answers, and where: it is there from then on to the end."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from queue_emulator.core.errors import SettingsError, StateError
from queue_emulator.kv.folder import read_small

_BYTES_MAX = 65_536


@contextmanager
def ready_file(path: Path | None) -> Iterator[Callable[[Mapping[str, object]], None]]:
    """What is told to this is in the file from then to the end; without a path nobody hears of it."""
    if path is None:
        yield lambda told: None
        return
    file = ReadyFile(path)
    try:
        yield file.write
    finally:
        file.remove()


class ReadyFile:
    """One JSON object on one line, as `{"url": "http://127.0.0.1:8787", "pid": 4711}`; never a key or a token.

    It comes whole or not at all. One that a run before has left goes at the start, so that nobody takes it for this
    run's. Raises SettingsError where another file is in its place, or no file can be.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            if os.path.lexists(path):
                if _read(path) is None:
                    raise SettingsError(f"--ready-file {path} is there and is no ready file: name another one")
                path.unlink()
            self._part.touch(0o600, exist_ok=False)
            self._part.unlink()
        except OSError as error:
            raise SettingsError(f"--ready-file {path} cannot be written: {error.strerror}") from None

    def write(self, told: Mapping[str, object]) -> None:
        """From now on it is there, or says the newest."""
        descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(json.dumps({**told, "pid": os.getpid()}) + "\n")
        self._part.replace(self._path)

    def remove(self) -> None:
        """At the end; another run's stays."""
        with suppress(OSError):
            told = _read(self._path)
            if told is not None and told.pid == os.getpid():
                self._path.unlink()


class _Ready(msgspec.Struct):
    url: str
    pid: int


def _read(path: Path) -> _Ready | None:
    """What a ready file says; None for any other file, link or folder."""
    if path.is_symlink() or not path.is_file():
        return None
    try:
        return msgspec.json.decode(read_small(path, _BYTES_MAX), type=_Ready)
    except (msgspec.MsgspecError, StateError):
        return None
