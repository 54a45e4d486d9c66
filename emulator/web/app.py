"""The ASGI application: mounts the faces, and writes one log line a request."""

import traceback
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emulator.core.clock import Stopwatch
from emulator.core.surface import CONTROL_PREFIX
from emulator.web.control import Control
from emulator.web.deployment import Deployment
from emulator.web.laboratory import Laboratory
from emulator.web.loopback_only import LoopbackOnly
from emulator.web.request_body import ClientGone, DrainedFirst
from emulator.web.worker import WorkerFace

_PATH_SHOWN_MAX = 200


def create_app(deployment: Deployment, *, log_requests: bool = True, worker: ASGIApp | None = None) -> Starlette:
    """The whole emulator as one ASGI application; the caller closes the deployment's service.

    `worker` is what stands in for the Python Worker.
    """
    controls = Control(deployment).routes() + Laboratory(deployment).routes()
    control = Starlette(
        routes=controls,
        middleware=[Middleware(DrainedFirst), Middleware(LoopbackOnly)],
        exception_handlers={HTTPException: _refuse_control(controls), Exception: _explain(deployment.log)},
    )
    control.router.redirect_slashes = False
    log = [Middleware(RequestLog, deployment=deployment)] if log_requests else []
    app = Starlette(routes=[Mount(CONTROL_PREFIX, app=control)], middleware=[Middleware(WithoutUpgrade), *log])
    app.router.redirect_slashes = False
    app.router.default = worker or WorkerFace(deployment)  # not a Mount: its pattern refuses an id with a line break
    return app


class WithoutUpgrade:
    """A WebSocket handshake is answered as the GET that it is: nothing here upgrades."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return

        async def no_body() -> Message:
            return {"type": "http.request"}

        async def refuse(message: Message) -> None:
            await send({**message, "type": f"websocket.{message['type']}"})

        await self._app({**scope, "type": "http", "method": "GET"}, no_body, refuse)


class RequestLog:
    """Method, path, status, milliseconds and KV operations of every request. Never a header or a body."""

    def __init__(self, app: ASGIApp, deployment: Deployment) -> None:
        self._app = app
        self._deployment = deployment

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
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
        if len(path) > _PATH_SHOWN_MAX:
            path = path[:_PATH_SHOWN_MAX] + "…"
        operations = scope.get("emulator.operations", 0)
        if operations is None:
            counted = "KV operations among other requests'"
        else:
            counted = "1 KV operation" if operations == 1 else f"{operations} KV operations"
        self._deployment.log(f"{scope['method']} {path} {status} {elapsed_ms:.1f} ms {counted}")


def _refuse_control(controls: list[Route]) -> Callable[[Request, Exception], Awaitable[Response]]:
    known = ", ".join(dict.fromkeys(route.path.split("/")[1] for route in controls))

    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 404:
            message = f"no such control; there are {known} under {CONTROL_PREFIX}/"
        else:
            message = f"{request.method} is not allowed here; allowed: {(error.headers or {}).get('Allow', '')}"
        return JSONResponse({"error": message}, error.status_code, error.headers)

    return refuse


def _explain(log: Callable[[str], None]) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def explain(request: Request, error: Exception) -> Response:
        if isinstance(error, ClientGone):
            return JSONResponse({"error": "the request ended before its body was whole"}, 400)
        log(f"  a defect of this emulator, please report it:\n{''.join(traceback.format_exception(error))}")
        return JSONResponse({"error": "a defect of this emulator; its log explains it"}, 500)

    return explain
