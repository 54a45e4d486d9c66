"""The KV service as workerd speaks to it: HTTP, one path a key, errors in the reason phrase.

Protocol: https://github.com/cloudflare/workerd/blob/main/src/workerd/api/kv.c++ , and what miniflare answers:
https://github.com/cloudflare/workers-sdk/tree/main/packages/miniflare/src/workers/kv
"""

import json
import logging
import re
import socket
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote_to_bytes

from aiohttp import web

from queue_emulator.accepting import Acceptor, raise_descriptor_limit
from queue_emulator.core import options
from queue_emulator.core.errors import JavaScriptError, KeyNameError, KVError, KVSyntaxError
from queue_emulator.core.javascript import UNDEFINED, Json, ToJson, from_utf8, parse_json, stringify_json
from queue_emulator.core.keys import check_prefix, check_service_key, decode_segment
from queue_emulator.core.kinds import DELETE, GET, LIST, PUT
from queue_emulator.core.wire_names import LOCATION_HEADER
from queue_emulator.kv.binding import Binding, Service, ValueWithMetadata
from queue_emulator.kv.operation import Invocation, Listing, Operation, Outcome, Reading, Written
from queue_emulator.kv.service import KVService
from queue_emulator.workerd.config import NAMESPACE_HEADER
from queue_emulator.workerd.invocations import Invocations

REASON_CHARACTERS_MAX = 512  # as miniflare cuts it
BODY_BYTES_MAX = 100 * 1024 * 1024  # of a value that is refused anyway; a longer stream is not read to its end
BACKLOG = 4096  # a Unix socket with a full one refuses at once
_LINE_BYTES_MAX = 1024 * 1024  # keys, prefixes and cursors far over their limits must still be answered in words
_IDLE_S = 3600.0  # the runtime closes its idle connections first, so that no request meets a closing one
_END_S = 1.0  # aiohttp reads no further when it ends: who is still sending a value would wait for as long as that takes
_KEPT = 8  # file descriptors, of those that clients' connections leave free
_SILENT = logging.Logger(__name__)
_SILENT.addHandler(logging.NullHandler())
_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class _Call:
    service: Service
    location: str
    caller: Invocation
    segment: bytes
    query: Mapping[str, bytes]
    metadata: str | None
    body: bytes

    async def perform(self, make: Callable[["_Call", int], Operation[Outcome]]) -> Outcome:
        """Have an operation performed; what is refused in its making counts too, for the runtime had sent it."""
        try:
            operation = make(self, self.service.clock.now_ms())
        except KVError:
            self.caller.spend()
            raise
        return await self.service.perform(operation)

    def key(self, operation: str) -> bytes:
        """The key that the path names, checked."""
        if self.query.get("urlencoded") != b"true":
            return check_service_key(from_utf8(self.segment), operation)
        decoded = None if _BAD_PERCENT.search(self.segment) else decode_segment(self.segment)
        if decoded is None:
            raise KeyNameError(operation, 400, "Could not URL-decode key name")
        return check_service_key(decoded, operation)

    def number(self, name: str, operation: str) -> int | None:
        """A numeric parameter; None if it was not sent."""
        sent = self.query.get(name)
        if sent is None:
            return None
        try:
            return int(sent)
        except ValueError:
            raise KVError(operation, 400, f"Invalid {name} of {from_utf8(sent)}.") from None


class Asked(Protocol):
    """The head of a request of the protocol. `raw_path` is its target; `headers` find a name however it is written."""

    @property
    def method(self) -> str: ...

    @property
    def raw_path(self) -> str: ...

    @property
    def headers(self) -> Mapping[str, str]: ...


FindService = Callable[[Mapping[str, str]], Awaitable[Service | None]]
"""The namespace that a request's injected headers name; None for none that there is."""


def numbered(names: Sequence[str], service: Callable[[str], KVService]) -> FindService:
    """Namespaces that are named by their place in a list, as our own config of workerd names them."""
    by_number = {str(number): name for number, name in enumerate(names)}

    async def find(headers: Mapping[str, str]) -> KVService | None:
        name = by_number.get(headers.get(NAMESPACE_HEADER, ""))
        return None if name is None else service(name)

    return find


