"""The guard below every client: whatever sends, by whatever way, is held to the rules."""

import http.client
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from schemathesis.transport.requests import SameHostRedirectsSession

from queue_contracts.profiles import Profile
from queue_contracts.sending.claims import ForeignTask
from queue_contracts.sending.guard import BREACH, Breach, Guard, KeyShown, LimitedOtherwise, Stopped
from queue_contracts.sending.limiter import SharedLimiter
from queue_contracts.sending.recorder import Recorder, read_exchanges
from queue_contracts.sending.rules import Rules
from queue_contracts.sending.wire import install, remove
from queue_contracts.targets.target import Target
from tests.contracts.deployment import ADMIN_KEY, QUEUE_KEY, TASK, Deployment, deployed

OWN = "ct-6924b1a0beef-"
KEY = {"X-API-Key": QUEUE_KEY}


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    with deployed(Deployment()) as running:
        yield running


@pytest.fixture
def guarding(deployment: Deployment, tmp_path: Path) -> Iterator[Callable[[str], Guard]]:
    installed = []

    def guard(profile: str) -> Guard:
        target = Target(deployment.url, QUEUE_KEY, ADMIN_KEY)
        rules = Rules(target, Profile(profile), OWN)
        installed.append(Guard(rules, SharedLimiter(tmp_path, None), Recorder(tmp_path, target), tmp_path))
        install(installed[-1])
        return installed[-1]

    yield guard
    for each in installed:
        remove(each)


def by_httpx(url: str) -> None:
    httpx.post(url)


def by_requests(url: str) -> None:
    requests.post(url, timeout=5)


def by_a_session_of_schemathesis(url: str) -> None:
    with SameHostRedirectsSession() as session:
        session.post(url)


def by_urllib(url: str) -> None:
    urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=5)


def by_http_client(url: str) -> None:
    http.client.HTTPConnection(url.removeprefix("http://").partition("/")[0], timeout=5).request("POST", "/api/queue")


def by_a_socket(url: str) -> None:
    host, _, port = url.removeprefix("http://").partition("/")[0].partition(":")
    socket.create_connection((host, int(port)), timeout=5).close()


# The libraries below do not close a socket whose connecting was broken off by a BaseException.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "send", [by_httpx, by_requests, by_a_session_of_schemathesis, by_urllib, by_http_client, by_a_socket]
)
def test_what_the_profile_forbids_does_not_leave_by_any_way_and_is_written_down(
    send: Callable[[str], None], guarding: Callable[[str], Guard], deployment: Deployment, tmp_path: Path
) -> None:
    guarding("observe")
    with pytest.raises(Breach):
        send(f"{deployment.url}/api/migrate/rollback")
    assert deployment.asked == []
    assert (tmp_path / BREACH).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("origin", "why"),
    [
        ("", "only GET is sent in the profile observe (the profile observe forbids this)"),
        ("https://elsewhere.example", "https://elsewhere.example is not the target"),
    ],
)
def test_only_what_a_profile_forbids_is_said_to_be_forbidden_by_it(
    origin: str, why: str, guarding: Callable[[str], Guard], deployment: Deployment, tmp_path: Path
) -> None:
    guarding("observe")
    url = f"{origin or deployment.url}/api/queue/claim"
    with pytest.raises(Breach):
        httpx.post(url)
    assert (tmp_path / BREACH).read_text(encoding="utf-8") == f"outside of a check: POST {url}: {why}\n"


def test_after_a_breach_nothing_is_sent_any_more(guarding: Callable[[str], Guard], deployment: Deployment) -> None:
    guarding("observe")
    with pytest.raises(Breach):
        httpx.post(f"{deployment.url}/api/queue")
    with pytest.raises(Breach, match="nothing more is sent"):
        httpx.get(f"{deployment.url}/api/queue", headers=KEY)
    assert deployment.asked == []


def test_a_breach_is_no_exception_that_a_check_could_swallow() -> None:
    assert not issubclass(Breach, Exception)


