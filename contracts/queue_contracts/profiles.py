"""The profiles: what a run may do to its target. A further one is a further row, here and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True)
class Terms:
    """What a profile allows.

    writes  requests that change something, and entries that are put into KV past the Worker
    shared  the queue is in use by others: only what is this run's own is touched, and it is taken away at the end
    """

    writes: bool
    shared: bool


class Profile(Enum):
    """What a run may do to its target."""

    OBSERVE = "observe"
    ISOLATED = "isolated"
    DISPOSABLE = "disposable"

    @property
    def terms(self) -> Terms:
        return _TERMS[self]

    @property
    def tidies(self) -> bool:
        """Whether what the run wrote must be taken away again."""
        return self.terms.writes and self.terms.shared


_TERMS: Mapping[Profile, Terms] = {
    Profile.OBSERVE: Terms(writes=False, shared=True),
    Profile.ISOLATED: Terms(writes=True, shared=True),
    Profile.DISPOSABLE: Terms(writes=True, shared=False),
}
