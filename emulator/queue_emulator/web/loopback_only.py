"""The guard of the emulator's own controls: for this machine only.

The peer is a loopback address, and the Host and Origin headers name one, so that neither another machine nor a web
page in this machine's browser (DNS rebinding, cross-site requests) can reach them.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from queue_emulator.core.addresses import loopback, loopback_authority, loopback_origin


class LoopbackOnly:
    """Refuses what does not come from this machine, or is sent by a page of another origin."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        peer = scope["client"][0] if scope.get("client") else ""
        host = request.headers.get("host", "")
        origins = request.headers.getlist("origin")
        why = None
        if not loopback(peer):
            why = "the emulator's controls answer only to this machine"
        elif not loopback_authority(host):
            why = f"the emulator's controls answer only to loopback host names, not to Host {host[:80]!r}"
        elif not all(loopback_origin(origin) for origin in origins):
            why = f"the emulator's controls refuse requests from other origins: {', '.join(origins)[:80]!r}"
        if why is None:
            await self._app(scope, receive, send)
        else:
            await JSONResponse({"error": why}, 403)(scope, receive, send)
