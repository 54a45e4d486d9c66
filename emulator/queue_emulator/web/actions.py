"""What the control surface's actions share: reading JSON requests, refusing, and turning answers into responses."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from queue_emulator.core.errors import (
    BulkDataError,
    EmulatorError,
    JavaScriptError,
    KVError,
    RealDataError,
    RemoteError,
    StateError,
)
from queue_emulator.core.javascript import Json, ToJson, json_decoder, stringify_json
from queue_emulator.core.json_rewriting import WHOLE_BYTES, Members
from queue_emulator.core.json_rewriting import read_object as read_members_of
from queue_emulator.core.json_size import JsonTooDeep, JsonTooLarge, check_json
from queue_emulator.core.json_text import JsonText
from queue_emulator.core.limits import JSON_VALUES_MAX, VALUE_BYTES_MAX
from queue_emulator.core.shapes import shaped
from queue_emulator.core.wire_names import CONTROL_BODY_BYTES_MAX, LOCATION_HEADER
from queue_emulator.kv.waiting import off_loop
from queue_emulator.web.deployment import Deployment
from queue_emulator.web.request_body import RequestBody

Shape = TypeVar("Shape")
Result = TypeVar("Result")
Action: TypeAlias = Callable[[Request], Awaitable[ToJson | Response]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may be in a body that is parsed as a whole: that takes up to a hundred bytes a value."""

    bytes_max: int
    values_max: int


FEW = Bounds(64 * 1024, 1_000)  # names, numbers, a key


class ControlError(EmulatorError):
    """A control request that was refused, with its status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def routes(actions: Sequence[tuple[str, str, Action]]) -> list[Route]:
    """One Starlette route a path, with all its methods, so that `Allow` names them all."""
    by_path: dict[str, dict[str, Action]] = {}
    for method, path, action in actions:
        by_path.setdefault(path, {})[method] = action
    return [Route(path, _endpoint(by), methods=list(by)) for path, by in by_path.items()]


async def read_body(request: Request, bytes_max: int = CONTROL_BODY_BYTES_MAX) -> bytes:
    """The whole body; refused over 100 MB."""
    content = await RequestBody(request.receive).read(bytes_max)
    if content is None:
        raise ControlError(413, f"the request body exceeds {bytes_max} bytes")
    return content


async def read_as(request: Request, shape: type[Shape], bounds: Bounds = FEW) -> Shape:
    """The body, a JSON object of this shape; raises ShapeError for another."""
    return as_shape(await read_object(request, bounds), shape)


async def read_object(request: Request, bounds: Bounds = FEW) -> dict[str, Json]:
    """The body as a JSON object, which is parsed as a whole."""
    content = await read_body(request, bounds.bytes_max)
    parsed = await _read(content, partial(_parsed, content, bounds.values_max))
    if not isinstance(parsed, dict):
        raise ControlError(400, "the request body must be a JSON object")
    return parsed


async def read_members(request: Request) -> Members:
    """The body as a JSON object as large as a value, of which large members stay text."""
    return await members_of(await read_body(request, _OBJECT_BYTES_MAX))


async def members_of(content: bytes) -> Members:
    """The members of a JSON object, the large ones as text."""
    members = await _read(content, partial(_members, content))
    if members is None:
        raise ControlError(400, "the request body must be a JSON object")
    return members


def as_shape(given: Mapping[str, Json | JsonText], shape: type[Shape], place: str = "") -> Shape:
    """What was read, or what of it stands at a place; raises ShapeError."""
    return shaped(given, shape, place=place, an_object="a JSON object")


def check_query(request: Request, *names: str) -> None:
    """Refuses parameters of other names: nobody would see that they were without effect."""
    unknown = next((name for name in request.query_params if name not in names), None)
    if unknown is not None:
        raise ControlError(400, f"unknown parameter {unknown[:40]!r}; allowed: {', '.join(names)}")


def whole_number(request: Request, name: str, default: int) -> int:
    """A query parameter of 0 or more."""
    given = request.query_params.get(name, str(default))
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise ControlError(400, f"{name} must be a whole number of 0 or more, not {given[:40]!r}")
    return int(given)


def location_of(request: Request, deployment: Deployment) -> str:
    """The location that the request names."""
    named = request.headers.get(LOCATION_HEADER)
    location = deployment.location(named)
    if location is None:
        raise ControlError(400, f"unknown location {named!r}; this emulator has {', '.join(deployment.locations)}")
    return location


def _endpoint(actions: dict[str, Action]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            answer = await actions["GET" if request.method == "HEAD" else request.method](request)
            if isinstance(answer, Response):
                return answer
            return Response(stringify_json(answer), media_type="application/json")
        except BulkDataError as error:
            return _refused(400, f"nothing was written: {error}")
        except JavaScriptError as error:
            return _refused(error.status if isinstance(error, KVError) else 500, f"{error.name}: {error}")
        except StateError as error:
            return _refused(500, str(error))
        except (RealDataError, RemoteError) as error:
            return _refused(409 if isinstance(error, RealDataError) else 502, str(error))
        except EmulatorError as error:
            return _refused(error.status if isinstance(error, ControlError) else 400, str(error))

    return endpoint


def _refused(status: int, why: str) -> Response:
    return JSONResponse({"error": why}, status)


async def _read(content: bytes, read: Callable[[], Result]) -> Result:
    try:
        return await off_loop(len(content), read)
    except JsonTooLarge as error:
        raise ControlError(413, f"the request body has {error}") from None
    except JsonTooDeep as error:
        raise ControlError(400, f"the request body is {error}") from None
    except (ValueError, RecursionError):
        raise ControlError(400, "the request body is not JSON") from None


def _parsed(content: bytes, values_max: int) -> Json:
    text = content.decode()
    check_json(text, values_max=values_max)
    parsed: Json = _DECODER.decode(text)
    return parsed


def _members(content: bytes) -> Members | None:
    if len(content) >= WHOLE_BYTES:
        return read_members_of(content, decode=_DECODER.decode, each_once=False)
    whole = _parsed(content, JSON_VALUES_MAX)
    return {**whole} if isinstance(whole, dict) else None


_OBJECT_BYTES_MAX = VALUE_BYTES_MAX + 1024 * 1024  # a task as large as a value, and what stands around it
_DECODER = json_decoder()
