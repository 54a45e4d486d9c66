"""Lead generated requests to tasks, leases and results that exist; a random id would only ever be not found."""

from zlib import crc32

from schemathesis import HookContext

from queue_contracts.checks.description import Description, GeneratedCase
from queue_contracts.targets import entries
from queue_contracts.targets.storage import Entry

HOLDER = "test-worker"
LEASED = [f"leased-{n}" for n in range(1, 9)]
FREE = [f"free-{n}" for n in range(1, 9)]
# The id of openapi.yaml's examples: a task under a lease of the worker named there, and a result beside it.
EXAMPLE = "task1"
KNOWN = [EXAMPLE, *LEASED, *FREE]
PORTABLE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-")


def unfinished() -> list[Entry]:
    """Tasks and leases under the known ids, and old-format data for a migration."""
    return [
        *(entries.new_task(task_id) for task_id in KNOWN),
        *(entries.new_lease(task_id, HOLDER, 600) for task_id in [EXAMPLE, *LEASED]),
        entries.old_pending("old-1", "old-2", "old-3"),
        *(entries.old_task(task_id) for task_id in ("old-1", "old-2", "old-3")),
        entries.old_lease("old-2", HOLDER),
    ]


def populated() -> list[Entry]:
    """The same, and a result under each of the known ids."""
    return [*unfinished(), *(entries.result(task_id) for task_id in KNOWN)]


def steer(description: Description) -> None:
    """Swap about half of the portable ids and worker names for known ones.

    What is swapped depends on the value alone, so a run stays a function of its seed. Only portable values are, and for
    portable ones, so a case stays as valid or invalid as it was.
    """

    def to_known(context: HookContext, case: GeneratedCase) -> GeneratedCase:
        task_id = case.path_parameters.get("id")
        if isinstance(task_id, str) and task_id not in KNOWN and _is_portable(task_id):
            case.path_parameters["id"] = _swapped(task_id, KNOWN)
        body: object = case.body
        if isinstance(body, dict) and isinstance(body.get("workerId"), str) and _is_portable(body["workerId"]):
            case.body = {**body, "workerId": _swapped(body["workerId"], [HOLDER])}
        return case

    description.hooks.hook("map_case")(to_known)


def _is_portable(text: str) -> bool:
    return 1 <= len(text) <= 64 and PORTABLE.issuperset(text)


def _swapped(text: str, known: list[str]) -> str:
    draw = crc32(text.encode())
    return known[draw // 2 % len(known)] if draw % 2 else text
