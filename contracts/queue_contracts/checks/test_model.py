"""The life of tasks as random sequences of requests, each answer held against a model of the queue."""

import time
from collections import Counter
from collections.abc import Iterable
from enum import Enum

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from queue_contracts.checks.client import Client
from queue_contracts.checks.model import LEASE_S_DEFAULT, Queue, Task
from queue_contracts.checks.test_life_of_a_task import lasts
from queue_contracts.json_values import Fields
from queue_contracts.sending.run import Run
from queue_contracts.targets.control import Control

pytestmark = [
    pytest.mark.disposable,
    pytest.mark.slow,
    pytest.mark.requests(3000),
    pytest.mark.formats("new", "dual"),
    pytest.mark.purpose(404),
]

NAMES = ["Z", "a", "a1", "b-2", "task1"]
IDS = st.sampled_from(NAMES)
# Which of the ids that a request can do something with.
WHICH = st.integers(0, len(NAMES) - 1)
DAEMONS = ["daemon-1", "daemon-2", "größe 3"]
WORKERS = st.sampled_from(DAEMONS)
SECONDS = st.sampled_from([None, 60, 61, 300, 600])
STATUSES = st.sampled_from(["pending", "claimed", "completed", "failed"])
PAUSES_S = st.sampled_from([1, 20, 70, 70, 350, 3700])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
TASKS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["task", "query", "approval", "notification"]),
        "source": TEXT,
        "content": TEXT,
        "priority": st.sampled_from(["low", "medium", "high", "critical"]),
        "metadata": st.dictionaries(TEXT, JSON, max_size=2),
    },
    optional={"skillHints": st.lists(TEXT, max_size=2)},
)
RESULTS = st.fixed_dictionaries({"success": st.booleans()}, optional={"output": JSON, "error": TEXT})


class Step(Enum):
    """What a daemon does with a task it holds, or held."""

    RENEW = 1
    MARK = 2
    WAIT = 3
    RELEASE = 4
    FINISH = 5


