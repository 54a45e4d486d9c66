"""One call of Cloudflare's API: what is asked, and how it may fail."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from queue_emulator.core.errors import EmulatorError

SHORT_BYTES_MAX = 1 << 20  # of an answer that holds no values, and no page of keys
_TOO_LARGE = 413


class ApiError(EmulatorError):
    """A call that failed for good.

    `status` is the HTTP status of the last answer and `code` Cloudflare's own, None where there was none; `reason` is
    what went wrong in the API's words, or ours; `definite` whether it is sure that nothing was written; `too_large`
    whether fewer keys in one request may help.
    """

    def __init__(self, text: str, failure: "Failure", *, definite: bool) -> None:
        super().__init__(text)
        self.status = failure.status
        self.code = failure.code
        self.reason = failure.reason
        self.definite = definite
        self.too_large = failure.too_large or failure.status == _TOO_LARGE


@dataclass(frozen=True, slots=True)
class Ask:
    """One call. `path` is below the account's namespaces, percent-encoded; `action` is what an error says was tried."""

    action: str
    method: str
    path: str
    writes: bool = False
    may_miss: bool = False
    query: Mapping[str, str | int] = field(default_factory=dict)
    content: bytes | None = None
    content_type: str = "application/json"
    parts: Mapping[str, tuple[None, bytes]] | None = None
    bytes_max: int = SHORT_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Failure:
    """One attempt that failed: whether another one makes sense, and after how long the service asks for it."""

    reason: str
    definite: bool
    again: bool
    status: int | None = None
    code: int | None = None
    asked_ms: int | None = None
    too_large: bool = False

    def __str__(self) -> str:
        status = "" if self.status is None else f"{self.status} "
        code = "" if self.code is None else f" [code: {self.code}]"
        return f"{status}{self.reason}{code}"
