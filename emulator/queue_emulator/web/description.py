"""`openapi.yaml` and a page of it for people. Both are files of this distribution: nothing is made or fetched here."""

import base64
import hashlib
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from queue_emulator.web.actions import check_query, routes

_HERE = Path(__file__).resolve().parent
_PAGE = _HERE / "openapi.html"


def description_routes() -> list[Route]:
    """The description of the Worker's routes, whichever Worker runs, and that of the controls."""
    return routes((("GET", "/openapi.yaml", _yaml), ("GET", "/openapi", _page), ("GET", "/controls.yaml", _controls)))


async def _yaml(request: Request) -> Response:
    check_query(request)
    return Response(description_path().read_bytes(), media_type="application/yaml", headers=_HEADERS)


async def _controls(request: Request) -> Response:
    check_query(request)
    content = controls_path().read_bytes()
    return Response(content, media_type="application/yaml", headers=_HEADERS)


async def _page(request: Request) -> Response:
    check_query(request)
    page = _PAGE.read_text("utf-8")
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    headers = {**_HEADERS, "Content-Security-Policy": f"{_POLICY}; style-src 'sha256-{digest}'"}
    return Response(page, media_type="text/html", headers=headers)


def description_path() -> Path:
    """Where the one distribution of both packages keeps it, beside this one; in a checkout at the top."""
    installed = _HERE.parents[1] / "queue_contracts" / "openapi.yaml"
    return installed if installed.is_file() else _HERE.parents[2] / "openapi.yaml"


def controls_path() -> Path:
    """Where the description of the controls is kept."""
    return _HERE / "controls.yaml"


# No script runs and nothing is loaded, whatever the page holds; no other page shows it inside itself.
_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
