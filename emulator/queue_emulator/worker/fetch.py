"""The Worker's `fetch`: from a request to an answer, the way the deployed Worker takes it.

Order of things under /api/queue and /api/result: prefix, key, rate limit, route, id, body; nothing else of a request
is looked at before its key. Under /api/migrate the key is asked for inside each route, so what is no route there is a
404 for everybody.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from queue_emulator.core.clock import Clock
from queue_emulator.core.keys import decode_segment
from queue_emulator.core.limits import KEY_BYTES_MAX, VALUE_BYTES_MAX
from queue_emulator.kv.binding import Binding
from queue_emulator.kv.waiting import off_loop
from queue_emulator.worker import bodies, migration, queue
from queue_emulator.worker.answers import Answer, error_answer, text_answer
from queue_emulator.worker.auth import ApiKeys, Scope, authorized, why_not
from queue_emulator.worker.dual import queue_format
from queue_emulator.worker.formats import LONGEST_PREFIX, Format
from queue_emulator.worker.portable import PortableRange, departures_of_body, departures_of_id
from queue_emulator.worker.rate_limit import RateLimit
from queue_emulator.worker.versions import WorkerVersion

ID_BYTES_MAX = KEY_BYTES_MAX - len(LONGEST_PREFIX)
BODY_BYTES_MAX = VALUE_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Request:
    """What the Worker sees. `path` is raw, as sent; `body` reads at most BODY_BYTES_MAX, None if there is more."""

    method: str
    path: bytes
    api_key: bytes | None
    body: Callable[[], Awaitable[bytes | None]]


@dataclass(frozen=True, slots=True)
class Env:
    """The Worker's environment for one invocation."""

    cache: Binding
    keys: ApiKeys
    clock: Clock
    rate_limit: RateLimit
    portable: PortableRange
    console: migration.Console
    version: WorkerVersion = WorkerVersion.NEW


@dataclass(frozen=True, slots=True)
class _Call:
    env: Env
    task_id: str
    body: bodies.Body

    @property
    def tasks(self) -> Format:
        return queue_format(self.env.version, self.env.cache)


@dataclass(frozen=True, slots=True)
class Route:
    """One branch of the Worker: `fields` None takes no body."""

    method: str
    template: str
    scope: Scope
    answer: Callable[[_Call], Awaitable[Answer]]
    fields: Mapping[str, bodies.Field] | None = None


ROUTES = (
    Route("GET", "/api/queue", Scope.QUEUE, lambda c: queue.list_pending(c.tasks)),
    Route("POST", "/api/queue/claim", Scope.QUEUE, lambda c: queue.claim(c.tasks, c.env.clock, c.body), bodies.CLAIM),
    Route("GET", "/api/queue/{id}", Scope.QUEUE, lambda c: queue.get_task(c.tasks, c.task_id)),
    Route(
        "POST",
        "/api/queue/{id}/release",
        Scope.QUEUE,
        lambda c: queue.release(c.tasks, c.task_id, c.body),
        bodies.RELEASE,
    ),
    Route(
        "POST",
        "/api/queue/{id}/renew",
        Scope.QUEUE,
        lambda c: queue.renew(c.tasks, c.env.clock, c.task_id, c.body),
        bodies.RENEW,
    ),
    Route(
        "POST",
        "/api/queue/{id}/status",
        Scope.QUEUE,
        lambda c: queue.set_status(c.tasks, c.env.clock, c.task_id, c.body),
        bodies.STATUS,
    ),
    Route(
        "POST",
        "/api/result/{id}",
        Scope.QUEUE,
        lambda c: queue.store_result(c.tasks, c.task_id, c.body),
        bodies.RESULT,
    ),
    Route("GET", "/api/result/{id}", Scope.QUEUE, lambda c: queue.read_result(c.env.cache, c.task_id)),
    Route("GET", "/api/migrate/status", Scope.ADMIN, lambda c: migration.status(c.env.cache, c.env.console)),
    Route(
        "POST",
        "/api/migrate/run",
        Scope.ADMIN,
        lambda c: migration.run(c.env.cache, c.env.clock, c.env.console),
    ),
    Route("POST", "/api/migrate/rollback", Scope.ADMIN, lambda c: migration.rollback(c.env.cache, c.env.console)),
)


