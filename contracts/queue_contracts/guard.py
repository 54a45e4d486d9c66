"""Below every client of this process: what the profile forbids does not leave, and a run that tried has failed.

Requests and httpx are changed where each of them hands a request to the network, whoever made the session: Schemathesis
opens sessions of its own for its probes. Whatever else connects, or sends by http.client, is caught by an audit hook of
the interpreter (https://docs.python.org/3/library/audit_events.html, 2026-11-24).
"""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

import httpx
import requests
from requests.adapters import HTTPAdapter

from queue_contracts.bounded import Unreadable
from queue_contracts.deadline import REQUEST_S_MAX, read, read_of_requests, within
from queue_contracts.differences.answers import Answer
from queue_contracts.differences.described import packaged_description
from queue_contracts.limiter import LIMITED, Refused, SharedLimiter, sent_again
from queue_contracts.recorder import Exchange, Recorder
from queue_contracts.rules import CLAIM, CONTROL, Asked, Rules
from queue_contracts.run import Profile
from queue_contracts.visible import one_line, visible

BREACH, STOPPED, UNTESTABLE = "breach.txt", "stopped.txt", "untestable.txt"
_permitted = threading.local()
_installed: list["Guard"] = []


class Breach(BaseException):
    """A request that the profile forbids was about to leave. No Exception: nothing goes on as if it were an answer."""


class Stopped(BaseException):
    """The target wants no more requests: nothing is sent for the rest of the run."""


class Untestable(Stopped):
    """The target, or the KV behind it, gives an answer that cannot be read: nothing is sent for the rest of the run."""


class KeyShown(AssertionError):
    """An answer has a key of the target in it, which no answer of any status may."""


class LimitedOtherwise(AssertionError):
    """A 429 is not as it is described: nobody else looks at one that is sent again."""


class ForeignTask(Exception):
    """The queue holds a task that is not this run's, so a claim might take it: none is sent."""


@dataclass
class Guard:
    """The rules of one run at work in this process. `test` is the check that runs, `left` what it may still send.

    `request_s_max` is what one request is given, from when it leaves to the end of its answer.
    """

    rules: Rules
    limiter: SharedLimiter
    recorder: Recorder
    folder: Path
    test: str = ""
    left: int | None = None
    request_s_max: float = REQUEST_S_MAX
    tidies: bool = False

    def admit(self, asked: Asked) -> None:
        """Raise Breach, and write it down for the end of the run, if the request must not leave."""
        for name, ended in ((BREACH, Breach), (UNTESTABLE, Untestable), (STOPPED, Stopped)):
            if (self.folder / name).exists() and not self.tidies:
                raise ended("nothing is sent any more: " + (self.folder / name).read_text(encoding="utf-8"))
        objection = self.rules.objection(asked)
        if objection is not None:
            self.breach(f"{asked.method} {asked.url}: {objection}")
        if self.left is not None and self.of_interest(asked):
            if self.left <= 0:
                self.breach(f"{asked.method} {asked.url}: the check has sent all the requests that it announced")
            self.left -= 1

    def breach(self, what: str) -> NoReturn:
        said = visible(self.recorder.mask(f"{self.test or 'outside of a check'}: {what}\n"))
        with (self.folder / BREACH).open("a", encoding="utf-8") as file:
            file.write(said)
        raise Breach(said)

    def stop(self, why: str) -> None:
        """From now on nothing is sent, by any process of the run."""
        (self.folder / STOPPED).write_text(one_line(self.recorder.mask(why)), encoding="utf-8")

    def give_up(self, why: str) -> NoReturn:
        """The same, because the target cannot be tested."""
        (self.folder / UNTESTABLE).write_text(one_line(self.recorder.mask(why), length_max=1000), encoding="utf-8")
        raise Untestable(one_line(self.recorder.mask(why), length_max=1000))

    @contextmanager
    def tidying(self) -> Iterator[None]:
        """While the block runs, what the profile allows is sent although the run has ended."""
        self.tidies = True
        try:
            yield
        finally:
            self.tidies = False

    def claim_must_be_own(self, asked: Asked, send: Callable[[Asked], tuple[int, Any]]) -> None:
        """Look into the queue right before a claim; ForeignTask if it holds a task that is not this run's."""
        key = next((value for name, value in asked.headers.items() if name.lower() == "x-api-key"), "")
        listed = Asked("GET", f"{self.rules.target.url}/api/queue", {"X-API-Key": key})
        self.admit(listed)
        status, body = send(listed)
        if status == 401:
            return  # a key that cannot list cannot claim
        pending = body.get("pending") if isinstance(body, dict) else None
        if status != 200 or not isinstance(pending, list):
            raise ForeignTask(f"the queue could not be looked into before a claim: {status}")
        foreign = [each for each in pending if not str(each).startswith(self.rules.own_prefix)]
        if foreign:
            raise ForeignTask(f"the queue holds {len(foreign)} tasks that are not this run's: none is claimed")

    def of_interest(self, asked: Asked) -> bool:
        """Whether a request goes to a Worker rather than to its storage or its controls."""
        of_a_worker = asked.origin == self.rules.target.url or self.rules.started(asked.origin)
        return of_a_worker and not asked.path.startswith(CONTROL)


