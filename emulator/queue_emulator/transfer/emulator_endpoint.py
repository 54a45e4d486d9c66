"""A running emulator, by its control surface."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from queue_emulator.core.addresses import loopback
from queue_emulator.core.bulk import BulkEntry, bulk_json, stored_entry
from queue_emulator.core.clock import iso_8601
from queue_emulator.core.errors import BulkDataError, JavaScriptError
from queue_emulator.core.javascript import Json, json_decoder
from queue_emulator.core.shown import counted, one_line
from queue_emulator.remote_control import SHORT_BYTES_MAX, AnswerTooLargeError, RemoteControl
from queue_emulator.settings import read_control_token
from queue_emulator.transfer.endpoint import Page
from queue_emulator.transfer.paging import Paging

EMULATED = "emulated"
_ENTRIES_PER_PAGE = 100
_PAGE_BYTES_MAX = 32 << 20  # a page that is larger is asked for in halves
_ENTRY_BYTES_MAX = 160 << 20  # a value of 25 MiB, each byte of it escaped
_METADATA_BYTES_MAX = 65_536  # KV takes 1,024, which escapes may make longer

Shape = TypeVar("Shape")


class EmulatorEndpoint:
    """The namespace that is controlled at a URL. Each batch is written as a whole."""

    whole = False

    def __init__(self, url: str) -> None:
        self.name = url
        self.where = url
        self._control = RemoteControl(url, token=read_control_token())
        self._was_frozen = False
        self.asks = not loopback(self._control.host.strip("[]"))

    async def look(self, *, writing: bool) -> str:
        status = await self._status()
        if status.kv != EMULATED:
            self.asks = True
            return f"a running emulator over {one_line(status.kv[:200])}"
        if status.keys is None:
            raise self._control.stranger()
        return f"a running emulator with {counted(status.keys, 'key', 'keys')}"

    async def now_ms(self) -> int:
        return (await self._status()).clock.now_ms

    async def set_time(self, now_ms: int, *, hold: bool) -> None:
        if hold:
            self._was_frozen = (await self._status()).clock.frozen
        moved = {"set": iso_8601(now_ms), "freeze": hold or self._was_frozen}
        await self._ask("POST", "/clock", _Clock, content=json.dumps(moved).encode())

    async def write(self, batch: Sequence[BulkEntry]) -> Sequence[str]:
        content = f"[{','.join(map(bulk_json, batch))}]".encode()
        seeded = await self._ask("POST", "/seed", _Seeded, content=content)
        if seeded.written != len(batch):
            raise self._control.stranger()
        return ()

    def hurry(self) -> None:
        pass

    async def finish(self) -> None:
        pass

    async def read(self, keys: Sequence[bytes]) -> list[BulkEntry | None]:
        found: list[BulkEntry | None] = []
        for key in keys:
            entries, _ = await self._page(prefix=key.decode(), limit=1)  # in key order the key itself comes first
            found.append(next((entry for entry in entries if entry.key == key), None))
        return found

    async def pages(self) -> AsyncIterator[Page]:
        paging = Paging(self.name)
        cursor: str | None = ""
        limit = _ENTRIES_PER_PAGE
        while cursor is not None:
            try:
                entries, following = await self._page(cursor=cursor, limit=limit)
            except AnswerTooLargeError:
                if limit == 1:
                    raise
                limit //= 2
                continue
            paging.check(entry.key for entry in entries)
            yield Page(entries, [])
            cursor = following

    async def close(self) -> None:
        self._control.break_off()

    async def _page(self, *, limit: int, **query: str) -> tuple[list[BulkEntry], str | None]:
        path = f"/entries?{urlencode({**query, 'limit': limit})}"
        most = _PAGE_BYTES_MAX if limit > 1 else _ENTRY_BYTES_MAX
        page = await self._ask("GET", path, _Entries, most=most)
        if len(page.entries) > limit:
            raise self._control.stranger()
        try:
            return [stored_entry(each.member()) for each in page.entries], page.cursor
        except (ValueError, BulkDataError, JavaScriptError):
            raise self._control.stranger() from None

    async def _status(self) -> "_Status":
        return await self._ask("GET", "/status", _Status)

    async def _ask(
        self, method: str, path: str, shape: type[Shape], *, content: bytes = b"", most: int = SHORT_BYTES_MAX
    ) -> Shape:
        """In a thread of its own, so that an interrupt is heard meanwhile."""
        body, size_bytes = [content] if content else (), len(content)
        return await asyncio.to_thread(
            self._control.ask, method, path, shape, body=body, size_bytes=size_bytes, answer_bytes_max=most
        )


class _Clock(msgspec.Struct):
    now_ms: int
    frozen: bool = False


class _Status(msgspec.Struct):
    clock: _Clock
    kv: str = EMULATED
    keys: int | None = None


class _Seeded(msgspec.Struct):
    written: int


class _Entry(msgspec.Struct):
    key: str
    value: str
    base64: bool = False
    expiration: int | None = None
    metadata: msgspec.Raw = msgspec.Raw(b"null")

    def member(self) -> Json:
        """As in a bulk-put file; raises ValueError for metadata that KV does not take."""
        if len(bytes(self.metadata)) > _METADATA_BYTES_MAX:
            raise ValueError
        return {
            "key": self.key,
            "value": self.value,
            "base64": self.base64,
            "expiration": self.expiration,
            "metadata": _DECODER.decode(bytes(self.metadata).decode()),
        }


class _Entries(msgspec.Struct):
    entries: list[_Entry]
    cursor: str | None


_DECODER = json_decoder()
