"""What the journal holds, drawn as the explorer draws what it found."""

from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from queue_emulator.core.javascript import Json, utf8
from queue_emulator.core.journal import Event
from queue_emulator.drawing.journal import journal_story
from queue_emulator.drawing.picture import picture
from queue_emulator.web.actions import ControlError, read_object, routes
from queue_emulator.web.deployment import Deployment

DRAWN_MAX = 200  # operations: a picture with more is too long to be read


class Pictures:
    """Pictures of one deployment's journal."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def routes(self) -> list[Route]:
        return routes((("POST", "/journal/picture", self.draw),))

    async def draw(self, request: Request) -> Response:
        """The last operations as SVG: of one key, of one namespace, after a position, or only those that were stale."""
        body = await read_object(request, ("namespace", "key", "after", "stale"))
        events = self._chosen(body)
        if not events:
            raise ControlError(404, "there is nothing to draw: no operation in the journal is like this")
        key = body.get("key")
        drawn = picture(journal_story(events, of_key=key if isinstance(key, str) else None))
        return Response(drawn, media_type="image/svg+xml", headers={"Cache-Control": "no-store"})

    def _chosen(self, body: Mapping[str, Json]) -> Sequence[Event]:
        key, namespace, after = body.get("key"), body.get("namespace"), body.get("after", 0)
        for name, value in (("key", key), ("namespace", namespace)):
            if value is not None and not isinstance(value, str):
                raise ControlError(400, f"{name} must be a string")
        if isinstance(after, bool) or not isinstance(after, int):
            raise ControlError(400, "after must be a whole number")
        wanted = None if key is None else utf8(str(key))
        journal = self._deployment.service.journal
        chosen = [
            event
            for event in journal.after(max(0, after))
            if (wanted is None or concerns(event, wanted))
            and (namespace is None or event.namespace in (None, namespace))
            and (body.get("stale") is not True or event.stale)
        ]
        return chosen[-DRAWN_MAX:]


def concerns(event: Event, key: bytes) -> bool:
    """Whether an operation is about a key: its own, or a list that it is on."""
    return key.startswith(event.key) if event.operation == "list" else event.key == key
