"""A copy of a folder that a `wrangler dev` may be writing to: of one moment, or none.

All files are copied, and then each is compared with its copy. When none has changed, each was what its copy is at the
moment between the two, and all of them together are what a process leaves that is killed at that moment. From that a
SQLite database starts again: it needs its log or journal, which are copied, and makes its -shm anew, which is not.
https://sqlite.org/walformat.html, "The WAL-Index File"
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from queue_emulator.core.errors import SettingsError

_ATTEMPTS = 5
_MADE_ANEW = "-shm"


def copy_tree(source: Path, target: Path) -> None:
    """Links as links; raises OSError for what cannot be copied."""
    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns(f"*{_MADE_ANEW}"))


def check_links(folder: Path) -> None:
    """Raises SettingsError for a link out of a folder: by its copy a test would change what it leads to."""
    inside = folder.resolve()
    for parent, folders, files in os.walk(folder):
        for path in (Path(parent, name) for name in (*folders, *files)):
            if path.is_symlink() and (path.readlink().is_absolute() or not path.resolve().is_relative_to(inside)):
                why = f"{path} is a symbolic link to {path.readlink()}, which tests would change"
                raise SettingsError(
                    f"cannot copy {folder}, which tests have a copy of: {why}: remove it, or put there what it leads to"
                )


def copy_of_one_moment(source: Path, target: Path, *, copy: Callable[[Path, Path], None] = copy_tree) -> None:
    """Raises SettingsError if it cannot be copied, has a link that leads out of it, or changes each time."""
    check_links(source)
    why = ""
    for _ in range(_ATTEMPTS):
        shutil.rmtree(target, ignore_errors=True)
        try:
            copy(source, target)
            before, now = dict(_contents(target)), dict(_contents(source))
        except OSError as error:  # what is gone since it was listed is one of them
            why = str(error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror or error)
            continue
        if before == now:
            return
        changed = min(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
        why = f"{changed} changed meanwhile"
    raise SettingsError(
        f"cannot copy {source}, which tests have a copy of: {why}; a `wrangler dev` that is running may be writing "
        "there: end it first"
    )


def _contents(folder: Path) -> Iterator[tuple[Path, object]]:
    """Of every file and link below, its name there, and what is in it."""
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            if path.is_symlink():
                yield path.relative_to(folder), path.readlink()
            elif name in files and not name.endswith(_MADE_ANEW):
                with path.open("rb") as file:
                    yield path.relative_to(folder), hashlib.file_digest(file, "blake2b").digest()
