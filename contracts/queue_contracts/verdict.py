"""What a run comes to: whether it kept to its profile, and whether it proves anything at all."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from queue_contracts.codes import Code
from queue_contracts.guard import BREACH, STOPPED, UNTESTABLE
from queue_contracts.recorder import Exchange
from queue_contracts.run import Profile

OPERATIONS = {
    "listPendingTasks": ("GET", "/api/queue"),
    "claimTask": ("POST", "/api/queue/claim"),
    "getTask": ("GET", "/api/queue/{id}"),
    "releaseLease": ("POST", "/api/queue/{id}/release"),
    "renewLease": ("POST", "/api/queue/{id}/renew"),
    "updateTaskStatus": ("POST", "/api/queue/{id}/status"),
    "postResult": ("POST", "/api/result/{id}"),
    "getResult": ("GET", "/api/result/{id}"),
    "getMigrationStatus": ("GET", "/api/migrate/status"),
    "runMigration": ("POST", "/api/migrate/run"),
    "rollbackMigration": ("POST", "/api/migrate/rollback"),
}
SHARES_MAX = {429: 0.05, 401: 0.05, 404: 0.85}
FEW = 10


@dataclass(frozen=True)
class Verdict:
    """All but the last are sentences; `unseen` are operations that this profile could not see succeed.

    untestable  why nothing more can be asked of the target: whatever else was found, the run could not be ended
    """

    breaches: list[str]
    vacuous: list[str]
    untestable: list[str]
    unseen: list[str]

    def code(self, failed: bool) -> Code:
        if self.breaches:
            return Code.NOTHING_PROVED
        if self.untestable:
            return Code.USAGE
        if failed:
            return Code.BROKEN
        return Code.NOTHING_PROVED if self.vacuous else Code.HOLDS


def operation_of(method: str, path: str) -> str | None:
    """The described operation that a request is for."""
    steps = path.split("/")
    for exact in (True, False):
        for name, (expected, template) in OPERATIONS.items():
            parts = template.split("/")
            fits = len(parts) == len(steps) and all(
                part == step or (part == "{id}" and step and not exact) for part, step in zip(parts, steps, strict=True)
            )
            if fits and method == expected:
                return name
    return None


def judge(
    folder: Path,
    exchanges: Iterable[Exchange],
    profile: Profile,
    purposes: Mapping[str, set[int]],
    *,
    admin: bool,
    complete: bool,
    excused: Iterable[str] = (),
) -> Verdict:
    """`purposes` are the statuses that a check is about, by its name; `complete`: nothing was left out by hand.

    `excused` are operations that the run has said it cannot check.
    """
    statuses: dict[str, Counter[int]] = defaultdict(Counter)
    succeeded: set[str] = set()
    asked = False
    for each in exchanges:
        asked = asked or each.test != ""
        operation = operation_of(each.method, each.path)
        if operation is None:
            continue
        if 200 <= each.status < 300:
            succeeded.add(operation)
        if each.key.startswith("$") and each.status not in purposes.get(each.test, ()):
            statuses[operation][each.status] += 1
    vacuous = [said for operation, counted in statuses.items() for said in _too_many(operation, counted)]
    expected = [name for name in _expected(profile) if admin or "/api/migrate" not in OPERATIONS[name][1]]
    never = [name for name in expected if name not in succeeded]
    unseen = [_label(name) for name in never if name in set(excused)]
    if complete:
        vacuous += [f"{_label(name)}: not one request succeeded" for name in never if name not in set(excused)]
    if not asked:
        vacuous.append("no check asked the target")
    stopped = _lines(folder / STOPPED)
    if stopped:
        vacuous = [f"{stopped[0]}: nothing was sent after that"]
    untestable = _lines(folder / UNTESTABLE)
    return Verdict(_lines(folder / BREACH), [] if untestable else vacuous, untestable, unseen)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def _too_many(operation: str, counted: Counter[int]) -> list[str]:
    total = counted.total()
    return [
        f"{_label(operation)}: {counted[status]} of {total} answers were {status}"
        for status, share in SHARES_MAX.items()
        if total >= FEW and counted[status] > share * total
    ]


def _expected(profile: Profile) -> list[str]:
    if profile is Profile.OBSERVE:
        return [name for name, (method, _) in OPERATIONS.items() if method == "GET"]
    if profile is Profile.ISOLATED:
        return [name for name in OPERATIONS if name not in ("runMigration", "rollbackMigration")]
    return list(OPERATIONS)


def _label(operation: str) -> str:
    return " ".join(OPERATIONS[operation])
