"""KV for a Worker that is given a connection string, as for a remote binding, instead of a preload.

`http://127.0.0.1:8787/cdn-cgi/emulator/kv/SJC?at.TOKYO=NRT&id.CACHE=…`: the Worker's location, by name of a binding
another location, and the id of its namespace, which else is the one of the binding's name. What miniflare sends there:
https://github.com/cloudflare/workers-sdk/blob/main/packages/miniflare/src/workers/shared/remote-proxy-client.worker.ts
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from queue_emulator.core.wire_names import CONNECTION_PREFIX, LOCATION_HEADER, REASON_HEADER
from queue_emulator.kv.service import KVService
from queue_emulator.workerd.config import NAMESPACE_HEADER
from queue_emulator.workerd.invocations import Invocations
from queue_emulator.workerd.proxying import Body, ClientGone, Receive, Scope, Send, header
from queue_emulator.workerd.runtime_kv import BODY_BYTES_MAX, REASON_CHARACTERS_MAX, RuntimeKV

BindNamespace = Callable[[str, str | None], Awaitable[KVService]]
"""The namespace of a binding's name, or of the id that is given for it; it comes to be if there is none."""

_ALLOWED = "at.BINDING=LOCATION, id.BINDING=NAMESPACE_ID"
_HOST = re.compile(r"^[a-z]+://[^/]*", re.IGNORECASE)
_ORIGINAL = b"mf-header-"


class _Refused(Exception):
    """A connection string that means nothing here."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the runtime would have sent to RuntimeKV itself."""

    method: str
    raw_path: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Place:
    binding: str
    location: str
    id: str | None


class ConnectionApp:
    """An ASGI application below CONNECTION_PREFIX."""

    def __init__(
        self,
        bind: BindNamespace,
        *,
        locations: Callable[[], Sequence[str]],
        log: Callable[[str], None],
    ) -> None:
        self._bind = bind
        self._locations = locations
        self._log = log
        self._invocations = Invocations(outside="by a connection string")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = Body(receive)
        try:
            place, asked = self._asked(scope)
            service = await self._bind(place.binding, place.id)
            await _send(send, await self._kv(service).answer(asked, await _read(body)))
        except _Refused as refused:
            await body.drain()
            await _send(send, web.Response(status=400, reason=str(refused), text=str(refused)))
        except ClientGone:
            pass

    def _kv(self, service: KVService) -> RuntimeKV:
        async def find(headers: Mapping[str, str]) -> KVService:
            return service

        return RuntimeKV(find, locations=self._locations(), invocations=self._invocations, log=self._log)

    def _asked(self, scope: Scope) -> tuple[_Place, _Asked]:
        url, binding = (header(scope, name) for name in (b"mf-url", b"mf-binding"))
        if url is None or binding is None:
            raise _Refused("this URL is the KV of a Worker: give it to miniflare as remoteProxyConnectionString")
        place = self._place(scope, binding.decode())
        original = {
            name[len(_ORIGINAL) :].decode().lower(): value.decode("utf-8", "surrogateescape")
            for name, value in scope["headers"]
            if name.startswith(_ORIGINAL)
        }
        headers = {"CF-KV-Metadata": original["cf-kv-metadata"]} if "cf-kv-metadata" in original else {}
        headers |= {LOCATION_HEADER: place.location, NAMESPACE_HEADER: ""}
        return place, _Asked(scope["method"], _HOST.sub("", url.decode("ascii", "surrogateescape")), headers)

    def _place(self, scope: Scope, binding: str) -> _Place:
        locations = self._locations()
        location = unquote(scope["raw_path"].decode("ascii")).removeprefix(f"{CONNECTION_PREFIX}/") or locations[0]
        id = None
        for name, value in parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True):
            kind, dot, of = name.partition(".")
            if not dot or kind not in ("at", "id") or not of or not value:
                raise _Refused(f"a connection string can have {_ALLOWED}, not {name[:40]}={value[:40]}")
            if of == binding:
                location, id = (value, id) if kind == "at" else (location, value)
        if location not in locations:
            raise _Refused(f"unknown location {location[:40]}; this emulator has {', '.join(locations)}")
        return _Place(binding, location, id)


async def _read(body: Body) -> bytes:
    chunks: list[bytes] = []
    size_bytes = 0
    while not body.ended and size_bytes <= BODY_BYTES_MAX:
        chunks.append(await body.chunk())
        size_bytes += len(chunks[-1])
    return b"".join(chunks)


async def _send(send: Send, answer: web.Response) -> None:
    content = answer.body if isinstance(answer.body, bytes) else b""
    headers = {
        **{name.lower(): value for name, value in answer.headers.items()},
        REASON_HEADER.lower(): answer.reason[:REASON_CHARACTERS_MAX],
        "content-length": str(len(content)),
        "mf-forwarded-response": "1",  # an answer of the service, not of something on the way to it
    }
    raw = [(name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": content})
