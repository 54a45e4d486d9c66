"""Why a sequence cannot be compared on a target: what it needs and is not there, or what must not be sent."""

from dataclasses import replace

from queue_contracts.compare.executor import Player
from queue_contracts.compare.steps import Compared, Key, Request, Seed, Sequence
from queue_contracts.described.operations import packaged_description
from queue_contracts.sending.rules import Asked, id_of_key
from queue_contracts.targets.target import Scope, scope_of

# What the answers to these are depends on everything in the queue, or they change everything in it.
_UNAUTHORIZED = 401
_OF_THE_WHOLE_QUEUE = frozenset(
    {"listPendingTasks", "claimTask", "getMigrationStatus", "runMigration", "rollbackMigration"}
)


def obstacle(sequence: Sequence, player: Player) -> str | None:
    """The first reason not to play a sequence on this target, or None."""
    reason = _forbidden(sequence, player) or _missing(sequence, player)
    return None if reason is None else f"{player.side.name} {reason}"


def without(sequence: Sequence, missing: frozenset[str]) -> Sequence:
    """The sequence without requests that a missing operation would only have refused for their key."""
    kept = [
        step
        for step in sequence.steps
        if not (isinstance(step, Request) and step.operation in missing and step.statuses == (_UNAUTHORIZED,))
    ]
    shorter = replace(sequence, steps=tuple(kept))
    return shorter if shorter.requests else sequence


def _forbidden(sequence: Sequence, player: Player) -> str | None:
    """What the profile has against a step. Captured names are still unknown here and stand for any other."""
    side, names = player.side, player.names()
    for step in sequence.steps:
        if isinstance(step, Seed) and side.profile.terms.shared:
            keys = [names.resolve(str(entry["key"])) for entry in step.entries]
            if not side.profile.terms.writes:
                return "may only be read: the profile forbids to write into its KV"
            foreign = next((key for key in keys if not id_of_key(key).startswith(names.prefix)), None)
            if foreign is not None:
                return f"is shared with others: {foreign} is not an id of this run"
        if isinstance(step, Request):
            sent, key = player.prepare(step, names)
            headers = dict(sent.headers) | ({} if key is None else {"X-API-Key": key})
            reason = side.objection(Asked(sent.method, sent.url, headers, sent.content or b""))
            if reason is not None:
                return f"does not allow every request: {reason}"
    return None


def _missing(sequence: Sequence, player: Player) -> str | None:
    side = player.side
    absent = next((each.operation for each in sequence.requests if each.operation in side.missing), None)
    if absent is not None:
        return f"has no {packaged_description().operations[absent].label}"
    if not side.admin_key and any(map(_needs_admin_key, sequence.requests)):
        return "has no admin key here"
    if side.deploy is None and sequence.deployment is not None:
        return "cannot be deployed in another way"
    if side.seed is None and sequence.seeds:
        return "cannot be seeded, and the sequence needs data in KV"
    if side.reset is None and any(map(_needs_empty_queue, sequence.requests)):
        return "cannot be emptied, and the sequence compares the whole queue"
    if sequence.worker_time and not side.worker_time:
        return "runs on real time: the Worker's own clock cannot be moved"
    waited_s = 0 if side.advance is not None else sequence.seconds_passed
    if waited_s > player.wait_s_max:
        return (
            f"has a clock that cannot be moved, and the sequence takes {waited_s} s: add --wait-s {waited_s} to wait "
            "for it"
        )
    return None


def _needs_admin_key(step: Request) -> bool:
    of_the_operator = scope_of(step.path) is Scope.ADMIN
    other = step.key is Key.OTHER_SCOPE and not of_the_operator
    return other or step.key is Key.ADMIN or (of_the_operator and step.key not in (Key.NONE, Key.EMPTY, Key.WRONG))


def _needs_empty_queue(step: Request) -> bool:
    succeeds = any(status < 400 or status >= 500 for status in step.statuses)
    return step.operation in _OF_THE_WHOLE_QUEUE and succeeds and step.compare is Compared.ANSWER
