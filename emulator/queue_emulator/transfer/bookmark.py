"""How far an unfinished seed came, kept beside the emulator's state until it is finished."""

import json
from contextlib import suppress
from pathlib import Path

from queue_emulator.terminal import tell

BOOKMARKS = Path(".queue-emulator") / "seeding"


class Bookmark:
    """One seed, known by the digest of its data and its target."""

    def __init__(self, digest: str, folder: Path) -> None:
        self.path = folder / f"{digest}.json"
        self._told = False

    def entries(self) -> int:
        """How many entries of the seed were written by a run before; 0 if nothing says so."""
        try:
            entries = json.loads(self.path.read_bytes())["entries"]
        except (OSError, ValueError, LookupError, TypeError):
            return 0
        return entries if isinstance(entries, int) and entries > 0 else 0

    def keep(self, entries: int, target: str) -> None:
        """Note that so many entries are written. A folder that cannot be written to is told of, and no obstacle."""
        beside = self.path.with_suffix(".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps({"entries": entries, "target": target}) + "\n")
            beside.replace(self.path)
        except OSError as error:
            if not self._told:
                tell(f"cannot note in {self.path.parent} how far this came: {error.strerror or error}")
            self._told = True

    def remove(self) -> None:
        """The seed is finished."""
        with suppress(OSError):
            self.path.unlink()
            self.path.parent.rmdir()  # if it was the last