class RuntimeKV:
    """Serves several namespaces at several locations; injected headers say which a request is for.

    `before_answer` is awaited, for the location, when an operation is done and before the Worker hears of it. `runs_at`
    says by location and headers among which runs of `invocations` the one is that asks.
    """

    def __init__(
        self,
        find: FindService,
        *,
        locations: Sequence[str],
        invocations: Invocations,
        log: Callable[[str], None],
        before_answer: Callable[[str], Awaitable[None]] | None = None,
        runs_at: Callable[[str, Mapping[str, str]], str] = lambda location, headers: location,
    ) -> None:
        self._find = find
        self._runs_at = runs_at
        self._before_answer = before_answer
        self._locations = frozenset(locations)
        self._invocations = invocations
        self.log = log
        self._short = False

    def be_short(self, short: bool) -> None:
        """While connections wait for a file descriptor, every answer is the last on its connection."""
        self._short = short

    def is_short(self) -> bool:
        """Whether connections wait for a file descriptor."""
        return self._short

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer one request, its body read to the end first, so that the connection stays usable."""
        try:
            answer = await self.answer(request, await _body(request))
            if self._before_answer is not None:
                await self._before_answer(request.headers.get(LOCATION_HEADER, ""))
        except ConnectionError:  # a value's stream that failed inside the Worker: nobody hears this answer
            answer = _refusal(400, "Bad Request")
        if self._short:
            answer.force_close()
        return answer

    async def answer(self, request: Asked, body: bytes) -> web.Response:
        """What the service says to a request and its body, however they came here."""
        try:
            answer = _OPERATIONS.get(request.method)
            if answer is None:
                return _refusal(405, "Method Not Allowed")
            return await answer(await self._call(request, body))
        except KVError as error:
            return _refusal(error.status, error.reason)
        except JavaScriptError as error:  # a quota or a budget: the runtime knows neither, so it comes from us
            return _refusal(429, str(error))
        except Exception:  # noqa: BLE001 - the Worker must see an error, not a broken connection
            self.log(f"  a defect of this emulator, please report it:\n{traceback.format_exc()}")
            return _refusal(500, "Internal Server Error")

    async def _call(self, request: Asked, body: bytes) -> _Call:
        location = request.headers.get(LOCATION_HEADER, "")
        service = await self._find(request.headers)
        if service is None or location not in self._locations:
            raise KVError("", 400, "No such namespace or location")
        path, _, query = request.raw_path.encode("utf-8", "surrogateescape").partition(b"?")
        return _Call(
            service=service,
            location=location,
            caller=self._invocations.caller(self._runs_at(location, request.headers)),
            segment=path.removeprefix(b"/"),
            query=_query(query),
            metadata=_metadata(request),
            body=body,
        )


@dataclass(frozen=True, slots=True)
class Listening:
    """RuntimeKV at its socket, until `cleanup()`."""

    runner: web.ServerRunner
    acceptor: Acceptor

    def connections(self) -> int:
        """How many are open."""
        return len(self.runner.server.connections) if self.runner.server else 0

    async def cleanup(self) -> None:
        """Accept no more, and end every connection."""
        self.acceptor.close()
        await self.runner.cleanup()


async def listen(kv: RuntimeKV, path: Path) -> Listening:
    """Serve on a Unix socket; the caller awaits `cleanup()` of what this returns."""
    server = web.Server(
        kv.handle,
        access_log=None,
        logger=_SILENT,  # the Worker is told of everything that is wrong with a request
        keepalive_timeout=_IDLE_S,
        max_line_size=_LINE_BYTES_MAX,
        max_field_size=_LINE_BYTES_MAX,
        auto_decompress=False,
    )
    runner = web.ServerRunner(server, shutdown_timeout=_END_S)
    await runner.setup()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(str(path))
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        await runner.cleanup()
        raise
    limit = raise_descriptor_limit()
    return Listening(runner, Acceptor(sock, server, limit=limit, kept=_KEPT, short=kv.be_short, log=kv.log))


async def _get(call: _Call) -> web.Response:
    if not call.segment:
        return await _list(call)
    (found,) = (await call.perform(_get_operation)).found
    headers = _cache_status(found.cache_status)
    if found.entry is None:
        return web.Response(status=404, reason="Not Found", headers=headers)
    if found.entry.metadata is not None:
        headers["CF-KV-Metadata"] = found.entry.metadata
    if found.entry.expiration_s is not None:
        headers["CF-Expiration"] = str(found.entry.expiration_s)
    return web.Response(body=found.entry.value, headers=headers)


def _get_operation(call: _Call, now_ms: int) -> Operation[Reading]:
    keys = (call.key("GET"),)
    ttl_s = options.check_cache_ttl(call.number("cache_ttl", "GET"))
    return Operation(GET, call.service.namespace, call.location, keys, call.caller, now_ms, cache_ttl_s=ttl_s)


async def _list(call: _Call) -> web.Response:
    listing = await call.perform(_list_operation)
    page: dict[str, Json] = {
        "keys": [
            _without_none({"name": row.key.decode(), "expiration": row.expiration_s, "metadata": row.metadata})
            for row in listing.rows
        ],
        "list_complete": listing.cursor is None,
    }
    if listing.cursor is not None:
        page["cursor"] = listing.cursor
    return _json(page, _cache_status(listing.cache_status))


def _list_operation(call: _Call, now_ms: int) -> Operation[Listing]:
    limit = options.check_list_limit(call.number("key_count_limit", "GET"))
    if limit < 1:
        reason = f"Invalid key_count_limit of {limit}. Please specify an integer greater than 0."
        raise KVError("GET", 400, reason)
    prefix = check_prefix(from_utf8(call.query.get("prefix", b"")))
    page = options.ListRequest(prefix, limit, from_utf8(call.query.get("cursor", b"")))
    return Operation(LIST, call.service.namespace, call.location, (prefix,), call.caller, now_ms, page=page)


async def _put(call: _Call) -> web.Response:
    await call.perform(_put_operation)
    return web.Response(status=204)


def _put_operation(call: _Call, now_ms: int) -> Operation[Written]:
    request = options.check_put(
        call.key("PUT"),
        call.body,
        expiration_s=call.number("expiration", "PUT"),
        expiration_ttl_s=call.number("expiration_ttl", "PUT"),
        metadata=call.metadata,
        now_ms=now_ms,
    )
    keys = (request.key,)
    return Operation(PUT, call.service.namespace, call.location, keys, call.caller, now_ms, (request,))


async def _delete(call: _Call) -> web.Response:
    await call.perform(_delete_operation)
    return web.Response(status=204)


def _delete_operation(call: _Call, now_ms: int) -> Operation[Written]:
    return Operation(DELETE, call.service.namespace, call.location, (call.key("DELETE"),), call.caller, now_ms)


async def _bulk_get(call: _Call) -> web.Response:
    """Values are converted here, by the service: the runtime takes the answer as it comes."""
    if call.segment != b"bulk/get":
        return _refusal(405, "Method Not Allowed")
    asked = json.loads(from_utf8(call.body))
    binding = Binding(call.service, call.location, call.caller)
    keys, type_, cache_ttl = asked["keys"], asked.get("type", UNDEFINED), asked.get("cacheTtl", UNDEFINED)
    if not asked.get("withMetadata"):
        return _json(await binding.get_bulk(keys, type_, cache_ttl=cache_ttl))
    found = await binding.get_bulk_with_metadata(keys, type_, cache_ttl=cache_ttl)
    return _json({name: _with_metadata(each) for name, each in found.items()})


_OPERATIONS: dict[str, Callable[[_Call], Awaitable[web.Response]]] = {
    "GET": _get,
    "PUT": _put,
    "DELETE": _delete,
    "POST": _bulk_get,
}


async def _body(request: web.BaseRequest) -> bytes:
    chunks: list[bytes] = []
    size_bytes = 0
    async for chunk in request.content.iter_any():
        chunks.append(chunk)
        size_bytes += len(chunk)
        if size_bytes > BODY_BYTES_MAX:
            break
    return b"".join(chunks)


def _query(raw: bytes) -> dict[str, bytes]:
    """Form encoding, as the runtime writes it; values stay bytes, for they need not be UTF-8."""
    pairs = (pair.partition(b"=") for pair in raw.split(b"&") if pair)
    return {from_utf8(name): unquote_to_bytes(value.replace(b"+", b" ")) for name, _, value in pairs}


def _metadata(request: Asked) -> str | None:
    """Travels as raw UTF-8. What is not JSON, a function's "undefined", makes the service fail."""
    sent = request.headers.get("CF-KV-Metadata")
    if sent is None:
        return None
    text = from_utf8(sent.encode("utf-8", "surrogateescape"))
    try:
        parse_json(text)
    except KVSyntaxError:
        raise KVError("PUT", 500, "Internal Server Error") from None
    return text


def _refusal(status: int, reason: str) -> web.Response:
    phrase = re.sub(r"[\r\n]+", " ", reason)[:REASON_CHARACTERS_MAX]
    return web.Response(status=status, reason=phrase, text=reason)


def _json(value: ToJson, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(text=stringify_json(value), content_type="application/json", headers=headers)


def _cache_status(status: str | None) -> dict[str, str]:
    return {} if status is None else {"CF-Cache-Status": status}


def _with_metadata(found: ValueWithMetadata[Json] | None) -> Json:
    return None if found is None else {"value": found.value, "metadata": found.metadata}


def _without_none(members: dict[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in members.items() if value is not None}
