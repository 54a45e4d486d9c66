"""What a run comes to: whether it kept to its profile, and whether it proves anything at all."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from queue_contracts.codes import Code
from queue_contracts.described.operations import Operation, packaged_description
from queue_contracts.names import ADMIN_KEY, QUEUE_KEY
from queue_contracts.profiles import Profile
from queue_contracts.sending.guard import BREACH, STOPPED, UNTESTABLE
from queue_contracts.sending.recorder import Exchange
from queue_contracts.targets.target import Scope, scope_of

SHARES_MAX = {429: 0.05, 401: 0.05, 404: 0.85}
FEW = 10
_KEYS = {Scope.QUEUE: f"${QUEUE_KEY}", Scope.ADMIN: f"${ADMIN_KEY}"}


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


@dataclass(frozen=True)
class Evidence:
    """What there is to judge a run by.

    purposes  the statuses that a check is about, by its name
    admin     whether the run had the admin key
    complete  nothing was left out by hand
    excused   operations that the run has said it cannot check
    """

    folder: Path
    exchanges: Sequence[Exchange]
    profile: Profile
    purposes: Mapping[str, set[int]]
    admin: bool
    complete: bool
    excused: frozenset[str] = frozenset()

    def told(self, file: str) -> list[str]:
        path = self.folder / file
        return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def judge(run: Evidence) -> Verdict:
    """A run that was stopped says why, and one that cannot go on says nothing else of what it did not see."""
    never = _never_succeeded(run)
    stopped, untestable = run.told(STOPPED), run.told(UNTESTABLE)
    vacuous = [f"{stopped[0]}: nothing more was sent"] if stopped else list(_signs_of_vacuity(run, never))
    unseen = [each.label for each in never if each.id in run.excused]
    return Verdict(run.told(BREACH), [] if untestable else vacuous, untestable, unseen)


def _signs_of_vacuity(run: Evidence, never: Iterable[Operation]) -> Iterator[str]:
    for operation, statuses in _statuses(run).items():
        yield from _too_many(operation, statuses)
    if run.complete:
        yield from (f"{each.label}: not one request succeeded" for each in never if each.id not in run.excused)
    if not any(each.test for each in run.exchanges):
        yield "no check sent a request to the target"


def _statuses(run: Evidence) -> dict[str, Counter[int]]:
    """How the requests with the right key were answered, by operation; what a check is about is no sign of anything."""
    statuses: dict[str, Counter[int]] = defaultdict(Counter)
    for each in run.exchanges:
        operation = packaged_description().find(each.method, each.path)
        with_its_key = each.key == _KEYS[scope_of(each.path)]
        if operation is not None and with_its_key and each.status not in run.purposes.get(each.test, ()):
            statuses[operation.label][each.status] += 1
    return statuses


def _too_many(operation: str, statuses: Counter[int]) -> Iterator[str]:
    total = statuses.total()
    for status, share in SHARES_MAX.items():
        if total >= FEW and statuses[status] > share * total:
            yield f"{operation}: {statuses[status]} of {total} answers were {status}"


def _never_succeeded(run: Evidence) -> list[Operation]:
    description = packaged_description()
    found = (description.find(each.method, each.path) for each in run.exchanges if 200 <= each.status < 300)
    succeeded = {operation.id for operation in found if operation is not None}
    return [each for each in description.operations.values() if _expected(run, each) and each.id not in succeeded]


def _expected(run: Evidence, operation: Operation) -> bool:
    """Whether a whole run in this profile, with these keys, must see the operation succeed."""
    terms, of_the_operator = run.profile.terms, scope_of(operation.template) is Scope.ADMIN
    if operation.method == "GET":
        return run.admin or not of_the_operator
    return terms.writes and not (of_the_operator and (terms.shared or not run.admin))
