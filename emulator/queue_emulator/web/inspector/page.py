"""The page itself: files of this package. It holds no data: what it shows it asks the controls for.

So it is served to whoever the controls could be opened to by a token, which a person types into it.
"""

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from queue_emulator.web.actions import ControlError, routes

TYPES = {"css": "text/css", "html": "text/html", "mjs": "text/javascript", "svg": "image/svg+xml"}


def page_routes() -> list[Route]:
    """The page under the prefix of the controls, and its parts."""
    return routes((("GET", "/", _page), ("GET", "/page/{name}", _part)))


def is_page(path: str) -> bool:
    """Whether a path below the prefix of the controls is the page, or a part of it."""
    return path == "/" or path.startswith("/page/")


async def _page(request: Request) -> Response:
    return _file("index.html")


async def _part(request: Request) -> Response:
    return _file(request.path_params["name"])


def _file(name: str) -> Response:
    _, _, ending = name.rpartition(".")
    known = {each.name for each in _FOLDER.iterdir() if each.is_file()} if ending in TYPES else set()
    if name not in known:
        raise ControlError(404, f"the page has no part {name[:40]!r}")
    return Response(_FOLDER.joinpath(name).read_bytes(), media_type=TYPES[ending], headers=_HEADERS)


_FOLDER = files("queue_emulator.web.inspector").joinpath("page")
# Scripts and styles are files of the page; a picture is made by it; nothing else is loaded or run, whatever a value
# holds; no other page shows it inside itself. https://www.w3.org/TR/CSP3/
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
