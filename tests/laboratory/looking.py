"""How these tests look at an emulator: what was noted last, whole lists page by page, a journal as bytes."""

import json
from typing import Any

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.journal import Event
from queue_emulator.testing import KV, Emulator, Reply

CONTROL = "/cdn-cgi/emulator"


def last_event(emulator: Emulator) -> Event:
    """The latest KV operation."""
    return emulator.journal()[-1]


def noted(emulator: Emulator, *operations: str) -> list[Event]:
    """The operations of these kinds so far."""
    return [event for event in emulator.journal() if event.operation in operations]


def names(kv: KV, **options: Any) -> list[str]:
    """The key names of one page."""
    return [key.name for key in kv.list(**options).keys]


def pages(kv: KV, *, prefix: str = "", limit: int = 1000, pages_max: int = 500) -> list[list[str]]:
    """The key names of each page up to the one that is complete."""
    given: list[list[str]] = []
    cursor: str | None = None
    while len(given) < pages_max:
        page = kv.list(prefix=prefix, limit=limit, **({} if cursor is None else {"cursor": cursor}))
        given.append([key.name for key in page.keys])
        assert (page.cursor is None) == page.list_complete
        if page.list_complete:
            return given
        cursor = page.cursor
    raise AssertionError(f"no end after {pages_max} pages")


def every_name(kv: KV, *, prefix: str = "", limit: int = 1000) -> list[str]:
    """The key names of all pages."""
    return [name for page in pages(kv, prefix=prefix, limit=limit) for name in page]


def control(emulator: Emulator, path: str, body: Any) -> Reply:
    """POST to a control of the emulator."""
    return emulator.post(f"{CONTROL}/{path}", body)


def journal_lines(emulator: Emulator, query: str = "") -> list[dict[str, Any]]:
    """The journal as it is read over HTTP."""
    reply = emulator.get(f"{CONTROL}/journal{query}")
    assert reply.status == 200
    return [json.loads(line) for line in reply.text.splitlines()]


def movable(emulator: Emulator) -> MovableClock:
    """The clock in milliseconds, under the one in seconds."""
    return emulator.clock.clock
