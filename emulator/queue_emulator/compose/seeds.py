"""What `serve --seed` loads at the start, and which time the clock shows then."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from queue_emulator.core.bulk import BulkData
from queue_emulator.core.clock import MovableClock
from queue_emulator.kv.service import KVService
from queue_emulator.settings import Settings

if TYPE_CHECKING:
    from queue_emulator.kv.remote import RemoteService


@dataclass(frozen=True, slots=True)
class Seeds:
    """`data_ms` is the time that the clock is to show when all is loaded, `write_ms` the one before it."""

    data: list[BulkData]
    write_ms: int | None = None
    data_ms: int | None = None

    async def load(self, service: "KVService | RemoteService", location: str, clock: MovableClock) -> None:
        """Everything is written at one moment, before the clock goes on from the data's own time."""
        if self.write_ms is not None:
            clock.freeze()
            clock.set(self.write_ms)
        for data in self.data:
            await service.load(location, data.requests)
        if self.data_ms is not None:
            clock.set(self.data_ms)
            clock.resume()


def read_seeds(settings: Settings, clock: MovableClock) -> Seeds:
    """The files of the settings, checked as a whole; raises BulkDataError."""
    at_ms = settings.as_of.at_ms if settings.as_of else None
    if not settings.seeds:
        return Seeds([], at_ms, at_ms)
    from queue_emulator.transfer.bulk_files import read_bulk_files  # a start that seeds nothing does not wait for it

    data, reading = read_bulk_files(settings.seeds, clock.now_ms(), settings.as_of)
    if reading.data_ms is None or reading.rebase:
        return Seeds(data)
    return Seeds(data, reading.write_ms, reading.data_ms)
