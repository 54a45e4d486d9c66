"""What the account must hold, as far as its clients know: namespaces, their titles, and what stands under each key."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from tests.machine.history import History, Mark, Write

TASKS = ("t1", "t2", "t3")
RESULT, TASK, LEASE = "orchestrator:result:", "queue:task:", "queue:lease:"
PLAIN = ("p1", "p2")
TWINS = ("twin:1", "twin:2")  # always written in one request: one without the other is half a request
QUEUE_KEYS = tuple(prefix + task for prefix in (RESULT, TASK, LEASE) for task in TASKS)
CHAFF = "chaff:"  # nobody looks at these: they make a list purge
LARGE_BYTES = 1_200_000  # of a value that a state file keeps in several parts
_END_CHARACTERS = 120  # what a route of the Worker adds behind the mark is shorter


@dataclass(slots=True)
class Namespace:
    """`id` is "" until the answer to its creation has told it. `bound`: neither a reset nor anybody deletes it."""

    id: str
    title: History = field(default_factory=History)
    keys: dict[str, History] = field(default_factory=dict)
    bound: bool = False

    def key(self, name: str) -> History:
        return self.keys.setdefault(name, History())

    def deletions(self) -> list[Write]:
        """Whatever deletes it, and with it all its keys."""
        return [write for write in self.title.writes if write.mark is None and write.asked > 0]

    def may_be_new(self, now: int) -> None:
        """It is there, and nobody knows whether it was deleted and made again meanwhile."""
        for history in self.keys.values():
            history.begin(None, now).ended = now


@dataclass(slots=True)
class Account:
    """`sweeps` are resets: each deletes every key, and every namespace that is not bound."""

    namespaces: dict[str, Namespace] = field(default_factory=dict)
    untold: list[Namespace] = field(default_factory=list)
    sweeps: list[Write] = field(default_factory=list)
    _moments: "count[int]" = field(default_factory=lambda: count(1))
    _marks: "count[int]" = field(default_factory=lambda: count(1))

    def now(self) -> int:
        """The next moment: each is later than all before."""
        return next(self._moments)

    def mark(self) -> str:
        """A new one, never given before."""
        return f"m{next(self._marks)}m"

    def told(self, namespace: Namespace, id: str) -> None:
        """The answer to a creation has come."""
        namespace.id = id
        self.namespaces[id] = namespace
        self.untold.remove(namespace)

    def process_ended(self) -> None:
        """What has no answer yet never gets one, and takes place no more."""
        now = self.now()
        for write in self._writes():
            if write.ended is None:
                write.ended = now

    def _writes(self) -> Iterator[Write]:
        yield from self.sweeps
        for namespace in (*self.namespaces.values(), *self.untold):
            for history in (namespace.title, *namespace.keys.values()):
                yield from history.writes


def gone_for_good(namespace: Namespace, sweeps: list[Write]) -> bool:
    """Whether it was deleted after it was there: no other change at the same time brings it back."""
    created = next((write for write in namespace.title.writes if write.mark is not None), None)
    if created is None or created.ended is None or namespace.bound:
        return False
    return any(write.sure and write.asked > created.ended for write in (*namespace.deletions(), *sweeps))


def is_large(mark: str) -> bool:
    """Whether the value that bears it is a large one."""
    return mark.endswith("7m") and mark[-3:-2] in ("1", "4")


def mark_in(value: bytes | str | None) -> Mark:
    """The mark that a value bears; a value without one is its own mark, which nobody gave."""
    if value is None:
        return None
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    _, m, rest = text.partition('"m')
    number, end, _ = rest.partition('m"')
    if not (m and end and number.isdigit()):
        return f"without a mark: {text[:60]}"
    if len(text) > LARGE_BYTES and f'"m{number}m"' not in text[-_END_CHARACTERS:]:
        return f"m{number}m at its beginning alone: {text[-_END_CHARACTERS:]}"
    return f"m{number}m"
