"""What became of each task, lease and other key of an old-format namespace, entry by entry.

Values are compared as JSON, because a migration writes them anew: `1.0` and `1` are the same number, but a number that
JavaScript cannot hold is a change. What is not JSON is compared byte by byte.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b

from queue_emulator.core.bulk import BulkEntry
from queue_emulator.core.javascript import Json, from_utf8, to_string, utf8
from queue_emulator.worker.formats import (
    LEASE_PREFIX,
    OLD_LEASE_PREFIX,
    OLD_PENDING_KEY,
    OLD_TASK_PREFIX,
    RESULT_PREFIX,
    TASK_PREFIX,
)

KINDS = ("tasks", "leases", "others")
FOREVER = -1
METADATA = "KV metadata"
_PREFIXES = (
    ("tasks", OLD_TASK_PREFIX.encode(), TASK_PREFIX.encode()),
    ("leases", OLD_LEASE_PREFIX.encode(), LEASE_PREFIX.encode()),
)
_PENDING, _RESULT = OLD_PENDING_KEY.encode(), RESULT_PREFIX.encode()
_EXPLAINED_MAX = 1000  # differing entries that are held to say which fields changed


@dataclass(slots=True)
class Item:
    """One task, lease or other key that was there before, and what was seen of it afterwards.

    expiration_s   when it was to end, if the data said so in unix seconds
    ttl_s          how long it was to live, if the data said so in seconds
    old_left_s     the remaining lifetime under its old-format key: None not there, FOREVER without end
    new_left_s     the same under its new-format key; of other keys, under the key that they have
    differs        a copy is not what it was
    """

    digest: bytes
    expiration_s: int | None
    ttl_s: int | None
    old_left_s: int | None = None
    new_left_s: int | None = None
    differs: bool = False


@dataclass(slots=True)
class Pending:
    """The pending list: its ids, None if there is none; `corrupt` if there is something else in its place."""

    ids: list[str] | None = None
    corrupt: bool = False


class Comparison:
    """Items by kind and id, others by key. It is told all of what was `before`, then all of what is there `after`."""

    def __init__(self) -> None:
        self.items: dict[str, dict[bytes, Item]] = {kind: {} for kind in KINDS}
        self.pending_before = Pending()
        self.pending_after = Pending()
        self.results: set[bytes] = set()  # ids with a result that was not there before
        self.appeared = dict.fromkeys(KINDS, 0)
        self._different: dict[bytes, list[BulkEntry]] = {}

    def before(self, entries: Iterable[BulkEntry]) -> None:
        """What was there; of two entries with one key the last counts."""
        for entry in entries:
            if entry.key == _PENDING:
                self.pending_before = _pending(entry.value)
                continue
            kind, name = _old(entry.key)
            self.items[kind][name] = Item(_digest(entry), entry.expiration_s, entry.expiration_ttl_s)
        others = self.items["others"]
        for key in [key for key in others if self._successor_of(key) is not None]:
            del others[key]  # an old task migrates over a new one of its id

    def after(self, entries: Iterable[BulkEntry], now_s: int) -> None:
        """Some of what is there now."""
        for entry in entries:
            if entry.key == _PENDING:
                self.pending_after = _pending(entry.value)
                continue
            kind, name = _old(entry.key)
            successor = self._successor_of(entry.key)
            item = successor or self.items[kind].get(name)
            if item is not None:
                self._saw(item, entry, now_s, new=kind == "others")
            elif entry.key.startswith(_RESULT):
                self.results.add(entry.key.removeprefix(_RESULT))
            else:
                self.appeared[_kind_of(entry.key)] += 1

    def changes(self, before: Iterable[BulkEntry]) -> dict[str, list[str]]:
        """By old key, which fields of up to 1,000 items changed and how; `before` is told once more."""
        found: dict[str, list[str]] = {}
        for entry in before:
            copies = self._different.get(_digest(entry), ())
            fields = dict.fromkeys(text for copy in copies if _same_item(entry, copy) for text in _fields(entry, copy))
            if fields:
                found[entry.key.decode()] = list(fields)
        return found

    def _successor_of(self, key: bytes) -> Item | None:
        """The old task or lease that a new-format key was made from."""
        for kind, _, new in _PREFIXES:
            if key.startswith(new):
                return self.items[kind].get(key.removeprefix(new))
        return None

    def _saw(self, item: Item, entry: BulkEntry, now_s: int, *, new: bool) -> None:
        if entry.expiration_ttl_s is not None:
            left_s = entry.expiration_ttl_s
        else:
            left_s = FOREVER if entry.expiration_s is None else max(0, entry.expiration_s - now_s)
        if new:
            item.new_left_s = left_s
        else:
            item.old_left_s = left_s
        if _digest(entry) != item.digest:
            item.differs = True
            if len(self._different) < _EXPLAINED_MAX:
                self._different.setdefault(item.digest, []).append(entry)


def _old(key: bytes) -> tuple[str, bytes]:
    """Kind and name of a key by the old format: everything but its tasks and leases is another key."""
    for kind, old, _ in _PREFIXES:
        if key.startswith(old):
            return kind, key.removeprefix(old)
    return "others", key


def _kind_of(key: bytes) -> str:
    return next((kind for kind, old, new in _PREFIXES if key.startswith((old, new))), "others")


def _same_item(before: BulkEntry, after: BulkEntry) -> bool:
    if before.key == after.key:
        return True
    kind, name = _old(before.key)
    return any(after.key == new + name for named, _, new in _PREFIXES if named == kind)


def _pending(value: bytes) -> Pending:
    try:
        ids = json.loads(value)
    except (ValueError, RecursionError):
        ids = None
    if not isinstance(ids, list):
        return Pending(None, corrupt=True)
    try:
        return Pending([from_utf8(utf8(to_string(each))) for each in ids])
    except RecursionError:
        return Pending(None, corrupt=True)


def _digest(entry: BulkEntry) -> bytes:
    """Equal for what is the same: value and metadata as JSON, not the key, not the lifetime."""
    parsed = _parsed(entry.value)
    value = b"bytes" + entry.value if parsed is None else b"json" + _canonical(parsed[0])
    metadata = b"" if entry.metadata is None else _canonical(_parsed(entry.metadata.encode()))
    return blake2b(len(value).to_bytes(8, "big") + value + metadata, digest_size=16).digest()


def _parsed(value: bytes) -> tuple[Json] | None:
    """The JSON value, in a tuple because it may be null; None for what is not JSON."""
    try:
        return (_DECODER.decode(value.decode()),)
    except (ValueError, ArithmeticError, RecursionError):
        return None


def _canonical(value: Json | tuple[Json] | None) -> bytes:
    return json.dumps(value, sort_keys=True, default=_number).encode()


def _number(value: object) -> Json:
    """Equal for equal numbers: all digits without zeros at their end, and the exponent. No rounding."""
    assert isinstance(value, Decimal)
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits))
    kept = text.rstrip("0")
    return {"\0number": [sign, kept.lstrip("0"), exponent + len(text) - len(kept)] if value else 0}


def _fields(before: BulkEntry, after: BulkEntry) -> list[str]:
    """Names of what changed, each with "changed", "added" or "gone": members of two objects, else the value."""
    values = [_parsed(each.value) for each in (before, after)]
    by_member = all(value is not None and isinstance(value[0], dict) for value in values)
    old, new = (_named(entry, by_member=by_member) for entry in (before, after))
    return [
        f"{name} {_change(old, new, name)}" for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)
    ]


def _named(entry: BulkEntry, *, by_member: bool) -> dict[str, bytes]:
    """What can change of an entry, by the name that it is told by; equal bytes for what is the same."""
    value = _parsed(entry.value)
    if by_member:
        assert value is not None
        assert isinstance(value[0], dict)
        named = {name: _canonical(member) for name, member in value[0].items()}
    else:
        named = {"value": entry.value if value is None else _canonical(value)}
    return named if entry.metadata is None else {**named, METADATA: _canonical(_parsed(entry.metadata.encode()))}


def _change(old: dict[str, bytes], new: dict[str, bytes], name: str) -> str:
    return "gone" if name not in new else "added" if name not in old else "changed"


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal)
