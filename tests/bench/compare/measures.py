"""What is asked of running targets, each question a row of a table."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.compare import data
from tests.bench.compare.client import Connection, Spent, in_turn, request, timed
from tests.bench.compare.targets import ADMIN_KEY, QUEUE_KEY, Running

LIST_QUEUE = request("GET", "/api/queue", key=QUEUE_KEY)
_CLAIM = request("POST", "/api/queue/claim", b'{"workerId":"bench"}', key=QUEUE_KEY)
_RESULT = b'{"success":true,"output":"done"}'
_MIGRATE = request("POST", "/api/migrate/run", key=ADMIN_KEY)

Turn = Callable[[Running, Sequence[Connection]], Spent]
"""Asks one target once, and says what that took."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: how often, and the sizes of what is large."""

    rounds: int = 15
    slow_rounds: int = 5
    requests: int = 100
    cycles: int = 30
    queued: tuple[int, ...] = (0, 100, 1_000)
    leased: tuple[int, ...] = (100, 900)
    migrated: tuple[int, ...] = (200, 1_000)
    seeded: int = 10_000
    listed: tuple[int, int] = (1_000, 1_000_000)
    grown: tuple[int, ...] = (10, 100, 1_000)


QUICK = Sizes(1, 1, 4, 2, (0, 1_000), (20,), (20,), 200, (1_000, 2_000), (4, 8, 16))


@dataclass(frozen=True, slots=True)
class Measure:
    """`turn` is taken over the data `content`, loaded once, or, if `fresh`, before every turn.

    A turn does `units` things, of which the time of one is told.
    """

    name: str
    content: bytes
    turn: Turn
    units: int
    rounds: int
    fresh: bool = False


def measures(sizes: Sizes) -> list[Measure]:
    """In the order in which they are taken."""
    often, seldom, requests = sizes.rounds, sizes.slow_rounds, sizes.requests
    lists = _asked([LIST_QUEUE] * requests)
    gets = _asked([request("GET", f"/api/queue/{data.task_id(each)}", key=QUEUE_KEY) for each in range(requests)])
    seeded = _loaded(data.tasks(sizes.seeded))
    return [
        *(Measure(queue_of(each), data.tasks(each), lists, requests, often) for each in sizes.queued),
        Measure(GET_TASK, data.tasks(1_000), gets, requests, often),
        Measure(CLAIM_AND_RESULT, data.tasks(sizes.cycles), _cycles(sizes.cycles), sizes.cycles, often, fresh=True),
        *(Measure(claim_behind(each), data.leased_but_last(each), _claim, 1, often) for each in sizes.leased),
        *(
            Measure(migration_of(each), data.old_tasks(each), _migration(each), 1, seldom, fresh=True)
            for each in sizes.migrated
        ),
        Measure(f"seeding {sizes.seeded:,} keys", data.tasks(0), seeded, 1, seldom, fresh=True),
    ]


GET_TASK = "GET /api/queue/{id}"
CLAIM_AND_RESULT = "claim + result"


def queue_of(tasks: int) -> str:
    return f"GET /api/queue, {tasks:,} tasks"


def claim_behind(leased: int) -> str:
    return f"claim behind {leased:,} leased tasks"


def migration_of(tasks: int) -> str:
    return f"migration of {tasks:,} tasks"


def _asked(requests: Sequence[bytes]) -> Turn:
    """The requests, on several connections at once."""
    return lambda running, connections: in_turn(connections, requests)


def _cycles(count: int) -> Turn:
    """A daemon's work: claim a task, post its result, again and again."""

    def work(connection: Connection) -> None:
        for _ in range(count):
            claimed = json.loads(connection.ask(_CLAIM).body)
            connection.ask(request("POST", f"/api/result/{claimed['taskId']}", _RESULT, key=QUEUE_KEY))

    return lambda running, connections: timed(lambda: work(connections[0]))[1]


def _claim(running: Running, connections: Sequence[Connection]) -> Spent:
    """The one task that is free; it is free again afterwards."""
    answer, spent = timed(lambda: connections[0].ask(_CLAIM))
    claimed = json.loads(answer.body)
    connections[0].ask(request("POST", f"/api/queue/{claimed['taskId']}/release", b"{}", key=QUEUE_KEY))
    return spent


def _migration(tasks: int) -> Turn:
    def turn(running: Running, connections: Sequence[Connection]) -> Spent:
        answer, spent = timed(lambda: connections[0].ask(_MIGRATE))
        migrated = json.loads(answer.body)["totalMigrated"]
        assert migrated == tasks, f"{migrated} of {tasks} tasks were migrated"
        return spent

    return turn


def _loaded(content: bytes) -> Turn:
    return lambda running, connections: timed(lambda: running.load(content))[1]
