"""What a caller may rely on, though the queue lies in a KV whose locations see each other's writes late.

Each guarantee is a function of a stage: a target seen from the places it can be asked at. It writes under ids of its
own that nobody has looked up before, and gives back when each place saw what was written. Where the guarantee is not
kept it raises WrongValue, NeverSettled or another AssertionError.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import httpx

from queue_contracts.checks.client import Client
from queue_contracts.checks.settling import Passing, pass_window, settle
from queue_contracts.json_values import Fields
from queue_contracts.targets import entries
from queue_contracts.targets.storage import Storage

# KV takes one write a second to one key: https://developers.cloudflare.com/kv/platform/limits/
BETWEEN_WRITES_S = 1.2
HOLDER, OTHER = "ct-holder", "ct-other"


@dataclass(frozen=True)
class Place:
    """A location, and how to ask the target there."""

    name: str
    client: Client


@dataclass(frozen=True)
class Stage:
    """`elsewhere` is empty where a caller cannot choose the location: whatever answers must then keep the guarantees.

    own_id       a new id that begins as all ids of this run do
    shared_list  whether every task and result writes one key: the pending list of the old format
    """

    here: Place
    elsewhere: tuple[Place, ...]
    passing: Passing
    own_id: Callable[[str], str]
    storage: Storage | None = field(default=None, repr=False)
    shared_list: bool = False

    @property
    def everywhere(self) -> tuple[Place, ...]:
        return self.elsewhere or (self.here,)

    def queue_a_task(self, name: str) -> tuple[str, Fields]:
        """A new task, put into KV; its id and itself."""
        assert self.storage is not None
        task_id = self.own_id(name)
        self.storage.seed([entries.new_task(task_id)])
        return task_id, entries.task(task_id)

    def between_writes(self) -> None:
        """Let enough time pass for the same key to be written again."""
        self.passing.wait(BETWEEN_WRITES_S)


@dataclass(frozen=True)
class Seen:
    """When a place saw what was written."""

    place: str
    after_s: float

    def __str__(self) -> str:
        when = "at once" if self.after_s == 0 else f"after {self.after_s:.1f} s"
        return f"{when} at {self.place}"


Guarantee: TypeAlias = Callable[[Stage], list[Seen]]


def a_result_is_read_where_it_was_posted(stage: Stage) -> list[Seen]:
    task_id = stage.own_id("result")
    outcome = post_result(stage.here, task_id, "first")
    return [sees_result(stage, stage.here, task_id, outcome, before=None)]


def a_result_that_replaces_another_is_read_where_it_was_posted(stage: Stage) -> list[Seen]:
    task_id = stage.own_id("result")
    first = post_result(stage.here, task_id, "first")
    sees_result(stage, stage.here, task_id, first, before=None)
    stage.between_writes()
    second = post_result(stage.here, task_id, "second")
    return [sees_result(stage, stage.here, task_id, second, before=first)]


def a_result_is_read_everywhere(stage: Stage) -> list[Seen]:
    task_id = stage.own_id("result")
    outcome = post_result(stage.here, task_id, "first")
    return [sees_result(stage, place, task_id, outcome, before=None) for place in stage.everywhere]


def a_result_that_replaces_another_is_read_everywhere(stage: Stage) -> list[Seen]:
    """Although each place has looked at the first one, and keeps it."""
    task_id = stage.own_id("result")
    first = post_result(stage.here, task_id, "first")
    for place in stage.everywhere:
        sees_result(stage, place, task_id, first, before=None)
    stage.between_writes()
    second = post_result(stage.here, task_id, "second")
    return [sees_result(stage, place, task_id, second, before=first) for place in stage.everywhere]


def a_result_that_was_asked_for_too_early_is_read_everywhere(stage: Stage) -> list[Seen]:
    """Although each place keeps that there is none. Only where time can be moved: else it takes a minute each time."""
    task_id = stage.own_id("result")
    for place in stage.everywhere:
        assert place.client.ask("getResult", task_id).status_code == 404
    outcome = post_result(stage.here, task_id, "first")
    return [sees_result(stage, place, task_id, outcome, before=None) for place in stage.everywhere]


def a_task_that_was_queued_is_listed_and_read_everywhere(stage: Stage) -> list[Seen]:
    task_id, task = stage.queue_a_task("queued")
    seen = [listed(stage, place, task_id) for place in stage.everywhere]
    seen += [sees_task(stage, place, task_id, task, before=None) for place in stage.everywhere]
    finish(stage, task_id)
    return seen


def a_status_is_read_where_it_was_set(stage: Stage) -> list[Seen]:
    return _status(stage, (stage.here,))


def a_status_is_read_everywhere(stage: Stage) -> list[Seen]:
    """Although each place has looked at the task before, and keeps it as it was."""
    return _status(stage, stage.everywhere)


def a_finished_task_is_gone_where_it_was_finished(stage: Stage) -> list[Seen]:
    return _finished(stage, (stage.here,))


def a_finished_task_is_gone_everywhere(stage: Stage) -> list[Seen]:
    """Although each place has listed it before, and keeps that list."""
    return _finished(stage, stage.everywhere)


def a_task_is_claimed_and_its_lease_holds_where_it_was_taken(stage: Stage) -> list[Seen]:
    task_id = _claimed(stage)
    stage.between_writes()
    renewed = settle(
        lambda: stage.here.client.ask("renewLease", task_id, body={"workerId": HOLDER}).status_code,
        seen=lambda status: status == 200,
        before=lambda status: status == 403,
        passing=stage.passing,
    )
    assert stage.here.client.ask("renewLease", task_id, body={"workerId": OTHER}).status_code == 403
    assert stage.here.client.ask("releaseLease", task_id, body={"workerId": OTHER}).status_code == 403
    finish(stage, task_id)
    return [Seen(stage.here.name, renewed.after_s)]


def a_lease_holds_everywhere_once_the_window_has_passed(stage: Stage) -> list[Seen]:
    """Although the places may have seen before that there was none."""
    task_id = _claimed(stage, looked_at_before=stage.passing.moved)
    pass_window(stage.passing)
    for place in stage.everywhere:
        assert place.client.ask("releaseLease", task_id, body={"workerId": OTHER}).status_code == 403, place.name
        answer = place.client.ask("claimTask", body={"workerId": OTHER, "leaseDurationSec": 60}).json()
        assert answer.get("taskId") != task_id, f"{place.name} claimed {task_id} although {HOLDER} holds it"
    finish(stage, task_id)
    return []


def a_lease_that_was_given_back_is_free_everywhere_once_the_window_has_passed(stage: Stage) -> list[Seen]:
    task_id = _claimed(stage)
    stage.between_writes()
    assert stage.here.client.ask("releaseLease", task_id, body={"workerId": HOLDER}).status_code == 200
    pass_window(stage.passing)
    place = stage.everywhere[-1]
    answer = place.client.ask("claimTask", body={"workerId": OTHER}).json()
    assert answer.get("taskId") == task_id, f"{place.name} did not claim {task_id}, although nobody holds it: {answer}"
    finish(stage, task_id)
    return []


# Kept by the Worker's own routes, without anything put into KV past it.
BY_THE_ROUTES: tuple[Guarantee, ...] = (
    a_result_is_read_where_it_was_posted,
    a_result_that_replaces_another_is_read_where_it_was_posted,
    a_result_is_read_everywhere,
    a_result_that_replaces_another_is_read_everywhere,
)
WITH_TASKS: tuple[Guarantee, ...] = (
    a_task_that_was_queued_is_listed_and_read_everywhere,
    a_status_is_read_where_it_was_set,
    a_status_is_read_everywhere,
    a_finished_task_is_gone_where_it_was_finished,
    a_finished_task_is_gone_everywhere,
    a_task_is_claimed_and_its_lease_holds_where_it_was_taken,
    a_lease_holds_everywhere_once_the_window_has_passed,
    a_lease_that_was_given_back_is_free_everywhere_once_the_window_has_passed,
)
WITH_MOVED_TIME: tuple[Guarantee, ...] = (a_result_that_was_asked_for_too_early_is_read_everywhere,)


def post_result(place: Place, task_id: str, output: str) -> Fields:
    outcome: Fields = {"success": True, "output": output}
    assert place.client.ask("postResult", task_id, body=outcome).status_code == 200
    return outcome


def finish(stage: Stage, task_id: str) -> None:
    """End a task, and let it be forgotten everywhere before another guarantee claims the first free one."""
    stage.between_writes()
    post_result(stage.here, task_id, "done")
    for place in (stage.here, *stage.elsewhere):
        _unlisted(stage, place, task_id)


def sees_result(stage: Stage, place: Place, task_id: str, outcome: Fields, *, before: Fields | None) -> Seen:
    """Wait for `outcome`; until then the result may be `before`, or not be there."""
    return _reads(stage, place, "getResult", task_id, outcome, [before])


def sees_task(stage: Stage, place: Place, task_id: str, task: Fields | None, *, before: Fields | None) -> Seen:
    """Wait for `task`, or for its absence; until then it may be `before`."""
    return _reads(stage, place, "getTask", task_id, task, [before])


def listed(stage: Stage, place: Place, task_id: str) -> Seen:
    """Wait until the task is listed."""
    settled = settle(
        lambda: pending(place), seen=lambda ids: task_id in ids, before=lambda ids: True, passing=stage.passing
    )
    return Seen(place.name, settled.after_s)


def pending(place: Place) -> list[str]:
    ids: list[str] = place.client.ask("listPendingTasks").json()["pending"]
    return ids


def _unlisted(stage: Stage, place: Place, task_id: str) -> Seen:
    settled = settle(
        lambda: pending(place), seen=lambda ids: task_id not in ids, before=lambda ids: True, passing=stage.passing
    )
    return Seen(place.name, settled.after_s)


def _status(stage: Stage, places: tuple[Place, ...]) -> list[Seen]:
    task_id, task = stage.queue_a_task("marked")
    for place in {each.name: each for each in (stage.here, *places)}.values():
        sees_task(stage, place, task_id, task, before=None)
    stage.between_writes()
    assert stage.here.client.ask("updateTaskStatus", task_id, body={"status": "failed"}).status_code == 200
    seen = [sees_task(stage, place, task_id, {**task, "status": "failed"}, before=task) for place in places]
    finish(stage, task_id)
    return seen


def _finished(stage: Stage, places: tuple[Place, ...]) -> list[Seen]:
    task_id, task = stage.queue_a_task("finished")
    for place in places:
        listed(stage, place, task_id)
        sees_task(stage, place, task_id, task, before=None)
    stage.between_writes()
    post_result(stage.here, task_id, "done")
    seen = [sees_task(stage, place, task_id, None, before=task) for place in places]
    seen += [_unlisted(stage, place, task_id) for place in places]
    finish(stage, task_id)
    return seen


def _claimed(stage: Stage, *, looked_at_before: bool = False) -> str:
    """A new task that HOLDER has claimed here; nothing else is free."""
    task_id, _ = stage.queue_a_task("claimed")
    if looked_at_before:
        for place in stage.everywhere:
            assert place.client.ask("renewLease", task_id, body={"workerId": OTHER}).status_code == 403
    listed(stage, stage.here, task_id)
    settle(
        lambda: stage.here.client.ask("claimTask", body={"workerId": HOLDER, "leaseDurationSec": 600}).json(),
        seen=lambda answer: answer.get("taskId") == task_id,
        before=lambda answer: answer["success"] is False,
        passing=stage.passing,
    )
    return task_id


def _reads(
    stage: Stage,
    place: Place,
    operation_id: str,
    task_id: str,
    new: Fields | None,
    old: list[Fields | None],
) -> Seen:
    settled = settle(
        lambda: _said(place.client.ask(operation_id, task_id)),
        seen=lambda said: said == new,
        before=lambda said: said in (*old, None),
        passing=stage.passing,
    )
    return Seen(place.name, settled.after_s)


def _said(response: httpx.Response) -> Fields | None:
    """The body without the moment of the last change; None if there is nothing."""
    if response.status_code == 404:
        return None
    assert response.status_code == 200, f"{response.request.method} {response.request.url}: {response.status_code}"
    return {name: value for name, value in response.json().items() if name != "updatedAt"}


def every_guarantee() -> Iterator[Guarantee]:
    yield from BY_THE_ROUTES
    yield from WITH_TASKS
    yield from WITH_MOVED_TIME
