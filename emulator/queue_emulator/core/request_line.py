"""What the log says of a request that was answered, for people and for programs. Never a header or a body."""

import json
from dataclasses import dataclass

from queue_emulator.core.clock import iso_8601
from queue_emulator.core.journal_words import old
from queue_emulator.core.shown import one_line

_PATH_SHOWN_MAX = 200


@dataclass(frozen=True, slots=True)
class Answered:
    """One request.

    operations  the KV operations that it made; None where they are mixed with other requests'
    location    where the Worker ran; "" for what no Worker answers
    worker_version  which version of it answered; "" where there is one version
    stale       what it was shown in place of a newer version, in words; "" for nothing
    why         why it was refused or failed, "" where there is nothing to say
    """

    at_ms: int
    method: str
    path: str
    status: int
    took_ms: float
    operations: int | None
    location: str = ""
    worker_version: str = ""
    stale: str = ""
    why: str = ""

    def as_text(self) -> str:
        if self.operations is None:
            counted = "KV operations unknown (other requests ran at the same time)"
        else:
            counted = "1 KV operation" if self.operations == 1 else f"{self.operations} KV operations"
        said = [
            self.location,
            f"version {self.worker_version}" if self.worker_version else "",
            counted,
            f"STALE: {self.stale}" if self.stale else "",
            _shown(self.why),
        ]
        told = ", ".join(filter(None, said))
        return f"{one_line(self.method)} {_shown(self.path)} {self.status} {self.took_ms:.1f} ms {told}"

    def as_json(self) -> str:
        """One line. The path is whole; of location, version, stale and why there are those that say something."""
        members: dict[str, object] = {
            "at": iso_8601(self.at_ms),
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "took_ms": round(self.took_ms, 1),
            "kv_operations": self.operations,
        }
        members |= {name: said for name in _OFTEN_EMPTY if (said := getattr(self, name))}
        return json.dumps(members)


def message_as_json(at_ms: int, message: str) -> str:
    """Anything else that is logged, in the same form."""
    return json.dumps({"at": iso_8601(at_ms), "message": message})


def stale_words(operation: str, age_ms: int, number: int) -> str:
    """What a request was shown that is not the last version: the oldest of so many reads."""
    what = "a list" if operation == "list" else "a value"
    age = f"{what} {old(age_ms)}" if age_ms else f"{what} without the last write (not replicated yet)"
    more = number - 1
    return age if not more else f"{age}, and {more} more stale {'read' if more == 1 else 'reads'}"


_OFTEN_EMPTY = ("location", "worker_version", "stale", "why")


def _shown(path: str) -> str:
    shown = one_line(path)
    return shown if len(shown) <= _PATH_SHOWN_MAX else shown[:_PATH_SHOWN_MAX] + "…"
