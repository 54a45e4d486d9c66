"""What the journal holds, drawn as the explorer draws what it found."""

from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from queue_emulator.core.javascript import utf8
from queue_emulator.core.journal import Event
from queue_emulator.drawing.journal import journal_story
from queue_emulator.drawing.picture import picture
from queue_emulator.web.actions import ControlError, read_as, routes
from queue_emulator.web.deployment import Deployment

DRAWN_MAX = 200  # operations: a picture with more is too long to be read


class _Drawn(msgspec.Struct, forbid_unknown_fields=True):
    namespace: str | None = None
    key: str | None = None
    after: int = 0
    stale: bool = False


class Pictures:
    """Pictures of one deployment's journal."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def routes(self) -> list[Route]:
        return routes((("POST", "/journal/picture", self.draw),))

    async def draw(self, request: Request) -> Response:
        """The last operations as SVG: of one key, of one namespace, after a position, or only those that were stale."""
        asked = await read_as(request, _Drawn)
        events = self._chosen(asked)
        if not events:
            raise ControlError(404, "there is nothing to draw: no operation in the journal is like this")
        drawn = picture(journal_story(events, of_key=asked.key))
        return Response(drawn, media_type="image/svg+xml", headers={"Cache-Control": "no-store"})

    def _chosen(self, asked: _Drawn) -> Sequence[Event]:
        wanted = None if asked.key is None else utf8(asked.key)
        chosen = [
            event
            for event in self._deployment.service.journal.after(max(0, asked.after))
            if (wanted is None or concerns(event, wanted))
            and (asked.namespace is None or event.namespace in (None, asked.namespace))
            and (not asked.stale or event.stale)
        ]
        return chosen[-DRAWN_MAX:]


def concerns(event: Event, key: bytes) -> bool:
    """Whether an operation is about a key: its own, or a list that it is on."""
    return key.startswith(event.key) if event.operation == "list" else event.key == key
