"""The API over one namespace in memory, with a client that knows its token."""

from dataclasses import replace

import httpx
import pytest

from queue_emulator.web.deployment import Deployment
from queue_emulator.worker.auth import ApiKeys
from tests.web.rest.api import TOKEN, Api


@pytest.fixture
def deployment(deployment: Deployment) -> Deployment:
    """The Worker at SJC and NRT, and the API with its token."""
    return replace(deployment, keys=ApiKeys(queue_api_key="q"), api_token=TOKEN)


@pytest.fixture
def api(client: httpx.AsyncClient) -> Api:
    """Speaks to the API in this process."""
    return Api(client)
