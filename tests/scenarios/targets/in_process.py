"""The Python Worker in this process, on a clock that stands still; paths are sent exactly as given."""

import json
from collections.abc import Sequence

from queue_emulator.core.profiles import LOCAL
from queue_emulator.testing import Emulator
from queue_emulator.worker.auth import ApiKeys
from tests.scenarios.playing import Answer, Calls
from tests.scenarios.steps import Deployment, Entry, Request


class InProcess:
    """A new emulator for each scenario."""

    def __init__(self) -> None:
        self._emulator = Emulator()

    def start(self, deployment: Deployment) -> None:
        self._emulator = Emulator(profile=LOCAL, worker_version=deployment.version)
        keys = {name.lower(): value for name, value in deployment.keys}
        self._emulator.deployment.keys = ApiKeys(**keys)

    def seed(self, entries: Sequence[Entry]) -> None:
        reply = self._emulator.post("/cdn-cgi/emulator/seed", content=json.dumps(entries).encode(), key=None)
        assert reply.status == 200, reply.text

    def advance(self, seconds: int) -> None:
        self._emulator.clock.advance(seconds)

    def send(self, request: Request) -> Answer:
        location = self._emulator.at(self._emulator.deployment.locations[0])
        reply = location.request(
            request.method, request.path, content=request.content, key=None, headers=dict(request.headers)
        )
        return Answer(reply.status, reply.headers.get("content-type"), reply.text)

    def kv_calls(self) -> Calls | None:
        return tuple((event.operation, event.key.decode()) for event in self._emulator.journal() if event.route)

    def close(self) -> None:
        """There is nothing to end."""
