"""Below every client of this process: what the profile forbids does not leave, and a run that tried has failed.

Requests and httpx are changed where each of them hands a request to the network, whoever made the session: Schemathesis
opens sessions of its own for its probes. Whatever else connects, or sends by http.client, is caught by an audit hook of
the interpreter (https://docs.python.org/3/library/audit_events.html, 2026-11-24).
"""

import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import requests
from requests.adapters import HTTPAdapter

from contracts.differences.answers import Answer
from contracts.differences.described import packaged_description
from contracts.limiter import LIMITED, SharedLimiter, sent_again
from contracts.recorder import Exchange, Recorder
from contracts.rules import CLAIM, CONTROL, Asked, Rules
from contracts.run import Profile

BREACH = "breach.txt"
_permitted = threading.local()
_installed: list["Guard"] = []


class Breach(BaseException):
    """A request that the profile forbids was about to leave. No Exception: nothing goes on as if it were an answer."""


class KeyShown(AssertionError):
    """An answer has a key of the target in it, which no answer of any status may."""


class LimitedOtherwise(AssertionError):
    """A 429 is not as it is described: nobody else looks at one that is sent again."""


class ForeignTask(Exception):
    """The queue holds a task that is not this run's, so a claim might take it: none is sent."""


@dataclass
class Guard:
    """The rules of one run at work in this process. `test` is the check that runs, `left` what it may still send."""

    rules: Rules
    limiter: SharedLimiter
    recorder: Recorder
    folder: Path
    test: str = ""
    left: int | None = None

    def admit(self, asked: Asked) -> None:
        """Raise Breach, and write it down for the end of the run, if the request must not leave."""
        if (self.folder / BREACH).exists():
            raise Breach("nothing is sent any more: " + (self.folder / BREACH).read_text(encoding="utf-8"))
        objection = self.rules.objection(asked)
        if objection is not None:
            self.breach(f"{asked.method} {asked.url}: {objection}")
        if self.left is not None and self.of_interest(asked):
            if self.left <= 0:
                self.breach(f"{asked.method} {asked.url}: the check has sent all the requests that it announced")
            self.left -= 1

    def breach(self, what: str) -> None:
        said = self.recorder.mask(f"{self.test or 'outside of a check'}: {what}\n")
        with (self.folder / BREACH).open("a", encoding="utf-8") as file:
            file.write(said)
        raise Breach(said)

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
        with _Permit():
            response = send(prepared)
            response.content  # noqa: B018 - reads the answer, which the permit is for
        return response

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
        with _Permit():
            response = send(sent)
            assert isinstance(response.stream, httpx.SyncByteStream)
            content = httpx.ByteStream(b"".join(response.stream))
            response.stream.close()
        return httpx.Response(
            response.status_code, headers=response.headers, stream=content, extensions=response.extensions
        )

    def seen(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
        # A second reading of the same bytes: the client must find its own answer unread.
        read = httpx.Response(answer.status_code, headers=answer.headers, stream=answer.stream).read()
        return answer.status_code, dict(answer.headers), read

    answer: httpx.Response = _sent(guard, asked, once, seen)
    return answer


def _refuse_async(guard: Guard, send: Callable[[Any], Any], request: httpx.Request) -> Any:
    guard.breach(f"{request.method} {request.url}: the suite sends nothing asynchronously")


def _sent(guard: Guard, asked: Asked, once: Callable[[Asked], Any], seen: Callable[[Any], Any]) -> Any:
    """Admit, wait for the rate, send, write down; again where a 429 says when."""
    guard.admit(asked)
    if not guard.of_interest(asked):
        return once(asked)

    def one(each: Asked) -> Any:
        answers: list[Any] = []

        def send() -> tuple[int, str | None]:
            began_s = time.time()
            answers.append(once(each))
            status, headers, body = seen(answers[-1])
            took_ms = round((time.time() - began_s) * 1000)
            guard.recorder.note(Exchange.of(each, status, headers, body, guard.test, began_s, took_ms))
            _must_show_no_key(guard, headers, body)
            if status == LIMITED:
                _must_be_described(each, Answer(status, tuple((n.lower(), v) for n, v in headers.items()), body))
            return status, next((value for name, value in headers.items() if name.lower() == "retry-after"), None)

        sent_again(send, guard.limiter)
        return answers[-1]

    claims = guard.rules.profile is Profile.ISOLATED and asked.path == CLAIM
    if claims:
        guard.claim_must_be_own(asked, lambda each: _status_and_json(seen(one(each))))
    answer = one(asked)
    if claims:
        _must_be_own(guard, asked, _status_and_json(seen(answer))[1], one)
    return answer


def _must_show_no_key(guard: Guard, headers: Mapping[str, str], body: bytes) -> None:
    target = guard.rules.target
    shown = [*headers.values(), body.decode("utf-8", "replace")]
    for key in filter(None, (target.queue_key, target.admin_key)):
        if any(key in text for text in shown):
            raise KeyShown(
                f"the answer shows a key: {guard.recorder.mask(next(text for text in shown if key in text))}"
            )


def _must_be_described(asked: Asked, answer: Answer) -> None:
    description = packaged_description()
    operation = description.find(asked.method, asked.path)
    wrong = description.violations(operation.id, answer) if operation else []
    if wrong:
        raise LimitedOtherwise(f"a {LIMITED} is not as described: " + "; ".join(each.why for each in wrong))


def _must_be_own(guard: Guard, asked: Asked, claimed: Any, send: Callable[[Asked], Any]) -> None:
    """A task that came between the look and the claim is given back at once, and the run has failed."""
    task_id = claimed.get("taskId") if isinstance(claimed, dict) else None
    if not isinstance(task_id, str) or task_id.startswith(guard.rules.own_prefix):
        return
    holder = {"workerId": claimed["lease"]["workerId"]}
    url = f"{guard.rules.target.url}/api/queue/{quote(task_id, safe='')}/release"
    headers = {name: value for name, value in asked.headers.items() if name.lower() in ("x-api-key", "content-type")}
    send(Asked("POST", url, headers, json.dumps(holder).encode()))
    guard.breach(f"a claim took {task_id!r}, which came into the queue after it was looked at; it has been released")


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
