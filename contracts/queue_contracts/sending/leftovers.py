"""What a run wrote is taken away again: its own at its end, and what runs left behind that were killed."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from filelock import FileLock, Timeout

from queue_contracts.sending.rules import id_of_key
from queue_contracts.sending.run import DAY_S, OWN, Run, began_s
from queue_contracts.sending.wire import installed
from queue_contracts.targets.entries import NEW_LEASE, NEW_TASK, RESULT
from queue_contracts.targets.storage import Storage

# Longer than any run takes; what an isolated run writes has ended by itself an hour after it.
AGE_S = DAY_S
PREFIXES = (NEW_TASK, NEW_LEASE, RESULT)


class Leftovers:
    """The keys of runs in one KV: `ct-…` under the prefixes of tasks, leases and results."""

    def __init__(self, storage: Storage, run: Run) -> None:
        self._storage = storage
        self._run = run

    def sweep_once(self) -> list[str]:
        """Delete what other runs left that are a day old or dead; once a run, by whichever process comes first."""
        done = self._run.folder / "swept"
        with FileLock(self._run.folder / "sweep.lock"):
            if done.exists():
                return []
            stale = [key for key in self._keys(OWN) if self._is_stale(id_of_key(key))]
            if stale:
                self._storage.delete(stale)
            done.touch()
        return stale

    def remove_own(self) -> list[str]:
        """Delete all that this run wrote, even if it may send nothing else any more."""
        guard = installed()
        with guard.tidying() if guard is not None else nullcontext():
            own = self._keys(self._run.own_prefix)
            if own:
                self._storage.delete(own)
        return own

    def _keys(self, beginning: str) -> list[str]:
        return [key for prefix in PREFIXES for key in self._storage.names(prefix + beginning)]

    def _is_stale(self, task_id: str) -> bool:
        began = began_s(task_id)
        if began is None or task_id.startswith(self._run.own_prefix):
            return False
        return time.time() - began > AGE_S or is_dead(task_id[len(OWN) :].partition("-")[0])


@contextmanager
def alive(run_id: str) -> Iterator[None]:
    """While the block runs, other runs of this machine can tell that this one does."""
    path = _lock_of(run_id)
    with FileLock(path):
        yield
    path.unlink(missing_ok=True)


def is_dead(run_id: str) -> bool:
    """Whether it was a run of this machine that has ended; of another machine's nothing can be told."""
    path = _lock_of(run_id)
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return True
    except Timeout:
        return False


def _lock_of(run_id: str) -> Path:
    folder = Path(tempfile.gettempdir()) / f"queue-contracts-runs-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{run_id}.lock"
