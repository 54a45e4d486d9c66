"""What a user of the queue may rely on: each guarantee is a sentence, and a function that finds where it is broken.

They know what was asked and answered, and what the centre holds; they know nothing of how a queue can go wrong.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import TypeGuard

from queue_emulator.core.clock import parse_iso_8601
from queue_emulator.explore.behaviour import Behaviour
from queue_emulator.explore.guarantee import Broken, Guarantee
from queue_emulator.explore.history import Begun, Call, Centre, Ended, Happening, History, Kept

TASK, OLD_TASK = b"queue:task:", b"orchestrator:queue:"
LEASE, OLD_LEASE = b"queue:lease:", b"orchestrator:lease:"
PENDING = b"orchestrator:pending"

TTL_S = 3600  # of a task
_WHOLE_SECOND_MS = 999  # KV counts lifetimes in whole seconds
_SETTLED_MS = 60_000


def one_holder(history: History) -> Iterator[Broken]:
    """P1."""
    holders = _Holders()
    for position, happening in history.moments():
        for task, one, other in holders.see(happening):
            (name, how, version), (new, new_how, new_version) = one, other
            apart = () if version == new_version else ("-".join(sorted((version, new_version))),)
            yield Broken(
                "P1", (how, new_how, *apart), task, f"{name} holds {task} by its {how}, and so does {new}", position
            )


def nothing_lost(history: History) -> Iterator[Broken]:
    """P2."""
    yield from _unlisted(history, "P2", rolled_back=False)


def finished_stays_finished(history: History) -> Iterator[Broken]:
    """P3."""
    finished: set[str] = set()
    at_begin: dict[int, frozenset[str]] = {}
    for position, happening in history.moments():
        if isinstance(happening, Begun) and happening.call.verb == "claim":
            at_begin[id(happening.call)] = frozenset(finished)
        elif isinstance(happening, Ended) and happening.call.ok:
            call = happening.call
            if call.verb == "result" and call.task is not None:
                finished.add(call.task)
            elif call.verb == "claim" and call.task in at_begin[id(call)]:
                how = ("claim", "settled") if call.closing else ("claim",)
                yield Broken(
                    "P3", how, call.task or "", f"{call.actor.name} is given {call.task} after its result", position
                )


def no_failure(history: History) -> Iterator[Broken]:
    """P4."""
    for position, happening in history.moments():
        if isinstance(happening, Ended):
            call = happening.call
            if call.status >= 500 and not call.faulted:
                why = f"{call.actor.name}'s {call.verb} is answered {call.status}: {_said(call)}"
                yield Broken("P4", (call.verb,), call.task or "", why, position)


def migration_leaves_nothing(history: History) -> Iterator[Broken]:
    """P5."""
    centre, promises = history.centre(), _Promises(history)
    for position, happening in history.changes():
        centre.see(happening)
        promises.see(happening)
        if not (isinstance(happening, Ended) and _not_needed(happening.call)):
            continue
        now_ms = happening.call.ended_ms or 0
        for task in sorted(centre.live(OLD_TASK, now_ms).keys() & promises.kept(now_ms)):
            yield Broken(
                "P5", ("task",), task, f"{task} is left in the old format, and no migration is needed", position
            )
        for task in centre.live(OLD_LEASE, now_ms):
            why = f"the lease of {task} is left in the old format, and no migration is needed"
            yield Broken("P5", ("lease",), task, why, position)


def rollback_loses_nothing(history: History) -> Iterator[Broken]:
    """P6."""
    yield from _unlisted(history, "P6", rolled_back=True)


def no_longer_life(history: History) -> Iterator[Broken]:
    """P7."""
    centre = history.centre()
    before: dict[int, dict[tuple[bytes, str], Kept]] = {}
    for position, happening in history.changes():
        centre.see(happening)
        if isinstance(happening, Begun) and happening.call.verb == "run":
            now_ms = happening.call.begun_ms
            before[id(happening.call)] = {
                (prefix, task): kept for prefix in _MOVES for task, kept in centre.live(prefix, now_ms).items()
            }
        elif isinstance(happening, Ended) and happening.call.verb == "run" and not happening.call.closing:
            for (prefix, task), old in before[id(happening.call)].items():
                to, what = _MOVES[prefix]
                new = centre.kept.get(to + task.encode())
                longer_s = 0 if new is None or new.value is None else _longer_s(old, new)
                if longer_s > 0:
                    yield Broken("P7", (what,), task, f"the {what} {task} lives {longer_s} s longer", position)


def nothing_starves(history: History) -> Iterator[Broken]:
    """P8."""
    if not any(_told_nothing_is_free(happening) for _, happening in history.moments()):
        return
    centre, promises = history.centre(), _Promises(history)
    for position, happening in history.changes():
        centre.see(happening)
        promises.see(happening)
        if not _told_nothing_is_free(happening):
            continue
        call = happening.call
        now_ms, since_ms = call.ended_ms or 0, call.begun_ms - _SETTLED_MS
        for task, kept in centre.live(TASK, now_ms).items():
            if kept.written_ms <= since_ms and task in promises.kept(now_ms) and _free(centre, task, since_ms, now_ms):
                yield Broken(
                    "P8", ("claim",), task, f"{call.actor.name} is told that nothing is free, but {task} is", position
                )


def migration_ends(history: History) -> Iterator[Broken]:
    """P9."""
    runs, last = 0, None
    for position, happening in history.moments():
        if isinstance(happening, Ended) and happening.call.closing:
            runs += happening.call.verb == "run"
            if happening.call.verb == "migrate-status":
                last = (position, happening.call.member("needsMigration") is True)
    if last is not None and last[1] and runs:
        yield Broken("P9", ("run",), "", f"after {runs} more runs a migration is still needed", last[0])


def success_leaves_nothing(history: History) -> Iterator[Broken]:
    """P10."""
    centre = history.centre()
    named: dict[int, set[str]] = {}
    for position, happening in history.changes():
        centre.see(happening)
        if isinstance(happening, Begun) and happening.call.verb == "run":
            now_ms, pending = happening.call.begun_ms, centre.kept.get(PENDING)
            text = pending.value or b"" if pending is not None and pending.live(now_ms) else b""
            named[id(happening.call)] = {
                task for task in centre.live(OLD_TASK, now_ms) if json.dumps(task).encode() in text
            }
        elif isinstance(happening, Ended) and happening.call.verb == "run" and happening.call.member("success") is True:
            call = happening.call
            for task in sorted(centre.live(OLD_TASK, call.ended_ms or 0).keys() & named[id(call)]):
                yield Broken(
                    "P10", ("run",), task, f"the run says success, and {task} is still in the old format", position
                )


def holder_can_go_on(history: History) -> Iterator[Broken]:
    """P11."""
    holders, ended = _Holders(), set[str]()
    holding: dict[int, bool] = {}
    for position, happening in history.moments():
        if isinstance(happening, Begun) and happening.call.verb in ("renew", "result"):
            call = happening.call
            holding[id(call)] = (
                holders.holds(call.actor.name, call.task or "", call.begun_ms) and call.task not in ended
            )
            if call.verb == "result":
                ended.add(call.task or "")
        elif isinstance(happening, Ended) and holding.get(id(happening.call)) and 400 <= happening.call.status < 500:
            call = happening.call
            if holders.holds(call.actor.name, call.task or "", call.ended_ms or 0) or call.verb == "result":
                why = (
                    f"{call.actor.name} holds {call.task}, and its {call.verb} is answered {call.status}: {_said(call)}"
                )
                yield Broken("P11", (call.verb,), call.task or "", why, position)
        holders.see(happening)


_RACES = (Behaviour.CACHES, Behaviour.OVERLAP)
GUARANTEES = (
    Guarantee(
        "P1", "one holder",
        "While one holder has been told that it holds a task, and has neither released nor finished it nor run out of "
        "time, nobody else is told so.",
        one_holder,
        ("claim",),
    ),
    Guarantee(
        "P2", "nothing is lost",
        "A task that was accepted, that nobody began to finish, and whose hour is not over is listed once all has "
        "settled.",
        nothing_lost,
        ("list",),
        (*_RACES, Behaviour.FAULTS, Behaviour.PAGES, Behaviour.OPERATIONS),
    ),
    Guarantee(
        "P3", "finished stays finished",
        "A task whose result was accepted is given to no claim that begins later.",
        finished_stays_finished,
        ("result",),
    ),
    Guarantee(
        "P4", "no failure",
        "No request is answered with a 5xx unless a fault hit it.",
        no_failure,
        ("list",),
        (Behaviour.WRITE_RATE, Behaviour.OPERATIONS),
    ),
    Guarantee(
        "P5", "a migration leaves nothing",
        "Once status says that no migration is needed, no live task or lease is left in the old format.",
        migration_leaves_nothing,
        ("migrate-status",),
        (*_RACES, Behaviour.FAULTS, Behaviour.OPERATIONS),
    ),
    Guarantee(
        "P6", "a rollback loses nothing",
        "After a rollback every task that was accepted is listed in one format or the other.",
        rollback_loses_nothing,
        ("rollback",),
    ),
    Guarantee(
        "P7", "no lifetime is extended",
        "A run of the migration lengthens no lifetime.",
        no_longer_life,
        ("run",),
        (),
    ),
    Guarantee(
        "P8", "nothing starves",
        "Who is told that nothing is free is told the truth: no task was listed and free for the last minute.",
        nothing_starves,
        ("claim",),
        (*_RACES, Behaviour.PAGES),
    ),
    Guarantee(
        "P9", "a migration finishes",
        "Runs that are repeated while status says that one is needed come to an end.",
        migration_ends,
        ("migrate-status",),
        (Behaviour.OPERATIONS,),
    ),
    Guarantee(
        "P10", "success means success",
        "A run that says success left no live task that its list named.",
        success_leaves_nothing,
        ("run",),
        (*_RACES, Behaviour.FAULTS),
    ),
    Guarantee(
        "P11", "a holder can go on",
        "A holder whose time is not up can renew its lease and post its result.",
        holder_can_go_on,
        ("renew", "result"),
    ),
)  # fmt: skip
BY_ID = {guarantee.id: guarantee for guarantee in GUARANTEES}


_NEVER = (0, "", "")


class _Holders:
    """Who has been told to hold what, until when."""

    def __init__(self) -> None:
        self._until: dict[str, dict[str, tuple[int, str, str]]] = {}

    def holds(self, name: str, task: str, now_ms: int) -> bool:
        return self._until.get(task, {}).get(name, _NEVER)[0] > now_ms

    def see(self, happening: Begun | Ended) -> Sequence[tuple[str, tuple[str, str, str], tuple[str, str, str]]]:
        """Follow; gives a task and two holders for each new pair: who, by what, and by which version of the Worker."""
        call, verb = happening.call, happening.call.verb
        if isinstance(happening, Begun) and verb in ("release", "result"):
            self._until.get(call.task or "", {}).pop(call.actor.name, None)
        if isinstance(happening, Begun) or verb not in ("claim", "renew"):
            return ()
        task = call.task
        lease = call.member("lease")
        expires = lease.get("expiresAt") if isinstance(lease, dict) else None
        if task is None or not isinstance(expires, str):
            if call.verb == "renew" and 400 <= call.status < 500:
                self._until.get(task or "", {}).pop(call.actor.name, None)
            return ()
        now_ms = call.ended_ms or 0
        until_ms = parse_iso_8601(expires) - _WHOLE_SECOND_MS
        held = self._until.setdefault(task, {})
        name, version = call.actor.name, call.actor.version
        new = held.get(name, _NEVER)[0] <= now_ms < until_ms
        others = [(other, *by) for other, (end_ms, *by) in held.items() if end_ms > now_ms and other != name]
        held[name] = (until_ms, call.verb, version)
        return [(task, (other[0], other[1], other[2]), (name, verb, version)) for other in others] if new else ()


class _Promises:
    """Which tasks have been accepted and must still be there."""

    def __init__(self, history: History) -> None:
        self._until_ms: dict[str, int] = {}
        self._given_up: set[str] = set()
        for key, kept in history.before.items():
            for prefix in (TASK, OLD_TASK):
                if key.startswith(prefix):
                    self._until_ms[key[len(prefix) :].decode()] = (kept.expiration_s or 0) * 1000

    def see(self, happening: Happening) -> None:
        if isinstance(happening, Begun) and happening.call.verb == "result":
            self._given_up.add(happening.call.task or "")
        elif isinstance(happening, Ended) and happening.call.ok and happening.call.verb in ("enqueue", "status"):
            call, task = happening.call, happening.call.task or ""
            if call.verb == "enqueue" or task in self._until_ms:
                self._until_ms[task] = max(self._until_ms.get(task, 0), call.begun_ms + TTL_S * 1000)

    def kept(self, now_ms: int) -> set[str]:
        return {task for task, until_ms in self._until_ms.items() if until_ms > now_ms} - self._given_up


def _unlisted(history: History, guarantee: str, *, rolled_back: bool) -> Iterator[Broken]:
    """What the list at the end does not show, of histories with or without a rollback."""
    promises, was_rolled_back = _Promises(history), False
    for position, happening in history.moments():
        promises.see(happening)
        if not (isinstance(happening, Ended) and happening.call.ok):
            continue
        call = happening.call
        was_rolled_back = was_rolled_back or call.verb == "rollback"
        if call.closing and call.verb == "list" and was_rolled_back == rolled_back:
            pending = call.member("pending")
            shown = set(map(str, pending)) if isinstance(pending, list) else set()
            for task in sorted(promises.kept(call.begun_ms) - shown):
                yield Broken(guarantee, (), task, f"{task} was accepted and is listed nowhere", position)


def _told_nothing_is_free(happening: Happening) -> TypeGuard[Ended]:
    if not isinstance(happening, Ended):
        return False
    call = happening.call
    return call.verb == "claim" and call.actor.version == "new" and call.member("success") is False


def _free(centre: Centre, task: str, since_ms: int, now_ms: int) -> bool:
    """Whether the task has had no lease all that time."""
    lease = centre.kept.get(LEASE + task.encode())
    if lease is None:
        return True
    gone_ms = lease.written_ms if lease.value is None else (lease.expiration_s or 0) * 1000
    return not lease.live(now_ms) and gone_ms <= since_ms


def _longer_s(old: Kept, new: Kept) -> int:
    """How much longer what was moved lives than what it was moved from; a change since then begins a new life."""
    if old.expiration_s is None or new.expiration_s is None or b"updatedAt" in (new.value or b""):
        return 0
    return new.expiration_s - old.expiration_s


def _not_needed(call: Call) -> bool:
    return call.closing and call.verb == "migrate-status" and call.member("needsMigration") is False


def _said(call: Call) -> str:
    error = call.member("error")
    return re.split(r"(?<=[.!?])\s", str(call.body if error is None else error))[0][:100].rstrip(".")


_MOVES = {OLD_TASK: (TASK, "task"), OLD_LEASE: (LEASE, "lease")}