_PATTERNS = [(route, re.compile(route.template.replace("{id}", "(?P<id>[^/]+)").encode())) for route in ROUTES]


async def fetch(request: Request, env: Env) -> Answer:
    """Answer one request, and name its route in the invocation.

    Raises JavaScriptError where the Worker's own code would let an exception escape.
    """
    path = normalize_path(request.path)
    scope = _scope(path)
    found = _route(request.method, path, env.version)
    if scope is None or (found is None and scope is Scope.ADMIN):
        return text_answer(404, "Not found")
    if not authorized(env.keys, scope, request.api_key):
        env.cache.invocation.why = why_not(env.keys, scope, request.api_key)
        return text_answer(401, "Unauthorized") if scope is Scope.ADMIN else error_answer(401, "Unauthorized")
    refusal = env.rate_limit.refuse(request.api_key or b"")
    if refusal is not None:
        env.cache.invocation.why = env.rate_limit.told(refusal)
        return refusal
    if found is None:
        return error_answer(404, "Not found")
    return await _dispatch(request, env, *found)


def normalize_path(path: bytes) -> bytes:
    """As `new URL(request.url).pathname`: dot segments are resolved, however they are spelled.

    https://url.spec.whatwg.org/#double-dot-path-segment
    """
    kept: list[bytes] = []
    segments = path.replace(b"\\", b"/").split(b"/")[1:]
    for position, segment in enumerate(segments):
        last = position == len(segments) - 1
        dots = segment.lower().replace(b"%2e", b".")
        if dots not in (b".", b".."):
            kept.append(segment)
            continue
        if dots == b"..":
            del kept[-1:]
        if last:
            kept.append(b"")
    return b"/" + b"/".join(kept)


def _scope(path: bytes) -> Scope | None:
    for prefix, scope in ((b"/api/queue", Scope.QUEUE), (b"/api/result", Scope.QUEUE), (b"/api/migrate", Scope.ADMIN)):
        if path == prefix or path.startswith(prefix + b"/"):
            return scope
    return None


def _route(method: str, path: bytes, version: WorkerVersion) -> tuple[Route, bytes] | None:
    """The first branch that takes the request, and its raw id. The old Worker has no migration yet."""
    for route, pattern in _PATTERNS:
        if route.method != method or (version is WorkerVersion.OLD and route.scope is Scope.ADMIN):
            continue
        match = pattern.fullmatch(path)
        if match:
            return route, match["id"] if pattern.groups else b""
    return None


async def _dispatch(request: Request, env: Env, route: Route, raw_id: bytes) -> Answer:
    name = f"{route.method} {route.template}"
    env.cache.runs(name)
    task_id = decode_segment(raw_id)
    if task_id is None:
        return error_answer(400, "Validation failed", details=["id: must be percent-encoded UTF-8"])
    if len(task_id.encode()) > ID_BYTES_MAX:
        return error_answer(400, "Validation failed", details=[f"id: must not exceed {ID_BYTES_MAX} bytes"])
    if raw_id and (refused := env.portable.refuse(name, departures_of_id(task_id))):
        return refused
    if route.fields is None:
        return await route.answer(_Call(env, task_id, {}))
    try:
        body = await _read(request, route.fields)
    except bodies.BodyError as error:
        return error.answer
    return env.portable.refuse(name, departures_of_body(name, body)) or await route.answer(_Call(env, task_id, body))


async def _read(request: Request, fields: Mapping[str, bodies.Field]) -> bodies.Body:
    """The body, of which the bytes are then forgotten; raises BodyError."""
    content = await request.body()
    if content is None:
        raise bodies.BodyError(error_answer(413, f"Request body exceeds {BODY_BYTES_MAX} bytes"))
    return await off_loop(len(content), partial(bodies.parse_body, content, fields))
