"""/cdn-cgi/emulator/: the emulator's own controls, under a prefix that no Worker can own.

Only for this machine: the peer is a loopback address, and the Host and Origin headers name one, so that neither
another machine nor a web page in this machine's browser (DNS rebinding, cross-site requests) can reach it.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from emulator.core.addresses import loopback
from emulator.core.bulk import parse_bulk
from emulator.core.clock import iso_8601
from emulator.core.errors import BulkDataError, EmulatorError, JavaScriptError
from emulator.core.javascript import Json, json_decoder
from emulator.web.deployment import LOCATION_HEADER, Deployment
from emulator.web.request_body import RequestBody
from emulator.worker.commhub import CommHub
from emulator.worker.fetch import ID_BYTES_MAX, WorkerVersion

PREFIX = "/cdn-cgi/emulator"
CONTROLS = ("status", "reset", "seed", "enqueue", "clock")
BODY_BYTES_MAX = 100 * 1024 * 1024  # of a bulk write to Cloudflare's API
_TASK_TYPES = ("task", "query", "approval", "notification")
_PRIORITIES = ("low", "medium", "high", "critical")


Action = Callable[[Request], Awaitable[Json]]


class ControlError(EmulatorError):
    """A control request that was refused, with its status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Control:
    """The controls of one deployment."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def routes(self) -> list[Route]:
        actions: tuple[tuple[str, str, Action], ...] = (
            ("GET", "/status", self.status),
            ("POST", "/reset", self.reset),
            ("POST", "/seed", self.seed),
            ("POST", "/enqueue", self.enqueue),
            ("POST", "/clock", self.move_clock),
            ("GET", "/clock", self.show_clock),
        )
        by_path: dict[str, dict[str, Action]] = {}
        for method, path, action in actions:
            by_path.setdefault(path, {})[method] = action
        return [Route(path, _endpoint(by), methods=list(by)) for path, by in by_path.items()]

    async def status(self, request: Request) -> Json:
        """What runs here: profile, locations, Worker version, time, and how many keys live in KV."""
        deployment = self._deployment
        return {
            "profile": deployment.service.profile.name,
            "locations": list(deployment.locations),
            "workerVersion": deployment.version.value,
            "keys": await deployment.service.count(),
            "clock": self._clock(),
        }

    async def reset(self, request: Request) -> Json:
        """Forget all data, and show the machine's time again."""
        await self._deployment.service.reset()
        self._deployment.clock.follow_source()
        return {"keys": 0, "clock": self._clock()}

    async def seed(self, request: Request) -> Json:
        """Write a bulk-put array, all or nothing, at the location that the request names."""
        data = parse_bulk(await _body(request), self._deployment.clock.now_ms())
        await self._deployment.service.load(self._location(request), data.requests)
        return {"written": len(data.requests), "ignoredFields": data.unknown_fields}

    async def enqueue(self, request: Request) -> Json:
        """A task through CommHub, as a webhook would bring it: `{"format": "new"|"old", "task": {…}}`."""
        body = await _object(request, {"format", "task"})
        version = _choice(body, "format", ("new", "old"), "new")
        task = _task(body.get("task", {}), self._deployment)
        binding = self._deployment.binding(self._location(request))
        hub = CommHub(WorkerVersion(version).format(binding), self._deployment.clock)
        return {"format": version, "task": await hub.send(task)}

    async def show_clock(self, request: Request) -> Json:
        return self._clock()

    async def move_clock(self, request: Request) -> Json:
        """`{"advance_s": 60}`: every expiry and every timestamp follows."""
        body = await _object(request, {"advance_s"})
        advance_s = body.get("advance_s")
        if isinstance(advance_s, bool) or not isinstance(advance_s, (int, float)):
            raise ControlError(400, 'advance_s must be a number of seconds, as in {"advance_s": 60}')
        self._deployment.clock.advance(round(min(advance_s, 1e12) * 1000))
        return self._clock()

    def _clock(self) -> Json:
        clock = self._deployment.clock
        return {"now": iso_8601(clock.now_ms()), "now_ms": clock.now_ms(), "offset_ms": clock.offset_ms}

    def _location(self, request: Request) -> str:
        named = request.headers.get(LOCATION_HEADER)
        location = self._deployment.location(named)
        if location is None:
            known = ", ".join(self._deployment.locations)
            raise ControlError(400, f"unknown location {named!r}; this emulator has {known}")
        return location


