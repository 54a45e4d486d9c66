"""How far an unfinished seed came, kept beside the emulator's state until it is finished."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from queue_emulator.core.errors import StateError
from queue_emulator.kv.folder import Folder
from queue_emulator.terminal import tell

BOOKMARKS = Path(".queue-emulator") / "seeding"
_BYTES_MAX = 65_536


class Bookmark:
    """One seed, known by the digest of its data and its target."""

    def __init__(self, digest: str, folder: Path) -> None:
        self.path = folder / f"{digest}.json"
        self._told = False

    def entries(self) -> int:
        """How many entries of the seed were written by a run before; 0 if nothing says so."""
        try:
            with self._folder() as folder, folder.reading(self.path.name, _BYTES_MAX) as file:
                entries = json.loads(file.read())["entries"]
        except (OSError, StateError, ValueError, LookupError, TypeError, RecursionError):
            return 0
        return entries if type(entries) is int and entries > 0 else 0

    def keep(self, entries: int, target: str) -> None:
        """Note that so many entries are written. A folder that cannot be written to is told of, and no obstacle."""
        beside = self.path.with_suffix(".new").name
        try:
            with self._folder(make=True) as folder:
                with suppress(FileNotFoundError):
                    folder.unlink(beside)
                folder.write(beside, (json.dumps({"entries": entries, "target": target}) + "\n").encode())
                folder.replace(self.path.name, beside)
        except (OSError, StateError) as error:
            if not self._told:
                why = error.strerror if isinstance(error, OSError) and error.strerror else error
                tell(f"cannot save the progress in {self.path.parent}: {why}")
            self._told = True

    def remove(self) -> None:
        """The seed is finished."""
        with suppress(OSError, StateError), self._folder() as folder:
            folder.unlink(self.path.name)
            folder.remove()  # if it was the last

    @contextmanager
    def _folder(self, *, make: bool = False) -> Iterator[Folder]:
        """The folder of bookmarks and the one around it, both without a link: nobody named them."""
        around = self.path.parent.parent
        with (
            Folder.open(around.parent, make=make) as outer,
            outer.inner(around.name, make=make) as emulators,
            emulators.inner(self.path.parent.name, make=make) as folder,
        ):
            yield folder
