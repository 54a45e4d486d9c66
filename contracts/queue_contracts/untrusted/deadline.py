"""The time by which one request is over. Clients know limits of single reads, and a server that drips keeps those."""

import os
import ssl
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from http.cookiejar import CookieJar
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

import httpx
import requests
import urllib3

from queue_contracts.untrusted.bounded import CHUNK_BYTES, whole_body

READ_S_MAX = 30
REQUEST_S_MAX = 60
TEXT = "utf-8"  # whatever a Content-Type names: zlib, bz2 and hex are encodings to Python as well

Answer = TypeVar("Answer")


def within(
    seconds: float, request: str, send: Callable[[], Answer], too_slow: Callable[[str], Exception] = httpx.ReadTimeout
) -> Answer:
    """What `send` gives, which reads the whole answer; `too_slow` is raised if that takes longer.

    A thread is busy with it until the server's patience or this process ends: neither httpx nor requests can be told to
    stop while it looks up a name, shakes hands or reads a header.
    """
    answer: Future[Answer] = Future()
    sender = _idle.pop() if _idle else _Sender()

    def run() -> None:
        try:
            answered = send()
        except BaseException as error:  # noqa: BLE001 - raised again by `result`
            _idle.append(sender)
            answer.set_exception(error)
        else:
            _idle.append(sender)
            answer.set_result(answered)

    sender.told.put(run)
    try:
        answer.exception(seconds)
    except TimeoutError:
        raise too_slow(f"{request} was not answered completely within {seconds:g} s") from None
    return answer.result()


class _Sender:
    """A thread that sends one request after another: to start one for each takes longer than most requests."""

    def __init__(self) -> None:
        self.told: SimpleQueue[Callable[[], None]] = SimpleQueue()
        Thread(target=self._work, daemon=True, name="requests within their time").start()

    def _work(self) -> None:
        while True:
            self.told.get()()


_idle: list[_Sender] = []
os.register_at_fork(after_in_child=_idle.clear)  # there they have no threads


def open_client(*, guarded: bool = True) -> httpx.Client:
    """Without the environment: a proxy set there must not come between the suite and its target. It keeps no cookies.

    A guard bounds what is sent through it, without its waits for the rate; where there is none, the client does.
    """
    transport = None if guarded else BoundedTransport()
    return httpx.Client(
        verify=certificates(), timeout=READ_S_MAX, trust_env=False, transport=transport, cookies=_NoCookies()
    )


class _NoCookies(CookieJar):
    """Takes none: Python prints the traceback of one that it fails to read."""

    def extract_cookies(self, response: object, request: object) -> None:
        pass


@cache
def certificates() -> ssl.SSLContext:
    """Whom all clients of this process trust. To read the certificates takes longer than most requests."""
    return httpx.create_ssl_context(trust_env=False)


def read_of_requests(response: requests.Response) -> requests.Response:
    """The same for the client that Schemathesis speaks through."""
    try:
        chunks = response.raw.stream(CHUNK_BYTES, decode_content=False)
        content = whole_body(chunks, response.headers.pop("content-encoding", ""))
    except (urllib3.exceptions.HTTPError, ValueError) as error:  # the second for a chunk shorter than nothing
        raise requests.ConnectionError(error, request=response.request) from None
    finally:
        response.raw.close()
    response._content, response._content_consumed = content, True
    response.encoding = TEXT
    return response


class BoundedTransport(httpx.HTTPTransport):
    """Bounds each request, for where no guard does it."""

    def __init__(self, request_s_max: float = REQUEST_S_MAX) -> None:
        super().__init__(verify=certificates(), trust_env=False)
        self._request_s_max = request_s_max

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        send = super().handle_request
        return within(self._request_s_max, f"{request.method} {request.url}", lambda: read(send(request)))


def read(response: httpx.Response) -> httpx.Response:
    """The same answer with its body at hand and decompressed, unread to the client that asked for it.

    Raises Unreadable for a body beyond the limits.
    """
    assert isinstance(response.stream, httpx.SyncByteStream)
    try:
        content = whole_body(response.stream, response.headers.get("content-encoding", ""))
    finally:
        response.stream.close()
    headers = [(name, value) for name, value in response.headers.raw if name.lower() != b"content-encoding"]
    answer = httpx.Response(
        response.status_code, headers=headers, stream=httpx.ByteStream(content), extensions=response.extensions
    )
    answer.encoding = TEXT
    _require_location(answer)
    return answer


def _require_location(answer: httpx.Response) -> None:
    """Raises RemoteProtocolError for a redirect to what is no URL, at which httpx raises what is no HTTPError.

    A client makes the request that would follow, whether it follows or not.
    """
    if not answer.has_redirect_location:
        return
    try:
        location = httpx.URL(answer.headers["Location"])
        if location.scheme and not location.host:
            location.copy_with(host="host")
    except httpx.InvalidURL as error:
        raise httpx.RemoteProtocolError(f"it redirects to what is no URL: {error}") from None
