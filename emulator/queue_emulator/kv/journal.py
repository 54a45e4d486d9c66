"""The journal: every KV operation in its order, the last so many of them, and those to come as they come."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count, islice, repeat
from typing import Any

from queue_emulator.core.copies import shallow
from queue_emulator.core.journal import Alike, Event
from queue_emulator.core.limits import JOURNAL_EVENTS_MAX


class Journal:
    """The last events, numbered from 1; older ones than `events_max` are forgotten."""

    def __init__(self, events_max: int = JOURNAL_EVENTS_MAX) -> None:
        self._events: deque[Event | Alike] = deque(maxlen=events_max)
        self._listeners: list[Callable[[], None]] = []
        self.last_position = 0

    def note(self, *members: Any) -> None:
        """Append an Event of these members, which follow the position in their order."""
        self.last_position += 1
        self._events.append(Event(self.last_position, *members))
        for tell in self._listeners:
            tell()

    def note_alike(self, keys: Sequence[bytes]) -> None:
        """Append, for each key, an event like the last one; if that has a version, each has the next one.

        They take a tenth of the memory of so many events.
        """
        last = self.last
        assert last is not None, "there is an event to be like"
        self._events.extend(repeat(Alike(last, keys), len(keys)))
        self.last_position += len(keys)
        for tell in self._listeners:
            tell()

    @property
    def last(self) -> Event | None:
        """The last event, if any is held."""
        return self._event(self.last_position, self._events[-1]) if self._events else None

    @property
    def first_position(self) -> int:
        """The position of the oldest event that is still held; one past the last if none is."""
        return self.last_position - len(self._events) + 1

    def after(self, position: int, limit: int | None = None) -> Iterator[Event]:
        """Events with a greater position, oldest first, at most `limit`."""
        first = max(self.first_position, position + 1)
        skipped = first - self.first_position
        held = islice(self._events, skipped, None if limit is None else skipped + limit)
        return map(self._event, count(first), held)

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

    @staticmethod
    def _event(position: int, held: Event | Alike) -> Event:
        return held if isinstance(held, Event) else held.at(position)
