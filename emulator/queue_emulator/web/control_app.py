"""The control surface as an ASGI application: its routes, who may use them, and its refusals."""

import traceback
from collections.abc import Awaitable, Callable
from importlib.resources import files

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Scope

from queue_emulator.core.wire_names import CONTROL_PREFIX
from queue_emulator.web.control import Control
from queue_emulator.web.deployment import Deployment
from queue_emulator.web.description import description_routes
from queue_emulator.web.experiments import Laboratory
from queue_emulator.web.inspector.exploring import Exploring
from queue_emulator.web.inspector.keys import Keys
from queue_emulator.web.inspector.page import is_page, page_routes
from queue_emulator.web.inspector.pictures import Pictures
from queue_emulator.web.inspector.stream import Live
from queue_emulator.web.loopback_only import LoopbackOnly
from queue_emulator.web.request_body import ClientGone, DrainedFirst

MODULES = ("emulator.mjs", "emulator.d.mts")


def create_control_app(deployment: Deployment) -> Starlette:
    """All controls, under their prefix."""
    controls = [
        *Control(deployment).routes(),
        *Laboratory(deployment).routes(),
        *Live(deployment).routes(),
        *Keys(deployment).routes(),
        *Pictures(deployment).routes(),
        *Exploring(deployment).routes(),
        *description_routes(),
    ]
    control = Starlette(
        routes=[*controls, *map(_module, MODULES), *page_routes()],
        middleware=[
            Middleware(DrainedFirst),
            Middleware(LoopbackOnly, token=deployment.control_token, needs_no_token=_of_the_page),
        ],
        exception_handlers={HTTPException: _refuse_control(controls), Exception: _explain(deployment.log)},
    )
    control.router.redirect_slashes = False
    app = Starlette(routes=[Mount(CONTROL_PREFIX, app=control)])
    app.router.redirect_slashes = False
    return app


def _of_the_page(scope: Scope) -> bool:
    return scope["method"] in ("GET", "HEAD") and is_page(scope["path"].removeprefix(CONTROL_PREFIX))


def _module(name: str) -> Route:
    """A file for tests in JavaScript, which knows the controls."""

    async def module(request: Request) -> Response:
        content = files("queue_emulator.web").joinpath(name).read_bytes()
        return Response(content, media_type="text/javascript")

    return Route(f"/{name}", module, methods=["GET"])


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
        return JSONResponse({"error": "a defect of this emulator; see its log"}, 500)

    return explain
