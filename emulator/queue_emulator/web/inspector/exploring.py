"""The search for what breaks the queue, and its findings played step by step; the search itself is given."""

import asyncio
import re
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from queue_emulator.core.javascript import SAFE_INTEGER_MAX, Json, ToJson
from queue_emulator.kv.waiting import in_event_loop
from queue_emulator.web.actions import Bounds, ControlError, read_as, routes
from queue_emulator.web.deployment import Deployment, Explorer

SECONDS_MAX = 60
CHOICES_MAX = 500
_SCHEDULE_CHARACTERS_MAX = 100_000
_A_SCHEDULE = Bounds(1024 * 1024, 20 * CHOICES_MAX)
_SCHEDULE = f"one of the queue, of at most {_SCHEDULE_CHARACTERS_MAX} characters"


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    scenario: str | None = None
    seconds: Annotated[float, msgspec.Meta(gt=0, le=SECONDS_MAX)] = 10
    random_seed: Annotated[int, msgspec.Meta(ge=0, le=SAFE_INTEGER_MAX)] = 0


class _Play(msgspec.Struct, forbid_unknown_fields=True):
    schedule: Annotated[str, msgspec.Meta(max_length=_SCHEDULE_CHARACTERS_MAX, description=_SCHEDULE)]
    choices: Annotated[list[dict[str, object]], msgspec.Meta(max_length=CHOICES_MAX)] = []


class Exploring:
    """The explorer of one deployment, if it has one."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._searching: _Search | None = None
        self._playing = asyncio.Lock()

    def routes(self) -> list[Route]:
        return routes(
            (
                ("GET", "/explore", self.scenarios),
                ("POST", "/explore", self.search),
                ("POST", "/explore/play", self.play),
            )
        )

    async def scenarios(self, request: Request) -> ToJson:
        return {"scenarios": list(self._explorer().scenarios())}

    async def search(self, request: Request) -> Response:
        """Search; answers NDJSON: progress, each finding as it is made, and the end. One search at a time."""
        asked = await read_as(request, _Asked)
        if self._searching is not None and not self._searching.over:
            raise ControlError(409, "a search is running already: wait for its end, or stop it")
        lines = self._explorer().search(asked.scenario, asked.seconds, asked.random_seed)
        self._searching = _Search(lines, self._deployment)
        return self._searching

    async def play(self, request: Request) -> ToJson:
        """A schedule's scenario after the choices that were made, and who can go next."""
        asked = await read_as(request, _Play, _A_SCHEDULE)
        if _SCENARIO.search(asked.schedule):
            raise ControlError(400, f"schedule must be {_SCHEDULE}")
        play = partial(self._explorer().play, asked.schedule, cast("list[dict[str, Json]]", asked.choices))
        if not in_event_loop():
            return dict(play())
        async with self._playing:  # beside other requests: all of it is played from the beginning
            return dict(await asyncio.to_thread(play))

    def _explorer(self) -> Explorer:
        if self._deployment.explorer is None:
            raise ControlError(409, "this emulator was started without the explorer")
        return self._deployment.explorer()


class _Search(StreamingResponse):
    """The lines of a search; it is over when its answer is, also an answer that nobody was there to take."""

    def __init__(self, lines: AsyncIterator[str], deployment: Deployment) -> None:
        super().__init__(_until_end(lines, deployment), media_type="application/x-ndjson")
        self.over = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.over = True


async def _until_end(lines: AsyncIterator[str], deployment: Deployment) -> AsyncIterator[str]:
    async for line in lines:
        yield f"{line}\n"
        if deployment.ending.is_set():
            return


_SCENARIO = re.compile(r"^scenario ", re.MULTILINE)  # of a file, which would be read here
