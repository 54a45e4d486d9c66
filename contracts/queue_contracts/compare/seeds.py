"""Reads what a sequence puts into KV: tasks, leases, results and the old format's, or any key."""

from collections.abc import Iterator

from queue_contracts.compare.steps import Entry, Seed
from queue_contracts.json_values import Fields, Json, shown
from queue_contracts.targets import entries

_KINDS = ("task", "lease", "result", "old_task", "old_lease", "old_pending", "key")
_MEMBERS = {*_KINDS, "worker", "value", "ttl_s", "fields", "times"}
_TTL_S = 3600


class SequenceError(ValueError):
    """A file of sequences that cannot be used: which file, which sequence and step, and why."""


def seed(given: Json, where: str) -> Seed:
    """The entries of one seed step. `times: n` makes n of an entry, with `-0001` and so on behind its name."""
    if not isinstance(given, list) or not given:
        raise SequenceError(f"{where}: seed must be a list of entries")
    return Seed(tuple(entry for each in given for entry in _entries(each, where)))


def _entries(given: Json, where: str) -> Iterator[Entry]:
    given = members(given, _MEMBERS, where)
    kinds = [kind for kind in _KINDS if kind in given]
    if len(kinds) != 1:
        raise SequenceError(f"{where}: an entry has one of {', '.join(_KINDS)}")
    ttl_s = whole(given.get("ttl_s", _TTL_S), "ttl_s", where)
    times = whole(given.get("times", 1), "times", where)
    for number in range(1, times + 1):
        ending = f"-{number:04d}" if "times" in given else ""
        key, value = _key_and_value(kinds[0], given, ending, where)
        yield {"key": key, "value": value, "expiration_ttl": ttl_s}


def _key_and_value(kind: str, given: Fields, ending: str, where: str) -> tuple[str, Json]:
    """Names become `{name}`; only the members of a pending list may be something else."""
    named = f"{{{given[kind]}}}{ending}"
    if kind in ("task", "old_task"):
        prefix = entries.NEW_TASK if kind == "task" else entries.OLD_TASK
        return prefix + named, entries.task(named, **mapping(given.get("fields", {}), f"{where}: fields"))
    if kind in ("lease", "old_lease"):
        prefix = entries.NEW_LEASE if kind == "lease" else entries.OLD_LEASE
        worker = given.get("worker", "w")
        if not isinstance(worker, str):
            raise SequenceError(f"{where}: worker must be a string, not {shown(worker)}")
        return prefix + named, entries.lease(worker)
    if kind == "result":
        return entries.RESULT + named, given.get("value", entries.OUTCOME)
    if kind == "old_pending":
        listed = given[kind]
        if not isinstance(listed, list):
            raise SequenceError(f"{where}: old_pending must be a list of ids, not {shown(listed)}")
        return entries.OLD_PENDING, [f"{{{each}}}" if isinstance(each, str) else each for each in listed]
    return str(given[kind]) + ending, given.get("value", "")


def whole(given: Json, name: str, where: str) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or given < 0:
        raise SequenceError(f"{where}: {name} must be a whole number, not {shown(given)}")
    return given


def members(given: Json, allowed: set[str], where: str) -> Fields:
    """The members of a mapping that has no others than these."""
    found = mapping(given, where)
    unknown = sorted(set(found) - allowed)
    if unknown:
        raise SequenceError(f"{where}: unknown member {unknown[0]!r}; allowed: {', '.join(sorted(allowed))}")
    return found


def mapping(given: Json, where: str) -> Fields:
    if not isinstance(given, dict):
        raise SequenceError(f"{where}: must be a mapping")
    return given
