"""An API that answers as it is told, request by request: for failures that no server gives on demand."""

import json
from collections.abc import Sequence
from typing import Any

import httpx

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.kv.cloudflare_access import Access
from queue_emulator.kv.cloudflare_api import CloudflareAPI
from queue_emulator.kv.retry import Patience
from queue_emulator.kv.waiting import Sleep

TOKEN = "a-token-that-nobody-may-see"
ACCESS = Access("0" * 32, "1" * 32, TOKEN, "http://127.0.0.1:8787/client/v4")
DONE = httpx.Response(200, json={"success": True, "errors": [], "messages": [], "result": {}})

Answer = httpx.Response | Exception


def refusal(status: int, code: int = 10000, message: str = "no", **headers: str) -> httpx.Response:
    """As the API refuses: an envelope with one error."""
    body = {"success": False, "errors": [{"code": code, "message": message}], "messages": [], "result": None}
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): each for name, each in headers.items()})


class ScriptedAPI(httpx.AsyncBaseTransport):
    """Gives its answers in turn, raising those that are exceptions; keeps the requests and the waits between them."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.waits_ms: list[int] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        # One response serves several requests of a script, and each must be read anew.
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    @property
    def exhausted(self) -> bool:
        return not self._answers

    def bodies(self) -> list[Any]:
        """The JSON of each request."""
        return [json.loads(request.content) for request in self.requests]

    def body(self) -> Any:
        """The JSON of the last request."""
        return self.bodies()[-1]

    async def sleep(self, by_ms: int) -> None:
        self.waits_ms.append(by_ms)


def scripted(*answers: Answer, **patience: int) -> tuple[CloudflareAPI, ScriptedAPI]:
    """A client, and the script of what it is answered."""
    script = ScriptedAPI(answers)
    sleep: Sleep = script.sleep
    api = CloudflareAPI(
        ACCESS,
        patience=Patience(**patience),
        sleep=sleep,
        dice=Dice(7),
        clock=MovableClock.frozen_at(1_795_435_200_000),
        transport=script,
    )
    return api, script
