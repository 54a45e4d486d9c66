"""Which of a key's last versions a location can see yet, while writes are on their way to it.

A write is at its own location at once, elsewhere after a lag drawn for (version, location), or after the end of a
fault that holds writes back from there. Until then the location sees what stood before. If the clock goes back
behind a write, nothing is on its way any more: the write is seen everywhere.
"""

from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass, field

from queue_emulator.core.dice import Dice
from queue_emulator.core.entries import Entry


@dataclass(frozen=True, slots=True)
class _Write:
    entry: Entry
    origin: str
    held_until_ms: Mapping[str, int]
    settled_ms: int


@dataclass(slots=True)
class _History:
    before: Entry | None
    writes: list[_Write] = field(default_factory=list)
    settled_ms: int = 0


class Replication:
    """The writes that have not yet arrived everywhere. `lag_ms` is the least and the greatest lag."""

    def __init__(self, dice: Dice, lag_ms: tuple[int, int] = (0, 0)) -> None:
        self._dice = dice
        self._lag_ms = lag_ms
        self._histories: dict[bytes, _History] = {}

    @property
    def any_underway(self) -> bool:
        """Whether some write may not have arrived everywhere."""
        return bool(self._histories)

    def underway(self, key: bytes) -> bool:
        """Whether a write of this key may not have arrived everywhere."""
        return key in self._histories

    def needs_before(self, held: Sized) -> bool:
        """Whether writes, of which some are `held` or none, can be seen late: then what stood before is remembered."""
        return self._lag_ms[1] > 0 or len(held) > 0

    def wrote(self, before: Entry | None, entry: Entry, origin: str, held_until_ms: Mapping[str, int]) -> None:
        """A write sets out from `origin`; `before` is what stood there if no write of the key is under way."""
        history = self._histories.setdefault(entry.key, _History(before))
        while history.writes and history.writes[0].settled_ms <= entry.written_ms:
            history.before = history.writes.pop(0).entry  # arrived everywhere: what came earlier is seen no more
        settled_ms = max(entry.written_ms + self._lag_ms[1], *held_until_ms.values(), 0)
        history.writes.append(_Write(entry, origin, held_until_ms, settled_ms))
        history.settled_ms = max(history.settled_ms, settled_ms)

    def seen(self, current: Entry | None, key: bytes, location: str, now_ms: int) -> Entry | None:
        """What `location` sees of a key whose last version is `current`."""
        history = self._histories.get(key)
        if history is None:
            return current
        if history.settled_ms <= now_ms:
            del self._histories[key]
            return current
        for write in reversed(history.writes):
            if now_ms < write.entry.written_ms or self._arrival_ms(write, location) <= now_ms:
                return write.entry
        return history.before

    def copy(self) -> "Replication":
        """One with the same on its way, which goes on by itself."""
        other = Replication(self._dice, self._lag_ms)
        other._histories = {
            key: _History(each.before, [*each.writes], each.settled_ms) for key, each in self._histories.items()
        }
        return other

    def forget(self, now_ms: int) -> None:
        """Drop what has arrived everywhere."""
        for key in [key for key, history in self._histories.items() if history.settled_ms <= now_ms]:
            del self._histories[key]

    def clear(self) -> None:
        self._histories.clear()

    def keys(self) -> Iterable[bytes]:
        """The keys with a write under way."""
        return self._histories.keys()

    def _arrival_ms(self, write: _Write, location: str) -> int:
        if location == write.origin:
            return write.entry.written_ms
        least_ms, most_ms = self._lag_ms
        lag_ms = least_ms + self._dice.below(most_ms - least_ms + 1, "lag", write.entry.version, location)
        return max(write.entry.written_ms + lag_ms, write.held_until_ms.get(location, 0))
