"""A bulk-put file as an endpoint to read from; lifetimes may be relative there."""

import asyncio
from collections.abc import AsyncIterator
from itertools import islice

from queue_emulator.core.bulk import BulkEntry
from queue_emulator.core.clock import SystemClock
from queue_emulator.transfer.bulk_files import BulkFile, check_shape, stored_entries
from queue_emulator.transfer.endpoint import Page

_ENTRIES_PER_PAGE = 100


class FileEndpoint:
    """Of two entries with one key the last counts, as when the file is loaded."""

    def __init__(self, file: BulkFile) -> None:
        self.name = file.named
        self._file = file

    async def look(self, *, writing: bool) -> str:
        assert not writing
        return f"a bulk-put file of {check_shape(self._file):,} entries"

    async def now_ms(self) -> int:
        return SystemClock().now_ms()

    async def pages(self) -> AsyncIterator[Page]:
        last = {entry.key: number for number, entry in enumerate(stored_entries(self._file))}
        entries = (entry for number, entry in enumerate(stored_entries(self._file)) if last.get(entry.key) == number)
        while page := list[BulkEntry](islice(entries, _ENTRIES_PER_PAGE)):
            yield Page(page, [])
            await asyncio.sleep(0)  # an interrupt is heard here

    async def close(self) -> None:
        pass
