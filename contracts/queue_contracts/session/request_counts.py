"""Count what was generated for one operation: a run in which nothing succeeded or most was refused proves nothing.

Every check passes on a documented 429, so the share of those is held down here. The hash over the requests shows
whether two runs asked the same: it must not depend on the number of workers.
"""

from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from hashlib import _Hash

    from schemathesis import Response

# Operation, how often each status came back, and the hash over the requests: what a report can carry between processes.
Account: TypeAlias = tuple[str, dict[str, int], str]
PROPERTY = "generated-requests"
LIMITED_SHARE_MAX = 0.05
# The identity of a case and of the run, the only parts of a request that may differ from run to run.
VOLATILE_HEADERS = {"x-schemathesis-testcaseid", "x-api-key", "host"}


@dataclass
class Tally:
    """The requests sent for one operation and the statuses that came back."""

    operation: str
    statuses: Counter[int] = field(default_factory=Counter)
    _hash: "_Hash" = field(default_factory=sha256)

    def note(self, response: "Response") -> None:
        self.statuses[response.status_code] += 1
        request = response.request
        headers = sorted(
            f"{name.lower()}: {value!r}"
            for name, value in request.headers.items()
            if name.lower() not in VOLATILE_HEADERS
        )
        body = request.body or b""
        assert isinstance(body, str | bytes)
        for part in (request.method or "", request.path_url, *headers, body):
            self._hash.update(part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass"))
            self._hash.update(b"\0")

    def require_substance(self) -> None:
        """Fail if nothing succeeded or too much was turned away for its rate."""
        total = self.statuses.total()
        limited = self.statuses[429]
        assert limited <= LIMITED_SHARE_MAX * total, f"{self.operation}: {limited} of {total} answers were 429"
        succeeded = sum(count for status, count in self.statuses.items() if 200 <= status < 300)
        assert succeeded, f"{self.operation}: none of {total} requests succeeded: {dict(self.statuses)}"

    def account(self) -> Account:
        """What there is to report."""
        statuses = {str(status): count for status, count in sorted(self.statuses.items())}
        return self.operation, statuses, self._hash.hexdigest()


def without_substance(account: Account) -> str | None:
    """What `require_substance` says of an account; None if it has some."""
    operation, statuses, _ = account
    try:
        Tally(operation, Counter({int(status): count for status, count in statuses.items()})).require_substance()
    except AssertionError as error:
        return str(error)
    return None


def summary(accounts: list[Account]) -> list[str]:
    """One line an operation, then one over all."""
    lines = []
    for operation, statuses, digest in sorted(accounts):
        counts = "  ".join(f"{status}: {count}" for status, count in statuses.items())
        lines.append(f"{operation:<32} {sum(statuses.values()):>5}  {digest[:12]}  {counts}")
    total = sum(sum(statuses.values()) for _, statuses, _ in accounts)
    overall = sha256("".join(digest for _, _, digest in sorted(accounts)).encode()).hexdigest()
    lines.append(f"{'all of them':<32} {total:>5}  {overall[:12]}")
    return lines
