"""The guard of the emulator's own controls: for this machine, and for whoever knows the token, if there is one.

Without the token, the peer is a loopback address, and the Host and Origin headers name one, so that neither another
machine nor a web page in this machine's browser (DNS rebinding, cross-site requests) can reach them.
"""

from collections.abc import Callable
from hmac import compare_digest

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from queue_emulator.core.addresses import loopback, loopback_authority, loopback_origin
from queue_emulator.core.wire_names import INVOCATION


class LoopbackOnly:
    """Refuses what does not come from this machine, or is sent by a page of another origin.

    With a `token`, a request that carries it as `Authorization: Bearer TOKEN` may come from anywhere, but not from a
    page of another site. What `needs_no_token` is then for everybody: the page into which a person types it.
    """

    def __init__(
        self, app: ASGIApp, token: str | None = None, needs_no_token: Callable[[Scope], bool] = lambda scope: False
    ) -> None:
        self._app = app
        self._needs_no_token = needs_no_token
        self._token = token.encode() if token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        why = self._refusal(Request(scope, receive))
        if why is None:
            await self._app(scope, receive, send)
            return
        status, message = why
        if (run := scope.get(INVOCATION)) is not None:
            run.why = message
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        await JSONResponse({"error": message}, status, headers)(scope, receive, send)

    def _refusal(self, request: HTTPConnection) -> tuple[int, str] | None:
        peer = request.client.host if request.client else ""
        host = request.headers.get("host", "")
        origins = request.headers.getlist("origin")
        if not all(loopback_origin(each) or (self._token and _same(each, host)) for each in origins):
            return 403, f"the emulator's controls refuse requests from other origins: {', '.join(origins)[:80]!r}"
        if self._token is not None and (sent := request.headers.get("authorization")) is not None:
            scheme, _, token = sent.partition(" ")
            right = compare_digest(token.strip().encode(), self._token) and scheme.lower() == "bearer"
            return None if right else (401, f"that is not the token of the emulator's controls: {_HOW}")
        if self._token is not None and self._needs_no_token(request.scope):
            return None
        if not loopback(peer):
            return self._refused("the emulator's controls answer only to this machine")
        if not loopback_authority(host):
            names = "the emulator's controls answer only to loopback host names"
            return self._refused(f"{names}, not to Host {host[:80]!r}")
        return None

    def _refused(self, why: str) -> tuple[int, str]:
        if self._token is None:
            return 403, f"{why}; to open them to others, start the emulator with EMULATOR_CONTROL_TOKEN set"
        return 401, f"{why}, unless the request carries the token: {_HOW}"


_HOW = "send Authorization: Bearer with the value of EMULATOR_CONTROL_TOKEN"


def _same(origin: str, host: str) -> bool:
    """Whether a page is one of this very server's, by the name under which the request asked for it."""
    return bool(host) and origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")
