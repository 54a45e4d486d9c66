"""What each profile lets through, request by request."""

import json

import pytest

from queue_contracts.profiles import Profile
from queue_contracts.sending.rules import Asked, Rules
from queue_contracts.targets.target import LOCAL, RestApi, Target

URL, API = "https://queue.example.com", "https://api.example.com/client/v4"
BULK = f"{API}/accounts/a/storage/kv/namespaces/n/bulk"
OWN = "ct-6924b1a0beef-"
REMOTE = Target(URL, "q", "a", rest=RestApi(API, "a", "n", "t"))


def objection(profile: str, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> str:
    rules = Rules(REMOTE, Profile(profile), OWN)
    url = path if "://" in path else URL + path
    content = b"" if body is None else json.dumps(body).encode()
    return rules.objection(Asked(method, url, headers or {}, content)) or ""


@pytest.mark.parametrize("profile", ["observe", "isolated", "disposable"])
@pytest.mark.parametrize(
    "path", ["/api/queue", "/api/queue/task1", "/api/queue/claims", "/api/result/claim", "/api/migrate/status"]
)
def test_declared_gets_are_let_through(path: str, profile: str) -> None:
    assert objection(profile, "GET", path) == ""


@pytest.mark.parametrize("profile", ["observe", "isolated"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/api/queue/"),
        ("GET", "/api/queue?limit=1"),
        ("GET", "/api/queue/a%2Fb"),
        ("GET", "/api/queue/../migrate/run"),
        ("GET", "/api/queue/" + "x" * 257),
        ("GET", "/api/migrate/run"),
        ("GET", "/cdn-cgi/emulator/status"),
        ("GET", "https://elsewhere.example.com/api/queue"),
        ("GET", "http://queue.example.com/api/queue"),
        ("HEAD", "/api/queue"),
        ("OPTIONS", "/api/queue"),
        ("PUT", "/api/queue/task1"),
        ("PATCH", f"/api/queue/{OWN}1"),
        ("DELETE", f"/api/queue/{OWN}1"),
        ("TRACE", "/api/queue"),
        ("POST", "/api/queue"),
        ("POST", "/api/migrate/run"),
        ("POST", "/api/migrate/rollback"),
        ("POST", "/api/queue/task1/release"),
        ("POST", "/api/queue/task1/status"),
        ("POST", "/api/result/ct-6924b1a0aaaa-1"),
        ("POST", f"/api/result/x{OWN}1"),
        ("POST", f"/api/result/{OWN}1/../task1"),
        ("POST", f"/api/queue/{OWN}1/renew?x=1"),
    ],
)
def test_everything_else_is_held_back_from_a_queue_that_others_use(method: str, path: str, profile: str) -> None:
    assert objection(profile, method, path)


@pytest.mark.parametrize(
    "segment", ["evt_1", "a.b", "x" * 200, "%E4%BB%BB", "%F0%9F%9A%80-launch", "a~b", "a%2Bb", "..."]
)
def test_a_task_of_any_id_that_can_be_nothing_else_may_be_read(segment: str) -> None:
    assert objection("observe", "GET", f"/api/queue/{segment}") == ""
    assert objection("observe", "GET", f"/api/result/{segment}")
    assert objection("observe", "POST", f"/api/queue/{segment}")


@pytest.mark.parametrize(
    "segment",
    [
        *(
            "claim",
            "%63laim",
            "cl%61im",
            ".",
            "..",
            "%2e",
            "%2E%2E",
            "a%2Fb",
            "a%2fb",
            "a%5Cb",
            "a%3Fb",
            "a%23b",
            "a%25b",
        ),
        *("%00", "a%0Ab", "a%20b", "a;b", "a%3Bb", "%FF", "a+b", "%e4%bb%bb", "evt%5F1", "x" * 257, "", "a/b", "a?b"),
    ],
)
def test_an_id_that_could_lead_elsewhere_is_held_back(segment: str) -> None:
    assert objection("observe", "GET", f"/api/queue/{segment}")


def test_a_get_that_could_be_something_else_is_held_back() -> None:
    assert objection("observe", "GET", "/api/queue", body={})
    assert objection("observe", "GET", "/api/queue", headers={"X-HTTP-Method-Override": "DELETE"})


@pytest.mark.parametrize("path", [f"/api/queue/{OWN}1/{action}" for action in ("release", "renew", "status")])
def test_an_isolated_run_posts_about_its_own_tasks_alone(path: str) -> None:
    assert objection("isolated", "POST", path) == ""
    assert objection("observe", "POST", path)


def test_an_isolated_run_writes_keys_of_its_own_tasks_alone() -> None:
    assert objection("isolated", "PUT", BULK, [{"key": f"queue:task:{OWN}1", "value": "{}"}]) == ""
    for key in ("queue:task:task1", f"queue:task:x{OWN}1", "orchestrator:pending", f"other:{OWN}1", OWN + "1"):
        entries = [{"key": f"queue:task:{OWN}1", "value": "{}"}, {"key": key, "value": "{}"}]
        assert objection("isolated", "PUT", BULK, entries), key


def test_an_isolated_run_deletes_keys_of_runs_alone() -> None:
    assert (
        objection("isolated", "POST", f"{BULK}/delete", [f"queue:task:{OWN}1", "queue:lease:ct-000000010000-2"]) == ""
    )
    for key in ("queue:task:task1", "orchestrator:pending", "ct-000000010000-2"):
        assert objection("isolated", "POST", f"{BULK}/delete", [f"queue:task:{OWN}1", key]), key


@pytest.mark.parametrize(("method", "url"), [("DELETE", BULK), ("PUT", BULK), ("POST", f"{BULK}/delete")])
def test_observing_writes_nothing_past_the_worker(method: str, url: str) -> None:
    assert objection("observe", method, url, [])


@pytest.mark.parametrize("path", ["https://QUEUE.example.com/api/queue", "https://queue.example.com:443/api/queue"])
def test_a_host_is_itself_however_it_is_written(path: str) -> None:
    assert objection("observe", "GET", path) == ""


def test_a_disposable_run_stays_with_its_target() -> None:
    assert objection("disposable", "POST", "/api/migrate/rollback") == ""
    assert objection("disposable", "GET", "https://elsewhere.example.com/api/queue")


def test_what_the_run_itself_started_is_its_own() -> None:
    local = Target("http://127.0.0.1:1", "q", "a", LOCAL)
    rules = Rules(local, Profile.OBSERVE, OWN, started={"http://127.0.0.1:2"}.__contains__)
    assert rules.objection(Asked("POST", "http://127.0.0.1:2/api/migrate/run", {})) is None
    assert rules.objection(Asked("POST", "http://127.0.0.1:1/api/migrate/run", {}))
    assert rules.objection(Asked("POST", "http://127.0.0.1:3/api/migrate/run", {}))
