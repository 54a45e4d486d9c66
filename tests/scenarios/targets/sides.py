"""What a target of the scenarios is to the contract's player: a side whose Worker can be deployed in any way."""

from collections.abc import Callable
from typing import Protocol

import httpx

from queue_contracts.compare.sides import Side
from queue_contracts.compare.steps import Deployment, Entry, KvCalls
from tests.scenarios.steps import ADMIN_KEY, QUEUE_KEY

# Where a request goes is the transport's business: an address is new with each deployment.
URL = "http://worker.test"


class Target(Protocol):
    """A deployed Worker that scenarios run against."""

    @property
    def transport(self) -> httpx.BaseTransport:
        """Sends to whatever is deployed at the time."""
        ...

    def deploy(self, deployment: Deployment) -> None:
        """Deploy the Worker like this, over an empty namespace, at the machine's time."""
        ...

    def seed(self, entries: list[Entry]) -> None:
        """Write entries to its KV."""
        ...

    def advance(self, seconds: int) -> None:
        """Move its clock."""
        ...

    def kv_calls(self) -> KvCalls | None:
        """Each KV operation of the Worker since it was deployed, by name and key; None if the target does not tell."""
        ...

    def close(self) -> None:
        """End whatever runs."""
        ...


def side_of(name: str, target: Target) -> Side:
    """The target as the player sees it. Nothing but what a sequence says is sent: no header of the client's."""
    http = httpx.Client(transport=target.transport, timeout=60)
    http.headers.clear()
    return Side(
        name, name, URL, QUEUE_KEY, ADMIN_KEY, http,
        seed=lambda entries: target.seed(list(entries)),
        advance=target.advance,
        deploy=target.deploy,
        kv_calls=target.kv_calls,
    )  # fmt: skip


class Redirecting(httpx.HTTPTransport):
    """Sends to the address at which the Worker is at the time, over a connection that is kept while it is there."""

    def __init__(self, url: Callable[[], str]) -> None:
        super().__init__(trust_env=False)
        self._url = url

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        address = httpx.URL(self._url())
        request.url = request.url.copy_with(scheme=address.scheme, host=address.host, port=address.port)
        request.headers["Host"] = address.netloc.decode("ascii")
        return super().handle_request(request)
