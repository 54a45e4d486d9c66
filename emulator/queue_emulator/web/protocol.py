"""What Hypercorn leaves out of HTTP: refusals that say why, targets that are no URL yet, and reason phrases.

Its protocols are extended here, below the application, because what they have parsed no longer shows it.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from itertools import chain
from typing import Any, cast

import h11
from h2.errors import ErrorCodes
from h2.events import RequestReceived
from h2.stream import StreamState
from hypercorn.asyncio import tcp_server
from hypercorn.events import Closed, Event, RawData
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.events import Response
from hypercorn.protocol.h2 import H2Protocol
from hypercorn.protocol.h11 import H2CProtocolRequiredError, H2ProtocolAssumedError, H11Protocol

from queue_emulator.core.places import as_url
from queue_emulator.core.wire_names import REASON_HEADER
from queue_emulator.web.framing import HOST, broken_rule, read_head

Log = Callable[[str], None]

_HEAD_END = re.compile(rb"\n\r?\n")
_TOKEN = re.compile(rb"[-!#$%&'*+.^_`|~0-9a-zA-Z]+")
_REASON = REASON_HEADER.lower().encode()
_NEVER_LAST = -(2**63)  # requests on one connection so far: never more than are allowed
_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}


def install(log: Log) -> None:
    """Have Hypercorn speak these protocols: it has no setting for that. `log` is told of each refusal."""
    tcp_server.ProtocolWrapper = partial(Protocol, log=log)  # type: ignore[assignment, attr-defined]


class Protocol:
    """Stands in for Hypercorn's ProtocolWrapper, with its arguments: HTTP/1.1, and HTTP/2 if the client begins it."""

    def __init__(self, *parts: Any, log: Log) -> None:
        self._parts = parts[:9]  # without the choice that TLS would have made
        self.protocol: Http1 | Http2 = Http1(*self._parts, log=log)

    async def initiate(self) -> None:
        await self.protocol.initiate()

    def waits_for_client(self) -> bool:
        """Whether nothing that is under way can go on before the client does something."""
        return self.protocol.waits_for_client()

    async def handle(self, event: Event) -> None:
        try:
            await self.protocol.handle(event)
        except H2ProtocolAssumedError as error:
            await self._go_on_as_http2(error.data)
        except H2CProtocolRequiredError as error:
            await self._go_on_as_http2(error.data, error.headers, error.settings)

    async def _go_on_as_http2(self, received: bytes, *upgraded: Any) -> None:
        self.protocol = Http2(*self._parts)
        await self.protocol.initiate(*upgraded)
        if received:
            await self.protocol.handle(RawData(data=received))
        if self.protocol.closed:  # meanwhile, so that a request that began with it was not told
            await self.protocol.handle(Closed())


class Http1(H11Protocol):
    """HTTP/1.1 that checks the framing of each request, and answers with reason phrases."""

    def __init__(self, *parts: Any, log: Log) -> None:
        super().__init__(*parts)
        self.connection = cast(h11.Connection, CheckedConnection(self.config.h11_max_incomplete_size))
        self._log = log
        self._closed = False

    async def handle(self, event: Event) -> None:
        """As Hypercorn's. Requests that a client sent ahead and has not waited for are no longer begun."""
        self._closed = self._closed or isinstance(event, Closed)
        await super().handle(event)

    async def _create_stream(self, request: h11.Request) -> None:
        if not self._closed:
            await super()._create_stream(request)

    def waits_for_client(self) -> bool:
        """Whether the request that is under way waits for the rest of itself; a WebSocket's handshake is whole."""
        return getattr(self.connection, "their_state", None) is h11.SEND_BODY

    async def stream_send(self, event: StreamEvent) -> None:
        if isinstance(event, Response) and event.status_code >= 200:
            headers = list(chain(event.headers, self.config.response_headers("h11")))
            if self.keep_alive_requests >= self.config.keep_alive_max_requests:
                headers.append((b"connection", b"close"))
            await self._send_h11_event(_response(event.status_code, headers))
        else:
            await super().stream_send(event)

    async def _send_error_response(self, status_code: int) -> None:
        """Called for what cannot be parsed; the client is told why, and so is the log, unless the client has gone."""
        if self.connection.trailing_data[1]:
            return
        why = cast(CheckedConnection, self.connection).why
        self._log(f"  a request was refused with {status_code}: {why}")
        content = f"{HTTPStatus(status_code).phrase}: {why}\n".encode()
        headers = [
            (b"content-type", b"text/plain;charset=UTF-8"),
            (b"content-length", b"%d" % len(content)),
            (b"connection", b"close"),
            *self.config.response_headers("h11"),
        ]
        await self._send_h11_event(_response(status_code, headers))
        await self._send_h11_event(h11.Data(data=content))
        await self._send_h11_event(h11.EndOfMessage())


