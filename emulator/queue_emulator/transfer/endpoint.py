"""An endpoint: where a namespace's data can be read or written. One module beside this one for each kind."""

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
    """An endpoint that can be read. Everything raises EmulatorError, in one line."""

    @property
    def name(self) -> str:
        """How a user names the endpoint."""
        ...

    async def look(self, *, writing: bool) -> str:
        """Says in words what is there, and changes nothing; raises if the endpoint cannot be used for this."""
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
    """An endpoint that can also be written to."""

    @property
    def where(self) -> str:
        """An id that differs from that of every other endpoint, so that a run can be continued."""
        ...

    @property
    def asks(self) -> bool:
        """Whether to ask before writing: others may depend on what is there."""
        ...

    @property
    def whole(self) -> bool:
        """Whether writes are seen only after `finish`, all or none."""
        ...

    async def set_time(self, now_ms: int, *, hold: bool) -> str:
        """Set the endpoint's clock, and freeze it or let it run; raises SettingsError if it has no clock.

        Returns what is left to do so that the data is seen at this time, in words; "" for nothing.
        """
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
