"""What a migration of some data would leave behind, told from the data alone: nothing is run.

By the Worker's own rules (worker/MIGRATION.md): which items move follows from the pending list, from what lies under
each old key, and from how many KV operations one run may make. A test holds it against runs of the Worker.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from queue_emulator.core.bulk import BulkEntry
from queue_emulator.core.errors import JavaScriptError
from queue_emulator.core.javascript import Json, from_utf8, parse_json, stringify_json, truthy, utf8
from queue_emulator.core.keys import check_decodable, check_name
from queue_emulator.core.limits import BUDGET_TEXT, LIST_LIMIT_DEFAULT, OPERATIONS_PER_INVOCATION_MAX, TTL_S_MIN
from queue_emulator.worker.formats import (
    LEASE_PREFIX,
    OLD_LEASE_PREFIX,
    OLD_PENDING_KEY,
    OLD_TASK_PREFIX,
    TASK_PREFIX,
    TASK_TTL_S,
    key_of,
)
from queue_emulator.worker.migration import LEASE_TTL_S_DEFAULT

_PENDING, _OLD_TASK, _OLD_LEASE = OLD_PENDING_KEY.encode(), OLD_TASK_PREFIX.encode(), OLD_LEASE_PREFIX.encode()


class Found(Enum):
    """What a read as JSON gives of a value."""

    SOMETHING = "something"
    NOTHING = "nothing"  # null, false, 0, ""
    NO_JSON = "no JSON"


@dataclass(slots=True)
class Moves:
    """Of one kind: how many items moved and failed, and what ended it early."""

    migrated: int = 0
    failed: int = 0
    fatal: str | None = None


@dataclass(slots=True)
class Prediction:
    """What one run would do.

    needed   False: there is no pending list, and nothing would be done
    written  by old key, the new key and its lifetime in seconds
    deleted  old keys
    """

    needed: bool = True
    tasks: Moves = field(default_factory=Moves)
    leases: Moves = field(default_factory=Moves)
    written: dict[bytes, tuple[bytes, int]] = field(default_factory=dict)
    deleted: set[bytes] = field(default_factory=set)

    def as_json(self) -> dict[str, Json]:
        kinds = {"tasks": self.tasks, "leases": self.leases}
        moves: dict[str, Json] = {
            kind: {"migrated": each.migrated, "failed": each.failed, "fatal": each.fatal}
            for kind, each in kinds.items()
        }
        return {"needed": self.needed, "status": self.status, **moves}

    @property
    def status(self) -> int:
        """Of the answer."""
        return 207 if self.tasks.failed or self.leases.failed else 200

    def after(self, entries: Iterable[BulkEntry]) -> Iterator[BulkEntry]:
        """What is there after the run, of the entries that were predicted from."""
        replaced = {new for new, _ in self.written.values()}
        for entry in entries:
            if entry.key not in self.deleted and entry.key not in replaced:
                yield entry
            if entry.key in self.written:
                new, ttl_s = self.written[entry.key]
                value = stringify_json(parse_json(from_utf8(entry.value))).encode("utf-8", "surrogatepass")
                yield BulkEntry(new, value, None, ttl_s, None)


def predict(entries: Iterable[BulkEntry], now_s: int) -> Prediction:
    """`entries` live at `now_s`, in unix seconds, when the run begins; each key is there once."""
    known, leases_s = dict[bytes, Found](), dict[bytes, int]()
    pending: bytes | None = None
    for entry in entries:
        if entry.key == _PENDING:
            pending = entry.value
        elif entry.key.startswith((_OLD_TASK, _OLD_LEASE)):
            known[entry.key] = _found(entry.value)
        if entry.key.startswith(_OLD_LEASE):
            leases_s[entry.key] = _lease_ttl_s(entry, now_s)
    run = _Run(known)
    if pending is None:
        run.predicted.needed = False
    else:
        run.operation()  # whether there is a list
        run.kind(run.predicted.tasks, lambda: run.tasks(pending))
        run.kind(run.predicted.leases, lambda: run.leases(leases_s))
    return run.predicted


class _Run:
    """The operations of one run, counted; `known` is what lies under the old keys of tasks and leases."""

    def __init__(self, known: dict[bytes, Found]) -> None:
        self.predicted = Prediction()
        self._known = known
        self._operations = 0

    def operation(self) -> None:
        """One more; raises JavaScriptError past the limit."""
        if self._operations == OPERATIONS_PER_INVOCATION_MAX:
            raise JavaScriptError(BUDGET_TEXT)
        self._operations += 1

    def kind(self, moves: Moves, move_all: Callable[[], None]) -> None:
        """What throws outside of an item ends its kind, and is no failure."""
        try:
            move_all()
        except JavaScriptError as error:
            moves.fatal = f"{error.name}: {error}"

    def tasks(self, pending: bytes) -> None:
        self.operation()
        moves = self.predicted.tasks
        for task_id in _each(parse_json(from_utf8(pending))):
            self._item(
                moves, key_of(OLD_TASK_PREFIX, task_id), key_of(TASK_PREFIX, task_id), TASK_TTL_S, falsy_fails=True
            )
        if moves.migrated:
            self.operation()
            self.predicted.deleted.add(_PENDING)

    def leases(self, ttls_s: dict[bytes, int]) -> None:
        """One page of the list, in key order."""
        self.operation()
        for key in sorted(ttls_s)[:LIST_LIMIT_DEFAULT]:
            old = key.decode()
            new = LEASE_PREFIX + old.removeprefix(OLD_LEASE_PREFIX)
            self._item(self.predicted.leases, old, new, ttls_s[key], falsy_fails=False)

    def _item(self, moves: Moves, old: str, new: str, ttl_s: int, *, falsy_fails: bool) -> None:
        """What throws inside an item fails that item, after whatever it had done by then."""
        try:
            moved = self._move(old, new, ttl_s)
        except JavaScriptError:
            moves.failed += 1
        else:
            moves.migrated += moved
            moves.failed += falsy_fails and not moved

    def _move(self, old: str, new: str, ttl_s: int) -> bool:
        """Read, write, read back, delete; False if there is nothing to move."""
        key = check_name(old, "GET")
        self.operation()
        check_decodable(key, "GET")
        found = self._known.get(key, Found.NOTHING)
        if found is Found.NO_JSON:
            raise JavaScriptError("not JSON")
        if found is Found.NOTHING:
            return False
        self.operation()
        self.predicted.written[key] = utf8(new), ttl_s
        self.operation()
        self.operation()
        self.predicted.deleted.add(key)
        del self._known[key]
        return True


def _each(pending: Json) -> Iterable[Json]:
    """As JavaScript walks `pending || []`."""
    if not truthy(pending):
        return ()
    if not isinstance(pending, (list, str)):
        raise JavaScriptError("the pending list is not a list")
    return pending


def _found(value: bytes) -> Found:
    try:
        return Found.SOMETHING if truthy(parse_json(from_utf8(value))) else Found.NOTHING
    except JavaScriptError:
        return Found.NO_JSON


def _lease_ttl_s(entry: BulkEntry, now_s: int) -> int:
    if entry.expiration_ttl_s is not None:
        return max(entry.expiration_ttl_s, TTL_S_MIN)
    return LEASE_TTL_S_DEFAULT if entry.expiration_s is None else max(entry.expiration_s - now_s, TTL_S_MIN)
