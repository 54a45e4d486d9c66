"""Which of the Worker's keys opens what: a part of the API without a key is closed, and the queue may borrow one."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import httpx
import pytest

from queue_contracts.checks.test_authentication import says_unauthorized
from queue_contracts.checks.test_description import ROUTES
from queue_contracts.described.operations import packaged_description
from queue_contracts.sending.run import Run
from queue_contracts.sending.wire import installed
from queue_contracts.targets.opening import open_target
from queue_contracts.targets.serving import ADMIN_API_KEY, ASSISTANT_API_KEY, QUEUE_API_KEY
from queue_contracts.targets.target import Ability, Scope, Target, scope_of

pytestmark = [
    pytest.mark.disposable,
    pytest.mark.slow,
    pytest.mark.needs(Ability.OTHER_KEYS),
    pytest.mark.purpose(401),
    # Each check starts a target of its own; that of the run brings the guard.
    pytest.mark.usefixtures("target"),
]
LISTED, STATUS = "/api/queue", "/api/migrate/status"
# What a Worker may take for a key that is not there.
NOTHING = (None, "", "undefined", "null")


def test_without_a_key_of_its_own_the_queue_is_closed(run: Run, http: httpx.Client) -> None:
    with started_with(run, {ADMIN_API_KEY: key()}) as target:
        if has("GET", STATUS):
            assert status_of(http, target, STATUS, target.admin_key) == 200
        is_closed(http, target, Scope.QUEUE, [*NOTHING, target.admin_key])


def test_without_a_key_of_its_own_the_migration_is_closed(run: Run, http: httpx.Client) -> None:
    keys = {QUEUE_API_KEY: key(), ASSISTANT_API_KEY: key()}
    with started_with(run, keys) as target:
        assert status_of(http, target, LISTED, target.queue_key) == 200
        is_closed(http, target, Scope.ADMIN, [*NOTHING, *keys.values()])


def test_the_key_of_the_assistant_opens_a_queue_that_has_none(run: Run, http: httpx.Client) -> None:
    of_the_assistant = key()
    with started_with(run, {ASSISTANT_API_KEY: of_the_assistant}) as target:
        assert status_of(http, target, LISTED, of_the_assistant) == 200
        is_closed(http, target, Scope.QUEUE, NOTHING)


def test_the_key_of_the_assistant_opens_no_queue_that_has_one(run: Run, http: httpx.Client) -> None:
    of_the_assistant = key()
    with started_with(run, {QUEUE_API_KEY: key(), ASSISTANT_API_KEY: of_the_assistant}) as target:
        assert status_of(http, target, LISTED, target.queue_key) == 200
        is_closed(http, target, Scope.QUEUE, [of_the_assistant])


@contextmanager
def started_with(run: Run, keys: Mapping[str, str]) -> Iterator[Target]:
    """The target of the run once more, with these keys and no others."""
    with open_target(run.target, worker=run.worker, workerd=run.workerd, keys=keys) as target:
        if (guard := installed()) is not None:
            guard.recorder.know(target)
        yield target


def key() -> str:
    return secrets.token_urlsafe(24)


def is_closed(http: httpx.Client, target: Target, scope: Scope, offered: Sequence[str | None]) -> None:
    """Every route of the scope that the Worker has refuses each of these keys."""
    for method, path in (route.split(" ") for route in sorted(ROUTES)):
        for each in offered if scope_of(path) is scope and has(method, path) else ():
            headers = {} if each is None else {"X-API-Key": each}
            response = http.request(method, target.url + path.replace("{id}", "task1"), headers=headers)
            assert response.status_code == 401, f"{method} {path} with {each!r}: {response.status_code}"
            assert says_unauthorized(response, scope)


def has(method: str, path: str) -> bool:
    operation, guard = packaged_description().find(method, path.replace("{id}", "task1")), installed()
    return operation is None or guard is None or operation.id not in guard.missing


def status_of(http: httpx.Client, target: Target, path: str, offered: str) -> int:
    return http.get(target.url + path, headers={"X-API-Key": offered}).status_code
