"""Histories written by hand: what a queue that breaks its guarantees would show."""

from typing import Any

from queue_emulator.core.clock import iso_8601
from queue_emulator.core.journal import Event
from queue_emulator.explore.history import Actor, Begun, Call, Ended, History, Kept, Settled, Step
from queue_emulator.explore.queue import QUEUE, data
from queue_emulator.explore.requests import VERBS, Request
from queue_emulator.explore.times import START_MS


class Told:
    """A history as it is told, line by line; each line takes a second."""

    def __init__(self, *before: str, final: str = "new") -> None:
        self.now_ms = START_MS
        self.history = History(dict(data(before)[1]), final, guarantees=QUEUE.guarantees)
        self._steps = 0

    def begin(self, name: str, verb: str, task: str | None = None, *, closing: bool = False) -> Call:
        self.now_ms += 1000
        row = VERBS[verb]
        request = Request(verb, row.method, row.path, b"", task)
        call = Call(Actor(name, "SJC"), 1, request, self.now_ms, closing)
        self.history.happenings.append(Begun(call))
        return call

    def end(self, call: Call, body: Any = None, status: int = 200) -> None:
        self.now_ms += 1000
        call.status, call.body, call.ended_ms = status, body, self.now_ms
        self.history.happenings.append(Ended(call))

    def ask(self, name: str, verb: str, task: str | None = None, body: Any = None, status: int = 200) -> None:
        self.end(self.begin(name, verb, task), body, status)

    def look(self, verb: str, body: Any = None, status: int = 200) -> None:
        """As one who looks at the end."""
        self.end(self.begin("looker", verb, closing=True), body, status)

    def settle(self) -> None:
        self.now_ms += 60_000
        self.history.happenings.append(Settled(self.now_ms))

    def put(self, call: Call, key: str, value: str | None = "{}", ttl_s: int = 3600) -> None:
        """A put, or a delete if `value` is None."""
        self._steps += 1
        kind = "delete" if value is None else "put"
        now_ms, raw = self.now_ms, key.encode()
        event = Event(self._steps, self._steps, now_ms, now_ms, now_ms, "SJC", "", "", kind, raw, version=self._steps)
        content = None if value is None else value.encode()
        ends_s = None if value is None else now_ms // 1000 + ttl_s
        self.history.happenings.append(Step(self._steps, now_ms, call, kind, raw, event, content, ends_s))

    def keep(self, key: str, value: str | None, ttl_s: int = 3600) -> None:
        """Something that was there before it all began."""
        content = None if value is None else value.encode()
        kept = Kept(content, START_MS // 1000 + ttl_s, START_MS - 120_000)
        self.history.before = {**self.history.before, key.encode(): kept}

    def lease(self, seconds: int = 120) -> Any:
        return {"success": True, "lease": {"expiresAt": iso_8601(self.now_ms + seconds * 1000)}}

    def given(self, task: str, seconds: int = 120) -> Any:
        return {**self.lease(seconds), "taskId": task}


NEEDED = {"needsMigration": True}
NOT_NEEDED = {"needsMigration": False}


def two_holders() -> History:
    told = Told("new t1")
    told.ask("a", "claim", body=told.given("t1"))
    told.ask("b", "claim", body=told.given("t1"))
    return told.history


def lost_task() -> History:
    told = Told("new t1")
    told.ask("h", "enqueue", "t2")
    told.settle()
    told.look("list", {"pending": ["t1"]})
    return told.history


def finished_task_again() -> History:
    told = Told("new t1")
    told.ask("a", "result", "t1", {"success": True})
    told.ask("b", "claim", body=told.given("t1"))
    return told.history


def failure() -> History:
    told = Told()
    told.ask("a", "list", status=500)
    return told.history


def left_in_the_old_format() -> History:
    told = Told("old t1")
    told.settle()
    told.look("migrate-status", NOT_NEEDED)
    return told.history


def lost_by_rollback() -> History:
    told = Told("new t1")
    told.ask("op", "rollback", body={"success": True})
    told.settle()
    told.look("list", {"pending": []})
    return told.history


def longer_life() -> History:
    told = Told("old t1")
    run = told.begin("op", "run")
    told.put(run, "queue:task:t1")
    told.end(run, {"success": False}, 207)
    return told.history


def starving() -> History:
    told = Told("new t1")
    told.ask("a", "claim", body={"success": False})
    return told.history


def endless_migration() -> History:
    told = Told("old t1")
    told.settle()
    for _ in range(2):
        told.look("migrate-status", NEEDED)
        told.look("run", {"success": False}, 207)
    told.look("migrate-status", NEEDED)
    return told.history


def success_that_is_none() -> History:
    told = Told("old t1")
    told.ask("op", "run", body={"success": True})
    return told.history


def holder_that_is_refused() -> History:
    told = Told("new t1")
    told.ask("a", "claim", body=told.given("t1"))
    told.ask("a", "renew", "t1", {"error": "Invalid lease or not holder"}, 403)
    return told.history


MUTANTS = {
    "P1": two_holders,
    "P2": lost_task,
    "P3": finished_task_again,
    "P4": failure,
    "P5": left_in_the_old_format,
    "P6": lost_by_rollback,
    "P7": longer_life,
    "P8": starving,
    "P9": endless_migration,
    "P10": success_that_is_none,
    "P11": holder_that_is_refused,
}
