"""Who may ask: the key of the scope and nothing else, before id and body, and that of the queue before the route."""

from collections.abc import Callable

import httpx
import pytest

from queue_contracts.checks.migrating import Namespace, held
from queue_contracts.checks.test_description import ROUTES
from queue_contracts.targets import entries
from queue_contracts.targets.control import Control
from queue_contracts.targets.key_names import is_of_the_queue
from queue_contracts.targets.target import Scope, Target, scope_of

OTHER = {Scope.QUEUE: Scope.ADMIN, Scope.ADMIN: Scope.QUEUE}
WRONG_KEYS: dict[str, Callable[[Target, Scope], bytes | None]] = {
    "no key": lambda target, scope: None,
    "an empty key": lambda target, scope: b"",
    "a wrong key": lambda target, scope: b"wrong",
    "a wrong key as long as the right one": lambda target, scope: b"x" * len(target.key(scope)),
    "the key of the other scope": lambda target, scope: target.key(OTHER[scope]).encode(),
    "all but the end of the right key": lambda target, scope: target.key(scope).encode()[:-1],
    "the right key and one letter more": lambda target, scope: target.key(scope).encode() + b"x",
    "the right key in other case": lambda target, scope: target.key(scope).swapcase().encode(),
    "a key that is not ASCII": lambda target, scope: "schlüssel-鍵".encode(),
    "a key that is not UTF-8": lambda target, scope: b"\xff\xfe\x80",
}


@pytest.fixture
def stock(control: Control) -> Namespace:
    """One task that anybody may claim, its result, and old data that a migration would move."""
    control.start_with(
        [
            entries.new_task("task1"),
            entries.result("task1"),
            entries.old_pending("old-1"),
            entries.old_task("old-1"),
        ]
    )
    return of_the_queue(control)


@pytest.mark.parametrize("why", WRONG_KEYS)
@pytest.mark.parametrize("route", sorted(ROUTES))
def test_a_wrong_key_is_refused_on_every_route(
    route: str, why: str, target: Target, http: httpx.Client, control: Control, stock: Namespace
) -> None:
    method, path = route.split(" ")
    key = WRONG_KEYS[why](target, scope_of(path))
    headers = {} if key is None else {b"X-API-Key": key}

    response = http.request(method, target.url + path.replace("{id}", "task1"), headers=headers)

    assert response.status_code == 401
    assert says_unauthorized(response, scope_of(path))
    assert of_the_queue(control) == stock, "the key was refused, and yet something was done"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/queue/task1/no/such/route"),
        ("GET", "/api/queue/"),
        ("DELETE", "/api/queue/task1"),
        ("PUT", "/api/result/task1"),
        ("GET", "/api/queue/" + "x" * 600),
    ],
)
def test_the_key_is_asked_for_before_the_route_is_looked_at(
    method: str, path: str, target: Target, http: httpx.Client
) -> None:
    assert http.request(method, target.url + path).status_code == 401


@pytest.mark.purpose(404)
@pytest.mark.parametrize("scope", [None, Scope.QUEUE])
@pytest.mark.parametrize(("method", "path"), [("GET", "/api/migrate/nothing"), ("DELETE", "/api/migrate/run")])
def test_what_is_no_route_of_the_migration_is_turned_away_with_any_key_or_none(
    method: str, path: str, scope: Scope | None, target: Target, http: httpx.Client
) -> None:
    """The key of the operator may be asked for inside the routes: then nothing else there asks for it."""
    headers = {} if scope is None else {"X-API-Key": target.key(scope)}
    assert http.request(method, target.url + path, headers=headers).status_code in (401, 404, 405)


@pytest.mark.parametrize("path", ["/api/queue/claim", "/api/queue/task1/renew", "/api/result/task1"])
def test_the_key_is_asked_for_before_the_body_is_looked_at(path: str, target: Target, http: httpx.Client) -> None:
    assert http.post(target.url + path, content=b"{not json").status_code == 401


def test_a_key_in_the_query_or_as_a_bearer_token_opens_nothing(target: Target, http: httpx.Client) -> None:
    url, key = target.url + "/api/queue", target.key(Scope.QUEUE)
    assert http.get(url, params={"X-API-Key": key}).status_code == 401
    assert http.get(url, headers={"Authorization": f"Bearer {key}"}).status_code == 401


def of_the_queue(control: Control) -> Namespace:
    return {key: each for key, each in held(control.dump()).items() if is_of_the_queue(key)}


def says_unauthorized(response: httpx.Response, scope: Scope) -> bool:
    if response.headers["Content-Type"].startswith("application/json"):
        body = response.json()
        return set(body) == {"error"} and isinstance(body["error"], str)
    return scope is Scope.ADMIN and response.headers["Content-Type"].startswith("text/plain") and bool(response.text)
