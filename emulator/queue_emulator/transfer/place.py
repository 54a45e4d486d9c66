"""What the commands need of a place where a namespace's data lies. The places are in the modules beside this one."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple, Protocol

from queue_emulator.core.bulk import BulkEntry


class Remark(NamedTuple):
    """What a reading could not give as it was: `kept` says whether the entry is there at all."""

    key: str
    what: str
    kept: bool


class Page(NamedTuple):
    """Some entries, in key order from page to page, their expiration absolute."""

    entries: list[BulkEntry]
    remarks: list[Remark]


class Source(Protocol):
    """A place that can be read. Everything raises EmulatorError, in one line."""

    @property
    def name(self) -> str:
        """How a user names the place."""
        ...

    async def look(self, *, writing: bool) -> str:
        """What is there, in words; raises for a place that cannot be used for that, and changes nothing."""
        ...

    async def now_ms(self) -> int:
        """The time by which entries expire there."""
        ...

    def pages(self) -> AsyncIterator[Page]:
        """All live entries."""
        ...

    async def close(self) -> None:
        """Give back what is held; what was begun and not finished is undone."""
        ...


class Target(Source, Protocol):
    """A place that can also be written to."""

    @property
    def where(self) -> str:
        """What tells the place from any other that a run may have gone to before."""
        ...

    @property
    def asks(self) -> bool:
        """Whether to ask before writing: others may depend on what is there."""
        ...

    @property
    def whole(self) -> bool:
        """Whether writes are seen only after `finish`, all or none."""
        ...

    async def set_time(self, now_ms: int, *, hold: bool) -> None:
        """Have the place's clock show another time, and stand still or go on; raises SettingsError if it has none."""
        ...

    async def write(self, batch: Sequence[BulkEntry]) -> Sequence[str]:
        """Write up to 10,000 entries with different keys; returns the keys that were refused.

        An error that is raised has `definite` False if some of them may have been written nevertheless.
        """
        ...

    def hurry(self) -> None:
        """Somebody waits for the end: what is being written is finished, or fails instead of being tried again."""
        ...

    async def finish(self) -> None:
        """Make everything that was written visible."""
        ...

    async def read(self, keys: Sequence[bytes]) -> list[BulkEntry | None]:
        """What lives under a few keys."""
        ...
