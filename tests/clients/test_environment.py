"""The lines of environment that the banner shows are all that a client needs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.emulator_process import Emulator, StartEmulator, closed_environment
from tests.clients.wrangler import Wrangler, installed_wrangler

pytestmark = [pytest.mark.runtime, pytest.mark.slow]

TITLES = """
from os import environ
from cloudflare import Cloudflare
with Cloudflare() as client:
    print([each.title for each in client.kv.namespaces.list(account_id=environ["CLOUDFLARE_ACCOUNT_ID"])])
"""


@pytest.fixture(scope="module")
def without_token(start_for_module: StartEmulator) -> Emulator:
    """An emulator that made its own token."""
    return start_for_module("--ephemeral")


def exported(emulator: Emulator) -> dict[str, str]:
    """What a reader exports who pastes the lines."""
    lines = [line.partition("export ")[2] for line in emulator.banner if " export " in line]
    return dict(pair for line in lines for pair in re.findall(r"(\w+)=(\S+)", line))


def test_the_sdk_finds_the_way_by_them(without_token: Emulator) -> None:
    environment = closed_environment({**exported(without_token), "NO_PROXY": "127.0.0.1"})
    titles = subprocess.check_output([sys.executable, "-c", TITLES], env=environment, encoding="utf-8", timeout=60)
    assert titles == "['CACHE']\n"


def test_wrangler_finds_the_way_by_them(without_token: Emulator, tmp_path: Path) -> None:
    wrangler = Wrangler(installed_wrangler(os.environ), folder=tmp_path, variables=exported(without_token))
    (cache,) = wrangler.run("kv", "namespace", "list").json()
    assert any(f"namespace CACHE has the id {cache['id']}" in line for line in without_token.banner)