class LoopbackOnly:
    """Refuses what does not come from this machine, or is sent by a page of another origin."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        peer = scope["client"][0] if scope.get("client") else ""
        host = request.headers.get("host", "")
        origin = request.headers.get("origin")
        why = None
        if not loopback(peer):
            why = "the emulator's controls answer this machine only"
        elif not loopback(_hostname(f"//{host}")):
            why = f"the emulator's controls answer to loopback host names only, not to Host {host[:80]!r}"
        elif origin is not None and not loopback(_hostname(origin)):
            why = f"the emulator's controls refuse requests of other origins: {origin[:80]!r}"
        if why is None:
            await self._app(scope, receive, send)
        else:
            await RequestBody(receive).drain()
            await JSONResponse({"error": why}, 403)(scope, receive, send)


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _endpoint(actions: dict[str, Action]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(await actions["GET" if request.method == "HEAD" else request.method](request))
        except ControlError as error:
            return JSONResponse({"error": str(error)}, error.status)
        except BulkDataError as error:
            return JSONResponse({"error": f"nothing was written: {error}"}, 400)
        except JavaScriptError as error:
            return JSONResponse({"error": f"{error.name}: {error}"}, 500)
        except EmulatorError as error:
            return JSONResponse({"error": str(error)}, 400)

    return endpoint


async def _body(request: Request) -> bytes:
    content = await RequestBody(request.receive).read(BODY_BYTES_MAX)
    if content is None:
        raise ControlError(413, f"the request body exceeds {BODY_BYTES_MAX} bytes")
    return content


async def _object(request: Request, members: set[str]) -> dict[str, Json]:
    try:
        parsed = _DECODER.decode((await _body(request)).decode())
    except (ValueError, RecursionError):
        raise ControlError(400, "the request body is not JSON") from None
    if not isinstance(parsed, dict):
        raise ControlError(400, "the request body must be a JSON object")
    unknown = sorted(set(parsed) - members)
    if unknown:
        raise ControlError(400, f"unknown member {unknown[0]!r}; allowed: {', '.join(sorted(members))}")
    return parsed


def _choice(body: dict[str, Json], name: str, allowed: tuple[str, ...], default: str) -> str:
    chosen = body.get(name, default)
    if chosen not in allowed:
        raise ControlError(400, f"{name} must be one of {', '.join(allowed)}, not {chosen!r}")
    return str(chosen)


def _task(given: Json, deployment: Deployment) -> dict[str, Json]:
    """The request that CommHub is sent: what was given, with defaults for what every task has."""
    if not isinstance(given, dict):
        raise ControlError(400, "task must be a JSON object")
    deployment.requests += 1
    made_id = f"task-{deployment.dice.bits(48, 'task', deployment.clock.now_ms(), deployment.requests):012x}"
    task = {"id": made_id, "type": "task", "source": "emulator", "content": "", "priority": "medium", "metadata": {}}
    task |= given
    if not isinstance(task["id"], str) or not 0 < len(task["id"].encode("utf-8", "replace")) <= ID_BYTES_MAX:
        raise ControlError(400, f"task.id must be a string of 1 to {ID_BYTES_MAX} bytes")
    _choice(task, "type", _TASK_TYPES, "task")
    _choice(task, "priority", _PRIORITIES, "medium")
    if not isinstance(task["metadata"], dict):
        raise ControlError(400, "task.metadata must be a JSON object")
    return task


_DECODER = json_decoder()
