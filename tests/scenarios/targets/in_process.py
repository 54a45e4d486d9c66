"""The Python Worker in this process, on a clock that stands still; paths are sent exactly as given."""

import json
from typing import get_args

import httpx

from queue_contracts.compare.steps import Deployment, Entry, KvCalls
from queue_emulator.core.profiles import LOCAL
from queue_emulator.testing import Emulator, Version
from queue_emulator.worker.auth import ApiKeys

_VERSIONS: tuple[Version, ...] = get_args(Version)


class InProcess:
    """A new emulator for each scenario."""

    def __init__(self) -> None:
        self._emulator = Emulator()
        self.transport = httpx.MockTransport(self._answer)

    def deploy(self, deployment: Deployment) -> None:
        version = next(each for each in _VERSIONS if each == deployment.version)
        self._emulator = Emulator(profile=LOCAL, worker_version=version)
        keys = {name.lower(): value for name, value in deployment.keys}
        self._emulator.deployment.keys = ApiKeys(**keys)

    def seed(self, entries: list[Entry]) -> None:
        reply = self._emulator.post("/cdn-cgi/emulator/seed", content=json.dumps(entries).encode(), key=None)
        assert reply.status == 200, reply.text

    def advance(self, seconds: int) -> None:
        self._emulator.clock.advance(seconds)

    def kv_calls(self) -> KvCalls | None:
        return tuple((event.operation, event.key.decode()) for event in self._emulator.journal() if event.route)

    def close(self) -> None:
        """There is nothing to end."""

    def _answer(self, request: httpx.Request) -> httpx.Response:
        location = self._emulator.at(self._emulator.deployment.locations[0])
        headers = {name.decode().lower(): value.decode() for name, value in request.headers.raw}
        path = request.extensions["target"].decode("ascii")
        reply = location.request(
            request.method, path, content=request.read(), key=None,
            headers={name: value for name, value in headers.items() if name != "host"},
        )  # fmt: skip
        return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.content)
