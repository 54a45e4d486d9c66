"""Several versions of a Worker at once: each request goes to one of them, which runs in a workerd of its own."""

from collections.abc import Callable, Mapping

from queue_emulator.core.wire_names import LOCATION_HEADER
from queue_emulator.workerd.app import WorkerdApp
from queue_emulator.workerd.proxying import Receive, Scope, Send, header
from queue_emulator.workerd.upstream import Headers

_LOCATION = LOCATION_HEADER.lower().encode()


class VersionsApp:
    """An ASGI application. `choose` names the version for a location, as a header names it, and the headers."""

    def __init__(self, apps: Mapping[str, WorkerdApp], choose: Callable[[str | None, Headers], str]) -> None:
        self._apps = apps
        self._choose = choose

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        named = header(scope, _LOCATION)
        version = self._choose(None if named is None else named.decode("latin-1"), scope["headers"])
        await self._apps[version](scope, receive, send)
