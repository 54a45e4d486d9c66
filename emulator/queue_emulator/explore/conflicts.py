"""Which requests another actor can disturb, as far as runs have shown: to choose what is tried next."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from queue_emulator.explore.history import Happening, Step


class Touched(NamedTuple):
    """What some operations read and wrote: a bit for each key, and the prefixes of lists."""

    reads: int = 0
    writes: int = 0
    prefixes: frozenset[bytes] = frozenset()


class Around(NamedTuple):
    """A place in the midst of a request: what the request touched before it, and what it touches after it."""

    before: Touched
    after: Touched


Of = tuple[tuple[str, int], Touched]
"""Whose request an operation was part of, and what it touched."""


class Conflicts:
    """What each actor of a scenario has touched in any run."""

    def __init__(self) -> None:
        self._bits: dict[bytes, int] = {}
        self._of: dict[str, Touched] = {}
        self._known: dict[tuple[str, int, str, bytes], Of] = {}

    def copy(self) -> "Conflicts":
        """As much is known, and learns by itself from here on."""
        other = Conflicts()
        other._bits, other._of, other._known = self._bits.copy(), self._of.copy(), self._known.copy()
        return other

    def see(self, happenings: Sequence[Happening]) -> Sequence[Of]:
        """Learn from a run; gives its operations."""
        seen, known = list[Of](), self._known
        for step in happenings:
            if isinstance(step, Step):
                call = step.call
                operation = call.actor.name, call.number, step.kind, step.key
                of = known.get(operation)
                if of is None:
                    of = known[operation] = (operation[:2], self._touched(step))
                    self._of[call.actor.name] = _both(self._of.get(call.actor.name, _NOTHING), of[1])
                seen.append(of)
        return seen

    def likely(self, place: Around, actor: str) -> bool:
        """Whether anything that this actor does meets what is before the place, and what is after it."""
        others = self._of.get(actor, _NOTHING)
        return self._meet(place.before, others) and self._meet(place.after, others)

    def touches(self, actor: str, keys: Collection[bytes]) -> bool:
        """Whether anything that this actor does reads or writes one of these keys."""
        return self._touch(self._of.get(actor, _NOTHING), keys)

    def writes(self, actor: str, keys: Collection[bytes]) -> bool:
        """Whether it writes one of them."""
        return bool(self._of.get(actor, _NOTHING).writes & self._all(keys))

    def amid(self, place: Around, keys: Collection[bytes]) -> bool:
        """Whether one of these keys is touched before the place, and one after it."""
        return self._touch(place.before, keys) and self._touch(place.after, keys)

    def _touch(self, touched: Touched, keys: Collection[bytes]) -> bool:
        return bool((touched.writes | self._reads(touched)) & self._all(keys))

    def _all(self, keys: Collection[bytes]) -> int:
        bits = 0
        for key in keys:
            bits |= self._bits.get(key, 0)
        return bits

    def _meet(self, one: Touched, other: Touched) -> bool:
        """Whether they touch one key, and one of them writes it."""
        return bool(one.writes & (other.writes | self._reads(other)) or other.writes & self._reads(one))

    def _reads(self, touched: Touched) -> int:
        reads = touched.reads
        for prefix in touched.prefixes:
            for key, bit in self._bits.items():
                if key.startswith(prefix):
                    reads |= bit
        return reads

    def _touched(self, step: Step) -> Touched:
        if step.kind == "list":
            return Touched(prefixes=frozenset((step.key,)))
        bit = self._bits.setdefault(step.key, 1 << len(self._bits))
        return Touched(writes=bit) if step.kind in ("put", "delete") else Touched(reads=bit)


def around(seen: Sequence[Of], place: int) -> Around:
    """The place after so many operations of a run, within the request of the last of them."""
    request = seen[place - 1][0]
    before = after = _NOTHING
    for number, (whose, touched) in enumerate(seen):
        if whose == request and number < place:
            before = _both(before, touched)
        elif whose == request:
            after = _both(after, touched)
    return Around(before, after)


def _both(one: Touched, other: Touched) -> Touched:
    return Touched(one.reads | other.reads, one.writes | other.writes, one.prefixes | other.prefixes)


_NOTHING = Touched()
