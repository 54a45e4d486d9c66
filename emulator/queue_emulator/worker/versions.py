"""The versions of the Worker: before, during and after the migration's time."""

from enum import Enum


class WorkerVersion(Enum):
    """Which deployment of the Worker runs."""

    OLD = "old"
    DUAL = "dual"
    NEW = "new"
