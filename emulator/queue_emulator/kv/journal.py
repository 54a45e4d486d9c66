"""The journal: every KV operation in its order, the last so many of them, and those to come as they come."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from queue_emulator.core.copies import shallow
from queue_emulator.core.journal import Event
from queue_emulator.core.limits import JOURNAL_EVENTS_MAX


class Journal:
    """The last events, numbered from 1; older ones than `events_max` are forgotten."""

    def __init__(self, events_max: int = JOURNAL_EVENTS_MAX) -> None:
        self._events: deque[Event] = deque(maxlen=events_max)
        self._listeners: list[Callable[[], None]] = []
        self.last_position = 0

    def note(self, *members: Any) -> None:
        """Append an Event of these members, which follow the position in their order."""
        self.last_position += 1
        self._events.append(Event(self.last_position, *members))
        for tell in self._listeners:
            tell()

    @property
    def last(self) -> Event | None:
        """The last event, if any is held."""
        return self._events[-1] if self._events else None

    @property
    def first_position(self) -> int:
        """The position of the oldest event that is still held; one past the last if none is."""
        return self.last_position - len(self._events) + 1

    def after(self, position: int, limit: int | None = None) -> Iterator[Event]:
        """Events with a greater position, oldest first, at most `limit`."""
        skipped = max(0, position + 1 - self.first_position)
        return islice(self._events, skipped, None if limit is None else skipped + limit)

    async def follow(self, position: int) -> AsyncIterator[Event]:
        """Events with a greater position, and then each that comes, without an end.

        Who reads too slowly misses what was forgotten meanwhile, and sees a gap in the positions.
        """
        with self.listening() as news:
            while True:
                news.clear()
                for event in list(self.after(position)):
                    position = event.position
                    yield event
                await news.wait()

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """An Event that is set by each event that comes; who waits for it clears it before reading."""
        news = asyncio.Event()
        self._listeners.append(news.set)
        try:
            yield news
        finally:
            self._listeners.remove(news.set)

    def copy(self) -> "Journal":
        """One with the same events, which goes on by itself; nobody listens to it."""
        other = shallow(self)
        other._events, other._listeners = self._events.copy(), []
        return other

    def clear(self) -> None:
        """Forget all events; positions go on."""
        self._events.clear()