def install(guard: Guard) -> None:
    """Put the guard below every client of this process, until `remove`."""
    if not _hooked:
        sys.addaudithook(_audit)
        _hooked.append(True)
        _change("send", HTTPAdapter, _requests_send)
        _change("handle_request", httpx.HTTPTransport, _httpx_send)
        _change("handle_async_request", httpx.AsyncHTTPTransport, _refuse_async)
        _change("get_redirect_target", requests.Session, lambda guard, follow, response: None)
    _installed.append(guard)


def remove(guard: Guard) -> None:
    _installed.remove(guard)


def installed() -> Guard | None:
    """The guard at work in this process."""
    return _installed[-1] if _installed else None


_hooked: list[bool] = []


def _change(name: str, kind: type, around: Callable[..., Any]) -> None:
    original = getattr(kind, name)

    def changed(self: Any, request: Any, *arguments: Any, **options: Any) -> Any:
        guard = installed()
        if guard is None:
            return original(self, request, *arguments, **options)
        return around(guard, lambda each: original(self, each, *arguments, **options), request)

    setattr(kind, name, changed)


def _requests_send(
    guard: Guard, send: Callable[[Any], requests.Response], request: requests.PreparedRequest
) -> requests.Response:
    body = request.body or b""
    if not isinstance(body, str | bytes):
        guard.breach(f"{request.method} {request.url}: a body that is not at hand as a whole cannot be looked at")
        raise AssertionError
    content = body.encode() if isinstance(body, str) else body
    asked = Asked(request.method or "", request.url or "", dict(_text(request.headers)), content)

    def once(each: Asked) -> requests.Response:
        prepared = request
        if each is not asked:
            prepared = requests.Request(each.method, each.url, headers=dict(each.headers), data=each.body).prepare()

        def whole() -> requests.Response:
            with _Permit():
                return read_of_requests(send(prepared))

        return within(guard.request_s_max, f"{each.method} {each.url}", whole, requests.ReadTimeout)

    answer: requests.Response = _sent(
        guard, asked, once, lambda answer: (answer.status_code, dict(answer.headers), answer.content)
    )
    return answer


