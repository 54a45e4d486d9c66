"""Puts a guard below every client of this process.

Requests and httpx are changed where each of them hands a request to the network, whoever made the session: Schemathesis
opens sessions of its own for its probes. Whatever else connects, or sends by http.client, is caught by an audit hook of
the interpreter (https://docs.python.org/3/library/audit_events.html, 2026-11-24).
"""

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import CookieJar
from typing import NoReturn, TypeAlias, TypeVar

import httpx
import requests
from requests.adapters import HTTPAdapter

from queue_contracts.described.answers import Answer
from queue_contracts.sending.claims import claim, is_claim_among_others
from queue_contracts.sending.guard import Guard, Response, Wire, let_through
from queue_contracts.sending.rules import Asked
from queue_contracts.untrusted.deadline import read, read_of_requests, within

Sent = TypeVar("Sent")
Received = TypeVar("Received")
# What is done instead of handing a request to the network: given the guard, what hands it there, and the request.
Around: TypeAlias = Callable[[Guard, Callable[[Sent], Received], Sent], Received]

_permitted = threading.local()
_installed: list[Guard] = []
_hooked: list[bool] = []


def install(guard: Guard) -> None:
    """Put the guard below every client of this process, until `remove`."""
    if not _hooked:
        sys.addaudithook(_audit)
        _hooked.append(True)
        _change("send", HTTPAdapter, _requests_send)
        _change("handle_request", httpx.HTTPTransport, _httpx_send)
        _change("handle_async_request", httpx.AsyncHTTPTransport, _refuse_async)
        # A cookie is of no use here; Python prints the traceback of one that it fails to read.
        _change("extract_cookies", CookieJar, lambda guard, extract, response: None)
        _change("get_redirect_target", requests.Session, lambda guard, follow, response: None)
    _installed.append(guard)


def remove(guard: Guard) -> None:
    _installed.remove(guard)


@contextmanager
def below(guard: Guard) -> Iterator[None]:
    """While the block runs, the guard is at work."""
    install(guard)
    try:
        yield
    finally:
        remove(guard)


def installed() -> Guard | None:
    """The guard at work in this process."""
    return _installed[-1] if _installed else None


def _change(name: str, kind: type, around: Around[Sent, Received]) -> None:
    original = getattr(kind, name)

    def changed(self: object, request: Sent, *arguments: object, **options: object) -> Received:
        def send(each: Sent) -> Received:
            received: Received = original(self, each, *arguments, **options)
            return received

        guard = installed()
        return send(request) if guard is None else around(guard, send, request)

    setattr(kind, name, changed)


def _requests_send(
    guard: Guard, send: Callable[[requests.PreparedRequest], requests.Response], request: requests.PreparedRequest
) -> requests.Response:
    body = request.body or b""
    if not isinstance(body, str | bytes):
        guard.breach(f"{request.method} {request.url}: a streamed body cannot be checked")
    content = body.encode() if isinstance(body, str) else body
    asked = Asked(request.method or "", request.url or "", _text(request.headers), content)

    def once(each: Asked) -> requests.Response:
        prepared = request
        if each is not asked:
            prepared = requests.Request(each.method, each.url, headers=dict(each.headers), data=each.body).prepare()
        return _in_time(guard, each, lambda: read_of_requests(send(prepared)), requests.ReadTimeout)

    def seen(response: requests.Response) -> Answer:
        return Answer(response.status_code, _lowered(response.headers), response.content)

    return _through(guard, Wire(asked, once, seen))


def _httpx_send(
    guard: Guard, send: Callable[[httpx.Request], httpx.Response], request: httpx.Request
) -> httpx.Response:
    asked = Asked(request.method, str(request.url), _text(request.headers), request.read())

    def once(each: Asked) -> httpx.Response:
        sent = request
        if each is not asked:
            sent = httpx.Request(each.method, each.url, headers=dict(each.headers), content=each.body)
            sent.extensions = request.extensions
        return _in_time(guard, each, lambda: read(send(sent)), httpx.ReadTimeout)

    def seen(response: httpx.Response) -> Answer:
        # A second reading of the same bytes: the client must find its own answer unread.
        body = httpx.Response(response.status_code, headers=response.headers, stream=response.stream).read()
        return Answer(response.status_code, _lowered(response.headers), body)

    return _through(guard, Wire(asked, once, seen))


def _through(guard: Guard, wire: Wire[Response]) -> Response:
    guard.admit(wire.asked)
    if not guard.of_interest(wire.asked):
        return wire.send(wire.asked)
    return claim(guard, wire) if is_claim_among_others(guard, wire.asked) else let_through(guard, wire)


def _in_time(
    guard: Guard, asked: Asked, send: Callable[[], Response], too_slow: Callable[[str], Exception]
) -> Response:
    def permitted() -> Response:
        with _Permit():
            return send()

    return within(guard.request_s_max, f"{asked.method} {asked.url}", permitted, too_slow)


def _refuse_async(guard: Guard, send: Callable[[httpx.Request], object], request: httpx.Request) -> NoReturn:
    guard.breach(f"{request.method} {request.url}: queue-contracts sends no asynchronous requests")


def _text(headers: Mapping[str, str | bytes]) -> dict[str, str]:
    def text(value: str | bytes) -> str:
        return value.decode("latin-1") if isinstance(value, bytes) else value

    return {text(name): text(value) for name, value in headers.items()}


def _lowered(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name.lower(), value) for name, value in headers.items())


class _Permit:
    def __enter__(self) -> None:
        _permitted.now = True

    def __exit__(self, *_: object) -> None:
        _permitted.now = False


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event not in ("socket.connect", "http.client.send") or not _installed or getattr(_permitted, "now", False):
        return
    where = arguments[1] if event == "socket.connect" else "http.client"
    if isinstance(where, tuple):
        where = where[:2]
    elif event == "socket.connect":
        return  # a socket of this machine's file system
    _installed[-1].breach(f"a connection to {where} bypasses the guard")
