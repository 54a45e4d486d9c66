"""In which keys a Worker keeps its queue, and how data is put in for one of the old format."""

from collections.abc import Sequence
from enum import Enum

from queue_contracts.targets import entries
from queue_contracts.targets.storage import Entry, Storage


class Format(Enum):
    """What the Worker reads: one key a task, the list of the old format, or both for a while."""

    NEW = "new"
    OLD = "old"
    DUAL = "dual"

    @staticmethod
    def that_lists(*, new: bool, old: bool) -> "Format | None":
        """The format of a Worker that lists tasks of these formats; None if it lists none at all."""
        return {(True, False): Format.NEW, (False, True): Format.OLD, (True, True): Format.DUAL}.get((new, old))


def in_format(storage: Storage, kept: Format | None) -> Storage:
    """The same storage, into which tasks and leases are put as the Worker keeps them."""
    return InOldFormat(storage) if kept is Format.OLD else storage


class InOldFormat:
    """Tasks and leases of the new format are put in as those of the old, and the tasks into its list, in key order."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def seed(self, new: Sequence[Entry]) -> None:
        tasks = [str(each["key"]).removeprefix(entries.NEW_TASK) for each in new if _is(each, entries.NEW_TASK)]
        renamed = [_renamed(each) for each in new]
        if tasks:
            listed = sorted({*self._pending(), *tasks}, key=str.encode)
            renamed = [each for each in renamed if each["key"] != entries.OLD_PENDING]
            renamed.append(entries.old_pending(*listed))
        self._storage.seed(renamed)

    def dump(self, prefix: str = "") -> list[Entry]:
        return self._storage.dump(prefix)

    def names(self, prefix: str) -> list[str]:
        return self._storage.names(prefix)

    def delete(self, keys: Sequence[str]) -> None:
        self._storage.delete(keys)

    def reset(self) -> None:
        self._storage.reset()

    def _pending(self) -> list[str]:
        return [task_id for each in self._storage.dump(entries.OLD_PENDING) for task_id in entries.ids_in(each)]


def _is(entry: Entry, prefix: str) -> bool:
    return str(entry["key"]).startswith(prefix)


def _renamed(entry: Entry) -> Entry:
    for new, old in ((entries.NEW_TASK, entries.OLD_TASK), (entries.NEW_LEASE, entries.OLD_LEASE)):
        if _is(entry, new):
            return {**entry, "key": old + str(entry["key"]).removeprefix(new)}
    return entry
