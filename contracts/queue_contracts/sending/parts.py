"""Which of the described operations a deployment has, and in which format it keeps its queue.

Asked before the first check, by requests that change nothing: bodies that are not JSON, routes without their key. A
route that is not there is 404, or 405 where its path is another's too.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass

import httpx

from queue_contracts.described.operations import packaged_description
from queue_contracts.profiles import Profile
from queue_contracts.targets import entries
from queue_contracts.targets.control import Control
from queue_contracts.targets.formats import Format
from queue_contracts.targets.target import Ability, Scope, Target, scope_of

ABSENT = (404, 405)
REQUESTS_MAX = 13
_NOT_JSON = b"{"
_NO_ROUTE = "/api/migrate/no-such-route"
_WINDOW_S = 61  # for which a location goes on with the list that it has kept


@dataclass(frozen=True)
class Parts:
    """What was found: ids of operations that are missing, and the format; None where it could not be told."""

    missing: frozenset[str] = frozenset()
    format: Format | None = None

    def labels(self, tags: Container[str]) -> list[str]:
        """Of the missing operations with one of these tags."""
        operations = packaged_description().operations.values()
        return [each.label for each in operations if each.id in self.missing and each.tag in tags]


@dataclass(frozen=True)
class _Probe:
    """`known`: tells something only where the task that it asks for is there."""

    operation: str
    content: bytes | None = None
    known: bool = False


_READING = (_Probe("getMigrationStatus"),)
_WRITING = (
    _Probe("releaseLease", _NOT_JSON),
    _Probe("renewLease", _NOT_JSON),
    _Probe("postResult", _NOT_JSON),
)
_WITH_DATA = (
    _Probe("listPendingTasks"),
    _Probe("claimTask", _NOT_JSON),
    _Probe("getTask", known=True),
    _Probe("getResult", known=True),
    _Probe("updateTaskStatus", _NOT_JSON, known=True),
)


def find_parts(
    target: Target, http: httpx.Client, profile: Profile, own_prefix: str, answered: Mapping[str, int] | None = None
) -> Parts:
    """Ask as far as the profile and the target allow; what cannot be asked for is taken to be there.

    `answered` has the statuses of GETs that were sent before.
    """
    look = _Look(target, http, answered or {})
    task_id = f"{own_prefix}probe"
    probes = (*_READING, *_WRITING) if profile.terms.writes else _READING
    if target.can(Ability.SEED, Ability.RESET, Ability.MOVE_TIME) and not profile.terms.shared:
        control = Control(target, http)
        old_id = f"{task_id}-old"
        _put_in(control, target, task_id, old_id)
        found = look.format_of(task_id, old_id)
        task_id = old_id if found is Format.OLD else task_id
        missing = look.missing((*probes, *_WITH_DATA), task_id) | look.missing_of_the_operator()
        control.reset()
        return Parts(missing, found)
    missing = look.missing(probes, task_id)
    return Parts(missing if profile.terms.shared else missing | look.missing_of_the_operator())


def _put_in(control: Control, target: Target, task_id: str, old_id: str) -> None:
    """A task with its result in the new format, and one in the old."""
    control.reset()
    if not target.can(Ability.AT_ONCE):
        control.advance(_WINDOW_S)
    control.seed(
        [
            *(entries.new_task(task_id), entries.result(task_id)),
            *(entries.old_pending(old_id), entries.old_task(old_id), entries.result(old_id)),
        ]
    )


@dataclass(frozen=True)
class _Look:
    target: Target
    http: httpx.Client
    answered: Mapping[str, int]

    def format_of(self, new_id: str, old_id: str) -> Format | None:
        """By what the list shows of one task in each format."""
        try:
            listed = self._ask("GET", "/api/queue").json()["pending"]
        except (ValueError, LookupError, TypeError):
            return None
        return Format.that_lists(new=new_id in listed, old=old_id in listed)

    def missing(self, probes: tuple[_Probe, ...], task_id: str) -> frozenset[str]:
        found = set()
        for probe in probes:
            operation = packaged_description().operations[probe.operation]
            if scope_of(operation.template) is Scope.ADMIN and not self.target.admin_key:
                continue
            path = operation.template.replace("{id}", task_id)
            known = self.answered.get(path) if operation.method == "GET" else None
            if (known or self._ask(operation.method, path, probe.content).status_code) in ABSENT:
                found.add(operation.id)
        return frozenset(found)

    def missing_of_the_operator(self) -> frozenset[str]:
        """Of the routes that do something whatever they are sent, so that they are asked without their key.

        Where every path there asks for the key first, nothing can be told without it, and they are taken to be there.
        """
        if not self.target.admin_key or self._ask("POST", _NO_ROUTE, key=False).status_code not in ABSENT:
            return frozenset()
        routes = {"runMigration": "/api/migrate/run", "rollbackMigration": "/api/migrate/rollback"}
        return frozenset(
            operation for operation, path in routes.items() if self._ask("POST", path, key=False).status_code in ABSENT
        )

    def _ask(self, method: str, path: str, content: bytes | None = None, *, key: bool = True) -> httpx.Response:
        headers = {"X-API-Key": self.target.key(scope_of(path))} if key else {}
        if content is not None:
            headers["Content-Type"] = "application/json"
        return self.http.request(method, self.target.url + path, headers=headers, content=content)