def _httpx_send(guard: Guard, send: Callable[[Any], httpx.Response], request: httpx.Request) -> httpx.Response:
    asked = Asked(request.method, str(request.url), dict(_text(request.headers)), request.read())

    def once(each: Asked) -> httpx.Response:
        sent = (
            request
            if each is asked
            else httpx.Request(each.method, each.url, headers=dict(each.headers), content=each.body)
        )
        if each is not asked:
            sent.extensions = request.extensions

        def whole() -> httpx.Response:
            with _Permit():
                return read(send(sent))

        return within(guard.request_s_max, f"{each.method} {each.url}", whole)

    def seen(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
        # A second reading of the same bytes: the client must find its own answer unread.
        body = httpx.Response(answer.status_code, headers=answer.headers, stream=answer.stream).read()
        return answer.status_code, dict(answer.headers), body

    answer: httpx.Response = _sent(guard, asked, once, seen)
    return answer


def _refuse_async(guard: Guard, send: Callable[[Any], Any], request: httpx.Request) -> Any:
    guard.breach(f"{request.method} {request.url}: the suite sends nothing asynchronously")


def _sent(guard: Guard, asked: Asked, once: Callable[[Asked], Any], seen: Callable[[Any], Any]) -> Any:
    """Admit, wait for the rate, send, write down; again where a 429 says when."""
    guard.admit(asked)
    if not guard.of_interest(asked):
        return once(asked)
    claims = guard.rules.profile is Profile.ISOLATED and asked.path == CLAIM
    answers: list[Any] = []

    def noted(each: Asked) -> Any:
        began_s = time.time()
        answer = once(each)
        status, headers, body = seen(answer)
        took_ms = round((time.time() - began_s) * 1000)
        guard.recorder.note(Exchange.of(each, status, headers, body, guard.test, began_s, took_ms))
        _must_show_no_key(guard, headers, body)
        return answer

    def send() -> tuple[int, str | None]:
        if claims:
            # Each time anew, and with the wait for the rate before the look rather than behind it.
            guard.limiter.wait()
            guard.claim_must_be_own(asked, lambda each: _status_and_json(seen(noted(each))))
        answers.append(_claimed(guard, asked, noted) if claims else noted(asked))
        status, headers, _ = seen(answers[-1])
        return status, next((value for name, value in headers.items() if name.lower() == "retry-after"), None)

    try:
        sent_again(send, guard.limiter)
    except Refused as refused:
        guard.stop(str(refused))
        _must_be_described(asked, *seen(answers[-1]))
        raise Stopped(str(refused)) from None
    except Unreadable as why:
        guard.give_up(f"the answer to {asked.method} {asked.url} cannot be read: {why}")
    for answer in answers:
        _must_be_described(asked, *seen(answer))
    if claims:
        _must_be_own(guard, asked, _status_and_json(seen(answers[-1]))[1], noted)
    return answers[-1]


def _claimed(guard: Guard, asked: Asked, send: Callable[[Asked], Any]) -> Any:
    """The answer to a claim; one that gets lost may have left a lease on anybody's task."""
    try:
        return send(asked)
    except (httpx.HTTPError, requests.RequestException, Unreadable) as error:
        holder = _worker_of(asked) or "a worker that the target named"
        lost = f"the answer to a claim of {holder!r} was lost ({type(error).__name__})"
        guard.breach(f"{lost}: it may hold a task now, until its lease ends")


def _must_show_no_key(guard: Guard, headers: Mapping[str, str], body: bytes) -> None:
    for text in (*headers.values(), body.decode("utf-8", "replace")):
        if guard.recorder.shows_a_key(text):
            raise KeyShown(f"the answer shows a key: {one_line(guard.recorder.mask(text))}")


def _must_be_described(asked: Asked, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Of the 429s: every other answer is looked at by the check that asked for it."""
    if status != LIMITED:
        return
    description = packaged_description()
    operation = description.find(asked.method, asked.path)
    answer = Answer(status, tuple((name.lower(), value) for name, value in headers.items()), body)
    wrong = description.violations(operation.id, answer) if operation else []
    if wrong:
        raise LimitedOtherwise(f"a {LIMITED} is not as described: " + "; ".join(each.why for each in wrong))


def _must_be_own(guard: Guard, asked: Asked, claimed: Any, send: Callable[[Asked], Any]) -> None:
    """A task that came between the look and the claim is given back at once, and the run has failed."""
    task_id = claimed.get("taskId") if isinstance(claimed, dict) else None
    if not isinstance(task_id, str) or task_id.startswith(guard.rules.own_prefix):
        return
    holder, sent = _holder_of(claimed), _worker_of(asked)
    if sent is not None and holder not in (sent, None):
        guard.breach(f"a claim was answered with {task_id!r}, which {holder!r} holds: it is left alone")
    name = sent or holder
    if not isinstance(name, str):
        guard.breach(f"a claim took {task_id!r}, and its answer does not say by which lease: it stays until that ends")
    url = f"{guard.rules.target.url}/api/queue/{quote(task_id, safe='')}/release"
    headers = {name: value for name, value in asked.headers.items() if name.lower() in ("x-api-key", "content-type")}
    send(Asked("POST", url, headers, json.dumps({"workerId": name}).encode()))
    guard.breach(f"a claim took {task_id!r}, which came into the queue after it was looked at; it has been released")


def _worker_of(claim: Asked) -> str | None:
    """The name that a claim was sent with."""
    _, body = _status_and_json((0, {}, claim.body))
    return body.get("workerId") if isinstance(body, dict) else None


def _holder_of(claimed: Mapping[str, Any]) -> object:
    lease = claimed.get("lease")
    return lease.get("workerId") if isinstance(lease, dict) else None


def _status_and_json(seen: tuple[int, Mapping[str, str], bytes]) -> tuple[int, Any]:
    status, _, body = seen
    try:
        return status, json.loads(body)
    except ValueError:
        return status, None


def _text(headers: Any) -> list[tuple[str, str]]:
    return [
        (name.decode("latin-1") if isinstance(name, bytes) else name,
         value.decode("latin-1") if isinstance(value, bytes) else str(value))
        for name, value in headers.items()
    ]  # fmt: skip


class _Permit:
    def __enter__(self) -> None:
        _permitted.now = True

    def __exit__(self, *_: object) -> None:
        _permitted.now = False


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in ("socket.connect", "http.client.send") or not _installed or getattr(_permitted, "now", False):
        return
    where = arguments[1] if event == "socket.connect" else "http.client"
    if event == "socket.connect" and not isinstance(where, tuple):
        return  # a socket of this machine's file system
    _installed[-1].breach(f"a connection to {where if isinstance(where, str) else where[:2]} past the guard")
