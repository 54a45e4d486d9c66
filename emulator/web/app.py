"""The ASGI application: gives each request to its face, and writes one log line a request."""

from collections.abc import Callable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emulator.core.clock import Stopwatch
from emulator.core.surface import API_PREFIX, CONTROL_PREFIX
from emulator.web.deployment import Deployment
from emulator.web.worker import WorkerFace

_PATH_SHOWN_MAX = 200


def create_app(deployment: Deployment, *, log_requests: bool = True, worker: ASGIApp | None = None) -> ASGIApp:
    """The whole emulator as one ASGI application; the caller closes the deployment's service.

    `worker` is what stands in for the Python Worker.
    """
    faces = {CONTROL_PREFIX: _control_face}
    if deployment.namespaces is not None:
        faces[API_PREFIX] = _api_face
    app: ASGIApp = Faces(deployment, faces, worker or WorkerFace(deployment))
    if log_requests:
        app = RequestLog(app, deployment)
    return WithoutUpgrade(app)


class Faces:
    """The faces below their prefixes of the raw path, the Worker everywhere else.

    A face is loaded when it is first asked for, with its framework, which takes as long as all that a Worker needs.
    """

    def __init__(
        self, deployment: Deployment, faces: Mapping[str, Callable[[Deployment], ASGIApp]], worker: ASGIApp
    ) -> None:
        self._deployment = deployment
        self._makers = {f"{prefix}/".encode(): make for prefix, make in faces.items()}
        self._made: dict[bytes, ASGIApp] = {}
        self._worker = worker

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._face(scope["raw_path"])(scope, receive, send)

    def _face(self, path: bytes) -> ASGIApp:
        for prefix, make in self._makers.items():
            if path.startswith(prefix):
                if prefix not in self._made:
                    self._made[prefix] = make(self._deployment)
                return self._made[prefix]
        return self._worker


def _control_face(deployment: Deployment) -> ASGIApp:
    from emulator.web.control_app import create_control_app

    return create_control_app(deployment)


def _api_face(deployment: Deployment) -> ASGIApp:
    from emulator.web.rest.face import RestFace

    assert deployment.namespaces is not None
    return RestFace(deployment, deployment.namespaces)


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