class Http2(H2Protocol):
    """HTTP/2 whose paths are made URLs as those of HTTP/1.1 are, and which ends only between two requests.

    Hypercorn says goodbye as soon as the last request that is allowed begins; no answer can be sent after that.
    """

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.keep_alive_requests = _NEVER_LAST

    def waits_for_client(self) -> bool:
        """Whether each of its requests waits: for the rest of itself, or for the client to take more of the answer."""
        return all(map(self._waits, self.streams))

    def _waits(self, stream_id: int) -> bool:
        http = self.connection.streams.get(stream_id)
        if http is None:
            return False
        if http.state_machine.state is StreamState.OPEN:  # the client has not ended its side
            return True
        buffer = self.stream_buffers.get(stream_id)
        return bool(buffer and buffer.buffer) and self.connection.local_flow_control_window(stream_id) <= 0

    async def handle(self, event: Event) -> None:
        await super().handle(event)
        await self._drop_unsent_if_closed()

    async def stream_send(self, event: StreamEvent) -> None:
        await self._drop_unsent_if_closed()
        await super().stream_send(event)
        await self._end_between_requests()

    async def _drop_unsent_if_closed(self) -> None:
        """Hypercorn lets an answer wait for ever until a client takes it that has gone."""
        if self.closed:
            for buffer in list(self.stream_buffers.values()):
                await buffer.close()

    async def _send_data(self, stream_id: int) -> None:
        await super()._send_data(stream_id)
        await self._end_between_requests()

    async def _end_between_requests(self) -> None:
        """While other clients wait for a connection, this one ends with what is under way on it."""
        if self.config.keep_alive_max_requests == 0 and not (self.streams or self.stream_buffers or self.closed):
            self.closed = True
            self.connection.close_connection()
            await self._flush()
            await self.send(Closed())

    async def _create_stream(self, request: RequestReceived) -> None:
        if not _is_request(dict(request.headers)):
            self.connection.reset_stream(request.stream_id, ErrorCodes.PROTOCOL_ERROR)
            await self._flush()
            return
        request.headers = [(name, as_url(value) if name == b":path" else value) for name, value in request.headers]
        await super()._create_stream(request)


def _is_request(named: Mapping[bytes, bytes]) -> bool:
    """Whether its method, path and host are such as HTTP/1.1 has (RFC 9113 8.3.1); h2 checks the rest."""
    host = HOST.fullmatch(named.get(b":authority", b""))
    return _TOKEN.fullmatch(named.get(b":method", b"")) is not None and b":path" in named and host is not None


class CheckedConnection:
    """An h11 connection of a server that looks at the head of each request before h11 does.

    Between two requests a connection remembers nothing. So one whose buffer has to change is given up for a new one.
    """

    def __init__(self, head_bytes_max: int) -> None:
        self._head_bytes_max = head_bytes_max
        self._begin(b"")
        self.why = ""

    def next_event(self) -> Any:
        """As h11's. `why` says in words without anything of the request what a RemoteProtocolError is about."""
        try:
            if self._h11.their_state is h11.IDLE:
                self._check_head()
            return self._h11.next_event()
        except h11.RemoteProtocolError as error:
            self.why = self.why or str(error).partition(":")[0]  # what follows would show headers: they hold keys
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._h11, name)

    def _check_head(self) -> None:
        received, closed = self._h11.trailing_data
        end = _HEAD_END.search(received)
        if end is None:
            return
        head = read_head(received[: end.end()])
        rule = broken_rule(head)
        if rule is not None:
            self.why = rule.why
            raise h11.RemoteProtocolError(rule.why, error_status_hint=rule.status)
        if not head.first_line.isascii():
            method, _, rest = received.partition(b" ")
            target, _, rest = rest.partition(b" ")
            self._begin(b"%b %b %b" % (method, as_url(target), rest))
            if closed:
                self._h11.receive_data(b"")

    def _begin(self, received: bytes) -> None:
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=self._head_bytes_max)
        if received:
            self._h11.receive_data(received)


def _response(status: int, headers: list[tuple[bytes, bytes]]) -> h11.Response:
    given = next((value for name, value in headers if name.lower() == _REASON), None)
    kept = [each for each in headers if each[0].lower() != _REASON]
    return h11.Response(status_code=status, headers=kept, reason=given or _PHRASES.get(status, b""))
