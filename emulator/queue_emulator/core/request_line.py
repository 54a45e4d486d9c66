"""What the log says of a request that was answered, for people and for programs. Never a header or a body."""

import json
from dataclasses import dataclass

from queue_emulator.core.clock import iso_8601
from queue_emulator.core.shown import one_line

_PATH_SHOWN_MAX = 200


@dataclass(frozen=True, slots=True)
class Answered:
    """One request. `operations` are the KV operations that it made; None where they are mixed with other requests'."""

    at_ms: int
    method: str
    path: str
    status: int
    took_ms: float
    operations: int | None

    def as_text(self) -> str:
        if self.operations is None:
            counted = "KV operations counted together with other requests"
        else:
            counted = "1 KV operation" if self.operations == 1 else f"{self.operations} KV operations"
        return f"{one_line(self.method)} {_shown(self.path)} {self.status} {self.took_ms:.1f} ms {counted}"

    def as_json(self) -> str:
        """One line. The path is whole."""
        members = {
            "at": iso_8601(self.at_ms),
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "took_ms": round(self.took_ms, 1),
            "kv_operations": self.operations,
        }
        return json.dumps(members)


def message_as_json(at_ms: int, message: str) -> str:
    """Anything else that is logged, in the same form."""
    return json.dumps({"at": iso_8601(at_ms), "message": message})


def _shown(path: str) -> str:
    shown = one_line(path)
    return shown if len(shown) <= _PATH_SHOWN_MAX else shown[:_PATH_SHOWN_MAX] + "…"
