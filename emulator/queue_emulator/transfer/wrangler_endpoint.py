"""A namespace of wrangler's local state, as `wrangler dev` and `wrangler kv … --local` keep it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from queue_emulator.core.bulk import BulkEntry, put_request
from queue_emulator.core.clock import Clock, SystemClock
from queue_emulator.core.errors import JavaScriptError, SettingsError, StateError
from queue_emulator.core.javascript import parse_json
from queue_emulator.core.keys import check_key
from queue_emulator.kv.wrangler_layout import Layout, find_namespaces, kv_folder
from queue_emulator.kv.wrangler_state import StoredRow, WranglerWriter, check_free, read_rows
from queue_emulator.transfer.endpoint import Page, Remark

_ROWS_PER_PAGE = 100


class WranglerEndpoint:
    """Written as a whole, and only while no wrangler dev runs; read at any time."""

    asks = False
    whole = True

    def __init__(self, folder: Path, namespace: str | None = None, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._layout = Layout(folder, namespace or _only_namespace(folder))
        self._writer: WranglerWriter | None = None
        self.name = f"wrangler:{folder}#{self._layout.namespace}"
        self.where = self.name

    async def look(self, *, writing: bool) -> str:
        if writing:
            check_free(self._layout)
        if self._layout.database.exists():
            return "a namespace of wrangler's local state"
        if not writing:
            raise StateError(f"there is no namespace {self._layout.namespace!r} in {kv_folder(self._layout.folder)}")
        return "a new namespace of wrangler's local state"

    async def now_ms(self) -> int:
        return self._clock.now_ms()

    async def set_time(self, now_ms: int, *, hold: bool) -> str:
        raise SettingsError(f"{self.name} has a clock that cannot be moved: use --rebase instead")

    async def write(self, batch: Sequence[BulkEntry]) -> Sequence[str]:
        if self._writer is None:
            self._writer = WranglerWriter(self._layout, self._clock)
        now_ms = self._clock.now_ms()
        self._writer.write([put_request(entry, now_ms) for entry in batch])
        return ()

    def hurry(self) -> None:
        pass

    async def finish(self) -> None:
        if self._writer is not None:
            self._writer.finish()
            self._writer = None

    async def read(self, keys: Sequence[bytes]) -> list[BulkEntry | None]:
        found = {entry.key: entry async for page in self.pages() for entry in page.entries if entry.key in keys}
        return [found.get(key) for key in keys]

    async def pages(self) -> AsyncIterator[Page]:
        page = Page([], [])
        for row in read_rows(self._layout):
            if row.expiration_ms is not None and row.expiration_ms <= self._clock.now_ms():
                continue
            _put_on(page, row)
            if len(page.entries) == _ROWS_PER_PAGE:
                yield page
                await asyncio.sleep(0)  # an interrupt is heard here
                page = Page([], [])
        yield page

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.abandon()
            self._writer = None


def _put_on(page: Page, row: StoredRow) -> None:
    """The row as an entry, with remarks on what of it is not as it was, or on why it is none."""
    key = row.key.decode("utf-8", "backslashreplace")
    if row.value is None:
        page.remarks.append(Remark(key, "the file with its value cannot be read", kept=False))
        return
    if key.encode() != row.key:
        page.remarks.append(Remark(key, "its key is not UTF-8", kept=False))
        return
    try:
        check_key(key, "put")
    except JavaScriptError:
        page.remarks.append(Remark(key, "the key is not allowed in KV", kept=False))
        return
    expiration_s, metadata = None, None
    if row.expiration_ms is not None:
        expiration_s, rest_ms = divmod(row.expiration_ms, 1000)
        if rest_ms:
            page.remarks.append(Remark(key, "its expiration was rounded down to a whole second", kept=True))
    if row.metadata is not None:
        try:
            metadata = row.metadata.decode()
            parse_json(metadata)
        except (UnicodeDecodeError, JavaScriptError):
            metadata = None
            page.remarks.append(Remark(key, "its metadata is not JSON, and was left out", kept=True))
    page.entries.append(BulkEntry(row.key, row.value, expiration_s, None, metadata))


def _only_namespace(folder: Path) -> str:
    found = find_namespaces(folder) if kv_folder(folder).is_dir() else []
    if len(found) == 1:
        return found[0]
    there = f"there are {', '.join(found)}" if found else "there is none yet"
    raise SettingsError(
        f"{folder} does not have exactly one namespace ({there}): name one, as wrangler:{folder}#NAMESPACE_ID"
    )