# Between a request and its answer some real time passes, so nothing is asked when an expiry is this near.
MARGIN_S = 10
SEQUENCES = settings(
    max_examples=30,
    stateful_step_count=30,
    deadline=None,
    database=None,
    # Without shrinking: the sequence found is short enough to read, and each try of a shorter one costs requests.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)
# What must have happened at least once, or the run has shown nothing. One round may miss the rarest; then it goes on.
ROUNDS_MAX = 4
OUTCOMES = {
    "listed", "listed nothing", "claimed", "nothing free", "renewed", "not renewed", "released", "not released", "read",
    "not there", "marked", "nothing to mark", "finished", "result read", "no result", "something expired",
}  # fmt: skip


def test_every_answer_is_the_one_the_model_of_the_queue_gives(run: Run, client: Client, control: Control) -> None:
    outcomes: Counter[str] = Counter()

    class Machine(TaskMachine):
        def __init__(self) -> None:
            super().__init__(client, control, outcomes)

    for further in range(ROUNDS_MAX):
        run_state_machine_as_test(seed(run.seed + further)(Machine), settings=SEQUENCES)
        if set(outcomes) == OUTCOMES:
            return
    missing = ", ".join(sorted(OUTCOMES - set(outcomes)))
    raise AssertionError(f"no request of the random lives of tasks had this outcome: {missing}")


class TaskMachine(RuleBasedStateMachine):
    """Requests to a target and to the model, in step."""

    def __init__(self, client: Client, control: Control, outcomes: Counter[str]) -> None:
        super().__init__()
        self.client, self.control, self.outcomes = client, control, outcomes
        self.queue = Queue()
        self.queued_at: Fields = {}
        control.reset()
        self.seen_s = time.monotonic()

    @initialize(tasks=st.lists(TASKS, min_size=1, max_size=3))
    def start(self, tasks: list[Task]) -> None:
        for task_id, task in zip(NAMES, tasks, strict=False):
            self.enqueue(task_id, task)

    @invariant()
    def no_expiry_is_near(self) -> None:
        """Let real time into the model, and get past an expiry that the next request might race."""
        now_s = time.monotonic()
        self.let_pass(now_s - self.seen_s)
        self.seen_s = now_s
        while (left_s := self.queue.next_expiry_s()) is not None and left_s < MARGIN_S:
            self.move(2 * MARGIN_S)

    @rule(task_id=IDS, task=TASKS)
    def enqueue(self, task_id: str, task: Task) -> None:
        self.control.enqueue({"id": task_id, **task})
        self.queue.enqueue({"id": task_id, **task})
        self.queued_at.pop(task_id, None)

    @rule()
    def list_tasks(self) -> None:
        pending = self.queue.pending()
        assert self.client.ask("listPendingTasks").json() == {"pending": pending, "count": len(pending)}
        self.outcomes["listed" if pending else "listed nothing"] += 1

    def claim(self, worker_id: str, seconds: int | None) -> str | None:
        asked = {"workerId": worker_id} | ({} if seconds is None else {"leaseDurationSec": seconds})
        answer = self.client.ask("claimTask", body=asked).json()
        expected = self.queue.claim(worker_id, seconds)
        assert answer.get("taskId") == expected
        if expected is None:
            # Some deployments say how many tasks they looked at.
            assert answer["pending"] in (0, len(self.queue.tasks))
            self.outcomes["nothing free"] += 1
            return None
        self.is_the_task(expected, answer["task"])
        assert answer["lease"]["workerId"] == worker_id
        assert lasts(answer["lease"], "claimedAt", seconds or LEASE_S_DEFAULT)
        self.outcomes["claimed"] += 1
        return expected

    @rule(worker_id=WORKERS, seconds=SECONDS, steps=st.lists(st.sampled_from(list(Step)), max_size=4))
    def work(self, worker_id: str, seconds: int | None, steps: list[Step]) -> None:
        """As a daemon does: claim, and go on with the task for a while."""
        task_id = self.claim(worker_id, seconds)
        for step in steps if task_id else ():
            self.no_expiry_is_near()
            self.take(step, str(task_id), worker_id)

    @precondition(lambda self: self.queue.tasks)
    @rule(which=WHICH)
    def read_one(self, which: int) -> None:
        self.read(one_of(self.queue.tasks, which))

    @precondition(lambda self: self.queue.tasks)
    @rule(which=WHICH, status=STATUSES)
    def mark_one(self, which: int, status: str) -> None:
        self.mark(one_of(self.queue.tasks, which), status)

    @precondition(lambda self: self.queue.leases)
    @rule(which=WHICH, seconds=SECONDS)
    def renew_as_holder_and_not_as_another(self, which: int, seconds: int | None) -> None:
        task_id = one_of(self.queue.leases, which)
        holder = str(self.queue.holder(task_id))
        other = next(name for name in DAEMONS if name != holder)
        self.renew(task_id, other, seconds)
        self.release(task_id, other)
        self.renew(task_id, holder, seconds)

    @precondition(lambda self: self.queue.leases)
    @rule(which=WHICH, worker_id=st.none() | WORKERS)
    def release_one(self, which: int, worker_id: str | None) -> None:
        self.release(one_of(self.queue.leases, which), worker_id)

    @precondition(lambda self: self.queue.results)
    @rule(which=WHICH)
    def read_one_result(self, which: int) -> None:
        self.read_result(one_of(self.queue.results, which))

    @rule(task_id=IDS, worker_id=WORKERS, seconds=SECONDS, status=STATUSES)
    def ask_about_any(self, task_id: str, worker_id: str, seconds: int | None, status: str) -> None:
        self.read(task_id)
        self.mark(task_id, status)
        self.renew(task_id, worker_id, seconds)
        self.release(task_id, worker_id)
        self.read_result(task_id)

    @rule(task_id=IDS, result=RESULTS)
    def finish(self, task_id: str, result: Fields) -> None:
        assert self.client.ask("postResult", task_id, body=result).status_code == 200
        self.queue.finish(task_id, result)
        self.outcomes["finished"] += 1

    @precondition(lambda self: len(self.queue.tasks) > 2)
    @rule(result=RESULTS)
    def finish_everything(self, result: Fields) -> None:
        for task_id in self.queue.pending():
            self.finish(task_id, result)
        self.list_tasks()

    @rule(seconds=PAUSES_S)
    def move(self, seconds: float) -> None:
        self.control.advance(seconds)
        self.let_pass(seconds)

    def take(self, step: Step, task_id: str, worker_id: str) -> None:
        match step:
            case Step.RENEW:
                self.renew(task_id, worker_id, None)
            case Step.MARK:
                self.mark(task_id, "claimed")
            case Step.WAIT:
                self.move(45)
            case Step.RELEASE:
                self.release(task_id, worker_id)
            case Step.FINISH:
                self.finish(task_id, {"success": True})

    def read(self, task_id: str) -> None:
        response = self.client.ask("getTask", task_id)
        if self.queue.task(task_id) is None:
            assert response.status_code == 404
        else:
            assert response.status_code == 200
            self.is_the_task(task_id, response.json())
        self.outcomes["read" if response.status_code == 200 else "not there"] += 1

    def mark(self, task_id: str, status: str) -> None:
        response = self.client.ask("updateTaskStatus", task_id, body={"status": status})
        marked = self.queue.mark(task_id, status)
        assert response.status_code == (200 if marked else 404)
        if marked:
            assert response.json() == {"success": True, "status": status}
        self.outcomes["marked" if marked else "nothing to mark"] += 1

    def renew(self, task_id: str, worker_id: str, seconds: int | None) -> None:
        asked = {"workerId": worker_id} | ({} if seconds is None else {"extendSec": seconds})
        response = self.client.ask("renewLease", task_id, body=asked)
        renewed = self.queue.renew(task_id, worker_id, seconds)
        assert response.status_code == (200 if renewed else 403)
        if renewed:
            assert response.json()["lease"]["workerId"] == worker_id
            assert lasts(response.json()["lease"], "renewedAt", seconds or LEASE_S_DEFAULT)
        self.outcomes["renewed" if renewed else "not renewed"] += 1

    def release(self, task_id: str, worker_id: str | None) -> None:
        response = self.client.ask("releaseLease", task_id, body={} if worker_id is None else {"workerId": worker_id})
        released = self.queue.release(task_id, worker_id)
        assert response.status_code == (200 if released else 403)
        self.outcomes["released" if released else "not released"] += 1

    def read_result(self, task_id: str) -> None:
        response = self.client.ask("getResult", task_id)
        expected = self.queue.result(task_id)
        assert response.status_code == (404 if expected is None else 200)
        if expected is not None:
            assert response.json() == expected
        self.outcomes["no result" if expected is None else "result read"] += 1

    def let_pass(self, seconds: float) -> None:
        def kept() -> int:
            return len(self.queue.tasks) + len(self.queue.leases) + len(self.queue.results)

        before = kept()
        self.queue.pass_time(seconds)
        if kept() < before:
            self.outcomes["something expired"] += 1

    def is_the_task(self, task_id: str, task: Task) -> None:
        """As it was queued, with the status it has, and queued when it was at the first look."""
        own = {name: task[name] for name in task if name not in ("queuedAt", "updatedAt")}
        assert own == self.queue.task(task_id)
        assert task["queuedAt"] == self.queued_at.setdefault(task_id, task["queuedAt"])


def one_of(known: Iterable[str], which: int) -> str:
    there = sorted(known)
    return there[which % len(there)]
