"""The report on a migration: which class each item falls into, by kind, and what that amounts to."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median_low

from queue_emulator.core.javascript import ToJson
from queue_emulator.transfer.comparison import FOREVER, KINDS, Comparison, Item

CLASSES = {
    "moved": "identical under the new key",
    "kept": "identical, under its old key",
    "finished": "gone, and it has a result",
    "expired": "gone, and it has expired",
    "waiting": "under the old key and on the pending list: another run can move it",
    "orphaned": "under the old key and on no pending list: no run will move it",
    "duplicated": "under both keys",
    "changed": "its value or metadata has changed",
    "missing": "gone",
}
UNCLEAN = ("waiting", "orphaned", "duplicated", "changed", "missing")


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Remaining lifetimes in seconds of `count` items, `endless` of which have none; None where none has one."""

    count: int
    endless: int
    least_s: int | None
    median_s: int | None
    most_s: int | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Names by kind and class, lifetimes of those classes that live, and what else was found."""

    names: Mapping[str, Mapping[str, list[str]]]
    lifetimes: Mapping[str, Mapping[str, Lifetimes]]
    changes: Mapping[str, list[str]]
    pending_before: int | None
    pending_after: int | None
    pending_corrupt: bool
    ghosts: list[str]
    appeared: Mapping[str, int]

    @property
    def clean(self) -> bool:
        """Whether everything is where a whole migration leaves it."""
        return not any(self.names[kind].get(name) for kind in KINDS for name in UNCLEAN)

    def as_json(self) -> dict[str, ToJson]:
        return {
            "clean": self.clean,
            **{
                kind: {name: len(self.names[kind].get(name, ())) for name in CLASSES if name in self.names[kind]}
                for kind in KINDS
            },
            "names": {
                kind: {name: names for name, names in self.names[kind].items() if name not in ("moved", "kept")}
                for kind in KINDS
            },
            "changes": self.changes,
            "pending": {
                "before": self.pending_before,
                "after": self.pending_after,
                "corrupt": self.pending_corrupt,
                "withoutTask": self.ghosts,
            },
            "appeared": self.appeared,
            "lifetimes_s": {
                kind: {
                    name: {
                        "count": each.count,
                        "endless": each.endless,
                        "min": each.least_s,
                        "median": each.median_s,
                        "max": each.most_s,
                    }
                    for name, each in self.lifetimes[kind].items()
                }
                for kind in KINDS
            },
        }


def judge(comparison: Comparison, changes: Mapping[str, list[str]], now_s: int) -> Verdict:
    """What the comparison found, once it was told everything."""
    listed = {name.encode("utf-8", "surrogatepass") for name in comparison.pending_after.ids or ()}
    tasks = comparison.items["tasks"]
    names: dict[str, dict[str, list[str]]] = {}
    lifetimes: dict[str, dict[str, Lifetimes]] = {}
    for kind in KINDS:
        by_class: defaultdict[str, list[str]] = defaultdict(list)
        left_s: defaultdict[str, list[int]] = defaultdict(list)
        elapsed_s = _elapsed_s(comparison, kind)
        for name, item in comparison.items[kind].items():
            waits = name in listed if kind == "tasks" else comparison.pending_after.ids is not None
            ended = _ended(item, now_s, elapsed_s)
            found = _class(kind, item, waits=waits, finished=name in comparison.results, ended=ended)
            by_class[found].append(name.decode("utf-8", "backslashreplace"))
            left_s[found] += [each for each in (item.new_left_s, item.old_left_s) if each is not None]
        names[kind] = {name: sorted(by_class[name]) for name in CLASSES if name in by_class}
        lifetimes[kind] = {name: _lifetimes(left_s[name]) for name in CLASSES if left_s.get(name)}
    before = comparison.pending_before.ids
    ghosts = [name for name in before or () if name.encode("utf-8", "surrogatepass") not in tasks]
    return Verdict(
        names=names,
        lifetimes=lifetimes,
        changes=changes,
        pending_before=None if before is None else len(before),
        pending_after=None if comparison.pending_after.ids is None else len(comparison.pending_after.ids),
        pending_corrupt=comparison.pending_after.corrupt,
        ghosts=ghosts,
        appeared=comparison.appeared,
    )


def _class(kind: str, item: Item, *, waits: bool, finished: bool, ended: bool) -> str:
    if item.new_left_s is not None and item.old_left_s is not None:
        return "duplicated"
    if item.new_left_s is not None:
        return "changed" if item.differs else "kept" if kind == "others" else "moved"
    if item.old_left_s is not None:
        return "waiting" if waits else "orphaned"
    if finished and kind != "others":
        return "finished"
    return "expired" if ended else "missing"


def _ended(item: Item, now_s: int, elapsed_s: int) -> bool:
    if item.ttl_s is not None:
        return item.ttl_s <= elapsed_s
    return item.expiration_s is not None and item.expiration_s <= now_s


def _elapsed_s(comparison: Comparison, kind: str) -> int:
    """How long ago the data was written at least, as what is left of relative lifetimes tells.

    A migration gives tasks a new lifetime and lets leases keep theirs, so that moved leases tell of leases. What was
    written anew meanwhile may tell of too long a time, so the item that tells of the least counts; other keys than the
    queue's, written by anybody at any time, tell nothing.
    """
    told: list[int] = []
    for each in ("tasks", "leases"):
        for item in comparison.items[each].values():
            left_s = item.old_left_s
            if left_s is None and each == kind == "leases":
                left_s = item.new_left_s
            if item.ttl_s is not None and left_s is not None and left_s != FOREVER:
                told.append(item.ttl_s - left_s)
    return max(0, min(told, default=0))


def _lifetimes(left_s: list[int]) -> Lifetimes:
    ending = [each for each in left_s if each != FOREVER]
    if not ending:
        return Lifetimes(len(left_s), len(left_s), None, None, None)
    return Lifetimes(len(left_s), len(left_s) - len(ending), min(ending), median_low(ending), max(ending))
