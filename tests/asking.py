"""A client of an application in this process."""

import httpx
from starlette.types import ASGIApp

HERE = "http://127.0.0.1:8787"


def client_of(
    app: ASGIApp, *, base_url: str = HERE, peer: tuple[str, int] = ("127.0.0.1", 4711), raises: bool = True
) -> httpx.AsyncClient:
    """Asks it as `peer` would; without `raises`, what the application raises is not the client's, as with a server."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=raises, client=peer)
    return httpx.AsyncClient(transport=transport, base_url=base_url)
