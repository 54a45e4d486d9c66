"""The ASGI application: mounts the faces, and writes one log line a request."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emulator.core.clock import Stopwatch
from emulator.web.control import CONTROLS, PREFIX, Control, LoopbackOnly
from emulator.web.deployment import Deployment
from emulator.web.worker import WorkerFace

_PATH_SHOWN_MAX = 200


def create_app(deployment: Deployment, *, log_requests: bool = True) -> Starlette:
    """The whole emulator as one ASGI application; the caller closes the deployment's service."""
    control = Starlette(
        routes=Control(deployment).routes(),
        middleware=[Middleware(LoopbackOnly)],
        exception_handlers={HTTPException: _control_error},
    )
    control.router.redirect_slashes = False
    app = Starlette(
        routes=[Mount(PREFIX, app=control), Mount("/", app=WorkerFace(deployment))],
        middleware=[Middleware(RequestLog, deployment=deployment)] if log_requests else [],
    )
    app.router.redirect_slashes = False
    return app


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
        await self._app(scope, receive, watched)
        path = scope["raw_path"].decode("ascii", "backslashreplace")
        if len(path) > _PATH_SHOWN_MAX:
            path = path[:_PATH_SHOWN_MAX] + "…"
        operations = scope.get("emulator.operations", 0)
        counted = "1 KV operation" if operations == 1 else f"{operations} KV operations"
        self._deployment.log(f"{scope['method']} {path} {status} {stopwatch.elapsed_ms():.1f} ms {counted}")


async def _control_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        message = f"no such control; there are {', '.join(CONTROLS)} under {PREFIX}/"
    else:
        message = f"{request.method} is not allowed here; allowed: {(error.headers or {}).get('Allow', '')}"
    return JSONResponse({"error": message}, error.status_code, error.headers)
