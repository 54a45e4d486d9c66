"""A running emulator whose API has a token of its own, the official SDK for it, and wrangler."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cloudflare import Cloudflare, DefaultHttpxClient

from queue_emulator.core.accounts import ACCOUNT_ID
from tests.cli.emulator_process import Emulator, StartEmulator
from tests.clients.wrangler import Wrangler, installed_wrangler

TOKEN = "a-token-of-these-tests"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "runtime: needs wrangler beside the emulator: WRANGLER_DIR")


@pytest.fixture(scope="module")
def emulator(start_for_module: StartEmulator) -> Emulator:
    """Started once a module, its data in memory: each test makes a namespace of its own."""
    return start_for_module("--ephemeral", environment={"EMULATOR_API_TOKEN": TOKEN})


@pytest.fixture
def api_url(emulator: Emulator) -> str:
    """What the documented variables of the clients are set to."""
    return f"{emulator.url}/client/v4"


@pytest.fixture
def sdk(api_url: str) -> Iterator[Cloudflare]:
    """The official Python SDK."""
    with Cloudflare(
        api_token=TOKEN, base_url=api_url, http_client=DefaultHttpxClient(trust_env=False, verify=False)
    ) as client:
        yield client


@pytest.fixture
def namespace_id(sdk: Cloudflare, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace for one test."""
    created = sdk.kv.namespaces.create(account_id=ACCOUNT_ID, title=request.node.nodeid)
    assert created is not None
    yield created.id
    sdk.kv.namespaces.delete(created.id, account_id=ACCOUNT_ID)


@pytest.fixture
def wrangler(api_url: str, tmp_path: Path) -> Wrangler:
    """Wrangler with the documented variables, in a folder and a home of its own."""
    return Wrangler(
        installed_wrangler(os.environ),
        folder=tmp_path,
        variables={
            "CLOUDFLARE_API_BASE_URL": api_url,
            "CLOUDFLARE_ACCOUNT_ID": ACCOUNT_ID,
            "CLOUDFLARE_API_TOKEN": TOKEN,
        },
    )