def test_a_check_sends_no_more_than_it_announced(guarding: Callable[[str], Guard], deployment: Deployment) -> None:
    guarding("observe").left = 2
    for _ in range(2):
        httpx.get(f"{deployment.url}/api/queue", headers=KEY)
    with pytest.raises(Breach, match="as many requests as it announced") as caught:
        httpx.get(f"{deployment.url}/api/queue", headers=KEY)
    assert "profile" not in str(caught.value)


def test_answers_reach_both_clients_whole(guarding: Callable[[str], Guard], deployment: Deployment) -> None:
    guarding("observe")
    expected = {"pending": [], "count": 0}
    assert httpx.get(f"{deployment.url}/api/queue", headers=KEY).json() == expected
    assert requests.get(f"{deployment.url}/api/queue", headers=KEY, timeout=5).json() == expected


@pytest.mark.parametrize("client", [httpx.post, requests.post])
def test_a_claim_is_not_sent_while_the_queue_holds_a_foreign_task(
    client: Callable[..., object], guarding: Callable[[str], Guard], deployment: Deployment
) -> None:
    guarding("isolated")
    deployment.put(TASK + OWN + "1", {"id": "own"})
    client(f"{deployment.url}/api/queue/claim", headers=KEY, json={})
    deployment.put(TASK + "foreign", {"id": "foreign"})
    with pytest.raises(ForeignTask, match="1 tasks of others"):
        client(f"{deployment.url}/api/queue/claim", headers=KEY, json={})
    assert [path for method, path, _ in deployment.asked if method == "POST"] == ["/api/queue/claim"]


@pytest.mark.parametrize("client", [httpx.post, requests.post])
def test_a_task_that_came_meanwhile_and_was_claimed_is_given_back_and_fails_the_run(
    client: Callable[..., object], guarding: Callable[[str], Guard], deployment: Deployment
) -> None:
    guarding("isolated")
    deployment.after_request = lambda method, path: deployment.put(TASK + "a-foreign", {"id": "a-foreign"})
    with pytest.raises(Breach, match="took the task 'a-foreign'"):
        client(f"{deployment.url}/api/queue/claim", headers=KEY, json={"workerId": "ct"})
    assert [path for _, path, _ in deployment.asked][-1] == "/api/queue/a-foreign/release"
    assert deployment.dump() == {TASK + "a-foreign": {"id": "a-foreign"}}


def test_an_answer_that_shows_a_key_is_a_broken_contract(
    guarding: Callable[[str], Guard], deployment: Deployment
) -> None:
    guarding("observe")
    deployment.page = f"expected {ADMIN_KEY}"
    with pytest.raises(KeyShown, match=r"expected \$CONTRACT_ADMIN_KEY"):
        httpx.get(f"{deployment.url}/api/queue", headers=KEY)


def test_what_is_written_down_has_no_key_in_it(
    guarding: Callable[[str], Guard], deployment: Deployment, tmp_path: Path
) -> None:
    guard = guarding("disposable")
    httpx.post(f"{deployment.url}/api/result/{OWN}1", headers=KEY, json={"success": True, "output": QUEUE_KEY})
    httpx.get(f"{deployment.url}/api/queue", headers={"X-API-Key": QUEUE_KEY[:-1]})
    written = "".join(path.read_text(encoding="utf-8") for path in tmp_path.glob("exchanges-*"))
    assert QUEUE_KEY not in written
    assert QUEUE_KEY[:-1] not in written
    first, second = read_exchanges(tmp_path)
    assert (first.key, second.key) == ("$CONTRACT_QUEUE_KEY", "[another key]")
    assert '-H "X-API-Key: $CONTRACT_QUEUE_KEY"' in first.curl()
    assert QUEUE_KEY not in first.curl()
    assert guard.recorder.last[""].exchange.path == second.path
    assert guard.recorder.last[""].curl().endswith('-H "X-API-Key: ${CONTRACT_QUEUE_KEY%?}"')


def test_a_429_that_would_be_sent_again_must_be_as_described(
    guarding: Callable[[str], Guard], deployment: Deployment
) -> None:
    guarding("observe")
    deployment.refusal = {"error": "slow down"}
    deployment.limit(per_s=0.9)
    with pytest.raises(LimitedOtherwise, match='"retryAfter" is a required property'):
        httpx.get(f"{deployment.url}/api/queue", headers=KEY)


