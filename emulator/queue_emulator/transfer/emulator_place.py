"""A running emulator, by its control surface."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import urlencode

from queue_emulator.core.addresses import loopback
from queue_emulator.core.bulk import BulkEntry, bulk_json, stored_entry
from queue_emulator.core.errors import BulkDataError, JavaScriptError, RemoteError
from queue_emulator.remote_control import RemoteControl
from queue_emulator.transfer.place import Page

_ENTRIES_PER_PAGE = 100


class EmulatorPlace:
    """The namespace that is controlled at a URL. Each batch is written as a whole."""

    whole = False

    def __init__(self, url: str) -> None:
        self.name = url
        self.where = url
        self._control = RemoteControl(url)
        self.asks = not loopback(self._control.host.strip("[]"))

    async def look(self, *, writing: bool) -> str:
        status = await self._status()
        if status.get("kv", "emulated") != "emulated":
            self.asks = True
            return f"a running emulator over {status['kv']}"
        keys = status["keys"]
        return f"a running emulator that holds {keys:,} {'key' if keys == 1 else 'keys'}"

    async def now_ms(self) -> int:
        return int((await self._status())["clock"]["now_ms"])

    async def write(self, batch: Sequence[BulkEntry]) -> Sequence[str]:
        content = f"[{','.join(map(bulk_json, batch))}]".encode()
        answer = await self._ask("POST", "/seed", content)
        if answer.get("written") != len(batch):
            raise self._stranger()
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
        cursor: str | None = ""
        while cursor is not None:
            entries, cursor = await self._page(cursor=cursor, limit=_ENTRIES_PER_PAGE)
            yield Page(entries, [])

    async def close(self) -> None:
        self._control.break_off()

    async def _page(self, **query: str | int) -> tuple[list[BulkEntry], str | None]:
        answer = await self._ask("GET", f"/entries?{urlencode(query)}")
        try:
            return [stored_entry(each) for each in answer["entries"]], answer["cursor"]
        except (LookupError, TypeError, BulkDataError, JavaScriptError):
            raise self._stranger() from None

    async def _status(self) -> Any:
        answer = await self._ask("GET", "/status")
        if not isinstance(answer.get("keys", ""), int | None) or "now_ms" not in (answer.get("clock") or {}):
            raise self._stranger()
        return answer

    async def _ask(self, method: str, path: str, content: bytes = b"") -> Any:
        """In a thread of its own, so that an interrupt is heard meanwhile."""
        body = [content] if content else ()
        return await asyncio.to_thread(self._control.ask, method, path, body=body, size_bytes=len(content))

    def _stranger(self) -> RemoteError:
        return RemoteError(f"{self.name} does not answer as a queue-emulator does")
