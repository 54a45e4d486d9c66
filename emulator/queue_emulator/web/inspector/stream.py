"""The journal as it happens, and what else of the whole changes: for those who keep looking."""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from queue_emulator.core.javascript import ToJson
from queue_emulator.kv.journal import Journal
from queue_emulator.kv.service import KVService
from queue_emulator.kv.waiting import first_of
from queue_emulator.web.actions import check_query, routes, whole_number
from queue_emulator.web.deployment import Deployment

_TOGETHER_S = 0.1  # events that come within it are sent as one piece
_TOGETHER_MAX = 1_000  # and no more
_BEHIND_MAX = 5_000  # who is further behind is told of the last ones, and sees a gap in the positions
_SILENCE_S = 10.0  # after which an empty line shows that somebody is still there


class Live:
    """What a page follows."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def routes(self) -> list[Route]:
        return routes((("GET", "/overview", self.overview), ("GET", "/journal/stream", self.stream)))

    async def overview(self, request: Request) -> ToJson:
        """As `status`, of all namespaces and without the number of keys, which takes long to count.

        `run` differs for each start, `epoch` after each reset.
        """
        check_query(request)
        deployment = self._deployment
        service, namespaces = deployment.service, deployment.namespaces
        bound = {each.id for each in namespaces.bound()} if namespaces else set()
        return {
            "kv": "emulated" if isinstance(service, KVService) else service.where,
            "profile": service.profile.name,
            "locations": list(deployment.locations),
            "places": deployment.places(),
            **deployment.versions(),
            "namespaces": [
                {
                    "id": each.id,
                    "title": each.title,
                    "name": _name_of(deployment, each.id),
                    "bound": each.id in bound,
                }
                for each in (namespaces.all() if namespaces else ())
            ],
            "clock": deployment.time(),
            "run": deployment.run,
            "epoch": service.pipeline.epoch,
            "journal": {"first": service.journal.first_position, "last": service.journal.last_position},
            "explore": deployment.explorer is not None,
        }

    async def stream(self, request: Request) -> Response:
        """Events after a position as NDJSON, and each that comes, without an end; an empty line now and then."""
        check_query(request, "after")
        journal = self._deployment.service.journal
        after = whole_number(request, "after", 0)
        headers = {
            "X-Journal-First": str(journal.first_position),
            "X-Journal-Last": str(journal.last_position),
            "X-Emulator-Run": self._deployment.run,
            "Cache-Control": "no-store",
        }
        pieces = followed(journal, after, self._deployment.ending)
        return StreamingResponse(pieces, headers=headers, media_type="application/x-ndjson")


def _name_of(deployment: Deployment, id: str) -> str | None:
    """What the journal calls a namespace; None where it names none, because there was no other."""
    assert deployment.namespaces is not None
    service = deployment.namespaces.service(id)
    return None if service is None else service.namespace


async def followed(journal: Journal, position: int, ending: asyncio.Event) -> AsyncIterator[str]:
    """Lines, those together that came together."""
    with journal.listening() as news:
        yield "\n"  # so that the headers are sent at once
        while not ending.is_set():
            news.clear()
            if journal.last_position - position > _BEHIND_MAX:
                position = journal.last_position - _TOGETHER_MAX
            events = list(journal.after(position, _TOGETHER_MAX))
            if events:
                position = events[-1].position
                yield "".join([f"{event.to_json_line()}\n" for event in events])
                await first_of(ending.wait(), asyncio.sleep(_TOGETHER_S))
            else:
                await first_of(news.wait(), ending.wait(), asyncio.sleep(_SILENCE_S))
                if not news.is_set() and not ending.is_set():
                    yield "\n"
