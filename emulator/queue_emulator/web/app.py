"""The ASGI application: gives each request to the one that it is for, and writes one log line a request."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from queue_emulator.core.addresses import loopback_authority, loopback_origin
from queue_emulator.core.clock import Stopwatch
from queue_emulator.core.errors import SettingsError
from queue_emulator.core.request_line import Answered, stale_words
from queue_emulator.core.wire_names import (
    API_PREFIX,
    CONNECTION_PREFIX,
    CONTROL_PREFIX,
    INSPECTOR_HEADER,
    INVOCATION,
    MACHINE_HEADER,
    REASON_HEADER,
)
from queue_emulator.kv.operation import Invocation
from queue_emulator.web.deployment import Deployment
from queue_emulator.web.framing import HOST
from queue_emulator.web.request_body import RequestBody
from queue_emulator.web.worker import WorkerApp
from queue_emulator.worker.answers import error_answer

MakeApp = Callable[[Deployment], ASGIApp]

_CONNECTION, _CONTROL = f"{CONNECTION_PREFIX}/".encode(), f"{CONTROL_PREFIX}/".encode()
_PAGE = f"{CONTROL_PREFIX}/page/".encode()


def create_app(
    deployment: Deployment,
    *,
    log_requests: bool = True,
    worker: ASGIApp | None = None,
    upgrades: bool = False,
    connection: MakeApp | None = None,
    known_keys: bool = False,
) -> ASGIApp:
    """The whole emulator as one ASGI application; the caller closes the deployment's service.

    `worker` is what stands in for the Python Worker, with `upgrades` one that takes WebSockets too. With `known_keys`,
    which everybody can look up, no Worker answers to pages of other sites. `connection` makes the application of KV for
    Workers that are given a connection string.
    """
    apps: dict[str, MakeApp] = {}
    if connection is not None:
        apps[CONNECTION_PREFIX] = partial(_connection_app, connection)
    apps[CONTROL_PREFIX] = _control_app
    if deployment.namespaces is not None:
        apps[API_PREFIX] = _api_app
    worker = worker or WorkerApp(deployment)
    app: ASGIApp = AppsByPrefix(deployment, apps, NoOtherSites(worker) if known_keys else worker)
    if log_requests:
        app = RequestLog(app, deployment)
    return app if upgrades else WithoutUpgrade(app)


class AppsByPrefix:
    """The applications below their prefixes of the raw path, the Worker everywhere else.

    Each is loaded when it is first asked for, with its framework, which takes as long as all that a Worker needs.
    """

    def __init__(self, deployment: Deployment, apps: Mapping[str, MakeApp], worker: ASGIApp) -> None:
        self._deployment = deployment
        self._makers = {f"{prefix}/".encode(): make for prefix, make in apps.items()}
        self._made: dict[bytes, ASGIApp] = {}
        self._worker = worker

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return
        app: ASGIApp
        if not (scope["raw_path"].startswith(b"/") or _to_origin_form(scope)):
            app = _misdirected
        else:
            app = self._app(scope["raw_path"])
        if scope["type"] == "websocket":
            scope[INVOCATION] = self._deployment.invocation()
            await (app if app is self._worker else WithoutUpgrade(app))(scope, receive, send)
            return
        run = scope[INVOCATION] = self._deployment.invocation()
        named = next((value for name, value in scope["headers"] if name == _MACHINE), None)
        machine = self._deployment.machine(None if named is None else named.decode("latin-1"))
        if machine is None:
            known = f"1 to {self._deployment.machines}"
            await _plain(send, 400, f"Unknown machine in {MACHINE_HEADER}; each location has {known}")
            return
        run.machine = machine
        await app(scope, receive, send)

    def _app(self, path: bytes) -> ASGIApp:
        for prefix, make in self._makers.items():
            if path.startswith(prefix):
                if prefix not in self._made:
                    self._made[prefix] = make(self._deployment)
                return self._made[prefix]
        return self._worker


_MACHINE = MACHINE_HEADER.lower().encode()


def _to_origin_form(scope: Scope) -> bool:
    """A client that takes this for a proxy names the whole URL; its host counts, and Host does not. False: it has none.

    https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2 ; workerd 2026-11-17 goes by Host, and is given the same there.
    """
    absolute = _ABSOLUTE_FORM.match(scope["raw_path"])
    path: bytes = scope["raw_path"]
    if absolute is not None:
        path = path[absolute.end() :]
        if not absolute[1] or not HOST.fullmatch(absolute[1]):
            return False
        scope["headers"] = [(b"host", absolute[1]), *(each for each in scope["headers"] if each[0] != b"host")]
    scope["raw_path"] = path if path.startswith(b"/") or path == b"*" else b"/" + path
    scope["path"] = unquote(scope["raw_path"].decode("ascii", "replace"))
    return True


_ABSOLUTE_FORM = re.compile(rb"https?://([^/]*)", re.IGNORECASE)


async def _misdirected(scope: Scope, receive: Receive, send: Send) -> None:
    await _plain(send, 400, "the host of the request's target must be a name or an address, with or without a port")


def _control_app(deployment: Deployment) -> ASGIApp:
    from queue_emulator.web.control_app import create_control_app

    return create_control_app(deployment)


def _connection_app(make: MakeApp, deployment: Deployment) -> ASGIApp:
    from queue_emulator.web.loopback_only import LoopbackOnly

    try:
        return LoopbackOnly(make(deployment))
    except SettingsError as error:  # an extra is not installed
        why = str(error)

    async def explain(scope: Scope, receive: Receive, send: Send) -> None:
        await _plain(send, 501, why)

    return LoopbackOnly(explain)


async def _plain(send: Send, status: int, why: str) -> None:
    headers = [(b"content-type", b"text/plain;charset=UTF-8"), (REASON_HEADER.lower().encode(), why.encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": why.encode()})


def _api_app(deployment: Deployment) -> ASGIApp:
    from queue_emulator.web.rest.app import RestApp

    assert deployment.namespaces is not None
    return RestApp(deployment, deployment.namespaces)


class NoOtherSites:
    """Refuses what a page of another site sends by way of this machine's browser, which always names its Host."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        named = [(name, value.decode("latin-1")) for name, value in scope["headers"] if name in (b"host", b"origin")]
        foreign = next((value for name, value in named if not _OF_THIS_MACHINE[name](value)), None)
        if foreign is None:
            await self._app(scope, receive, send)
            return
        why = f"the development keys work only for loopback host names, not for {foreign[:80]!r}: set your own keys"
        await RequestBody(receive).drain()
        answer = error_answer(403, why)
        headers = [(b"content-type", answer.content_type.encode()), (b"content-length", b"%d" % len(answer.content))]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.content})