def test_a_limited_request_is_sent_again_when_the_answer_says(
    guarding: Callable[[str], Guard], deployment: Deployment
) -> None:
    guarding("observe")
    deployment.limit(per_s=0.9)
    assert httpx.get(f"{deployment.url}/api/queue", headers=KEY).status_code == 200
    assert deployment.refused > 0


def test_a_claim_that_is_sent_again_after_a_429_looks_into_the_queue_again(
    guarding: Callable[[str], Guard], deployment: Deployment
) -> None:
    guarding("isolated")
    deployment.put(TASK + OWN + "1", {"id": "own"})
    claims: list[str] = []

    def limit_the_claim(method: str, path: str) -> None:
        if path == "/api/queue" and not claims:
            claims.append(path)
            deployment.limit(per_s=0.9)
        elif path == "/api/queue/claim":
            deployment.put(TASK + "foreign", {"id": "foreign"})
            deployment.per_s = None

    deployment.after_request = limit_the_claim
    with pytest.raises(ForeignTask, match="1 tasks of others"):
        httpx.post(f"{deployment.url}/api/queue/claim", headers=KEY, json={})
    assert [path for _, path, _ in deployment.asked] == ["/api/queue", "/api/queue/claim", "/api/queue"]


def test_a_lease_that_another_worker_holds_is_not_released(
    guarding: Callable[[str], Guard], deployment: Deployment
) -> None:
    guarding("isolated")
    deployment.holder = "production-daemon"
    deployment.after_request = lambda method, path: deployment.put(TASK + "a-foreign", {"id": "a-foreign"})
    with pytest.raises(Breach, match=r"under a lease of 'production-daemon': .* the task was not released"):
        httpx.post(f"{deployment.url}/api/queue/claim", headers=KEY, json={"workerId": "ct"})
    assert "/api/queue/a-foreign/release" not in [path for _, path, _ in deployment.asked]


def test_a_target_that_cannot_be_obeyed_is_sent_nothing_any_more(
    guarding: Callable[[str], Guard], deployment: Deployment
) -> None:
    guarding("observe")
    deployment.retry_after = "3600"
    deployment.limit(per_s=0.01)
    with pytest.raises(Stopped, match="asks for 3600 s"):
        httpx.get(f"{deployment.url}/api/queue", headers=KEY)
    with pytest.raises(Stopped, match="nothing more is sent"):
        httpx.get(f"{deployment.url}/api/queue", headers=KEY)
    assert len(deployment.asked) == 1


def test_a_run_that_has_ended_still_takes_its_own_keys_away(
    guarding: Callable[[str], Guard], deployment: Deployment
) -> None:
    guard = guarding("isolated")
    with pytest.raises(Breach):
        httpx.delete(f"{deployment.url}/api/queue/task1")
    with guard.tidying():
        assert httpx.get(f"{deployment.url}/api/queue", headers=KEY).status_code == 200
        with pytest.raises(Breach, match="DELETE"):
            httpx.delete(f"{deployment.url}/api/queue/task1")


def test_a_key_is_masked_as_it_stands_in_a_url_and_as_wrong_keys_are_made_of_it(tmp_path: Path) -> None:
    key = "Qa+b/c9d==Z1"
    recorder = Recorder(tmp_path, Target("http://127.0.0.1:1", key, ADMIN_KEY))
    assert recorder.mask(f"?k=Qa%2Bb%2Fc9d%3D%3DZ1 {key[:-1]}2 {key.swapcase()} {key}") == (
        "?k=$CONTRACT_QUEUE_KEY [another key]2 [another key] $CONTRACT_QUEUE_KEY"
    )


@pytest.mark.parametrize("client", [httpx.get, requests.get])
def test_no_redirect_is_followed(
    client: Callable[..., Any], guarding: Callable[[str], Guard], deployment: Deployment
) -> None:
    guarding("observe")
    deployment.redirects_to = "/api/queue/claim"
    assert client(f"{deployment.url}/api/queue/task1", headers=KEY).status_code == 307
    assert [path for _, path, _ in deployment.asked] == ["/api/queue/task1"]
