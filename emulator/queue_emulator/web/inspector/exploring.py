"""The search for what breaks the queue, and its findings played step by step; the search itself is given."""

import asyncio
import re
from collections.abc import AsyncIterator
from functools import partial

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from queue_emulator.core.javascript import Json, ToJson
from queue_emulator.kv.waiting import in_event_loop
from queue_emulator.web.actions import ControlError, read_object, routes, text, whole
from queue_emulator.web.deployment import Deployment, Explorer

SECONDS_MAX = 60
CHOICES_MAX = 500
_SCHEDULE_CHARACTERS_MAX = 100_000
_SEEDS = range(2**53)


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
        body = await read_object(request, ("scenario", "seconds", "random_seed"))
        scenario, seconds, seed = text(body, "scenario"), body.get("seconds", 10), whole(body, "random_seed", _SEEDS, 0)
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= SECONDS_MAX:
            raise ControlError(400, f"seconds must be more than 0 and at most {SECONDS_MAX}, not {seconds!r}")
        if self._searching is not None and not self._searching.over:
            raise ControlError(409, "a search is running already: wait for its end, or stop it")
        lines = self._explorer().search(scenario, float(seconds), seed)
        self._searching = _Search(lines, self._deployment)
        return self._searching

    async def play(self, request: Request) -> ToJson:
        """A schedule's scenario after the choices that were made, and who can go next."""
        body = await read_object(request, ("schedule", "choices"))
        schedule, choices = body.get("schedule"), body.get("choices", [])
        if not isinstance(schedule, str) or len(schedule) > _SCHEDULE_CHARACTERS_MAX or _SCENARIO.search(schedule):
            raise ControlError(
                400, f"schedule must be one of the queue, of at most {_SCHEDULE_CHARACTERS_MAX} characters"
            )
        if not isinstance(choices, list) or len(choices) > CHOICES_MAX:
            raise ControlError(400, f"choices must be an array of at most {CHOICES_MAX}")
        made: list[dict[str, Json]] = []
        for each in choices:
            if not isinstance(each, dict):
                raise ControlError(400, "a choice must be a JSON object")
            made.append(each)
        play = partial(self._explorer().play, schedule, made)
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