_OF_THIS_MACHINE = {b"host": loopback_authority, b"origin": loopback_origin}


class WithoutUpgrade:
    """A WebSocket handshake is answered as the GET that it is: nothing here upgrades."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return

        begun = False

        async def no_body() -> Message:
            nonlocal begun
            if not begun:
                begun = True
                return {"type": "http.request"}
            while (await receive())["type"] != "websocket.disconnect":
                pass
            return {"type": "http.disconnect"}

        async def refuse(message: Message) -> None:
            await send({**message, "type": f"websocket.{message['type']}"})

        await self._app({**scope, "type": "http", "method": "GET"}, no_body, refuse)


def _too_often(scope: Scope) -> bool:
    """What comes too often to be told: one KV operation of a connection, parts of the page, and what it looks at."""
    path: bytes = scope["raw_path"]
    looked_at = scope["method"] == "GET" or path in _READ_BY_POST
    return path.startswith((_CONNECTION, _PAGE)) or (
        looked_at and path.startswith(_CONTROL) and _LOOKS in scope["headers"]
    )


_READ_BY_POST = frozenset(
    _CONTROL + path for path in (b"keys/list", b"keys/read", b"keys/entries", b"journal/picture", b"explore/play")
)
_LOOKS = (INSPECTOR_HEADER.lower().encode(), b"reads")


class RequestLog:
    """A line for every request: what was asked, where, how it ended, and what was stale. Never a header or a body."""

    def __init__(self, app: ASGIApp, deployment: Deployment) -> None:
        self._app = app
        self._deployment = deployment

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _too_often(scope):
            await self._app(scope, receive, send)
            return
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        stopwatch = Stopwatch()
        try:
            await self._app(scope, receive, watched)
        finally:
            self._line(scope, status, stopwatch.elapsed_ms())

    def _line(self, scope: Scope, status: int, elapsed_ms: float) -> None:
        path = scope["raw_path"].decode("ascii", "backslashreplace")
        run: Invocation = scope.get(INVOCATION) or Invocation()
        stale = ""
        if run.stale is not None:
            stale = stale_words(run.stale.oldest.kind.name, run.stale.oldest.age_ms, run.stale.number)
        self._deployment.log_request(
            Answered(
                self._deployment.clock.now_ms(),
                scope["method"],
                path,
                status,
                elapsed_ms,
                run.counted,
                run.location,
                run.worker_version,
                stale,
                run.why if status >= 400 else "",
            )
        )
