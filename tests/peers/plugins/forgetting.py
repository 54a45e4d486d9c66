"""In the pytest of the SDK's own tests: each begins in an account that has forgotten all but the one key that it asks.

What became of each is told in a file.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest


@pytest.fixture(scope="session")
def _account() -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {os.environ['PEERS_TOKEN']}"}
    with httpx.Client(base_url=os.environ["PEERS_URL"], headers=headers, trust_env=False, verify=False) as client:
        yield client


@pytest.fixture(autouse=True)
def _forgotten(_account: httpx.Client) -> None:
    _account.post("/cdn-cgi/emulator/reset").raise_for_status()
    _account.put(f"{os.environ['PEERS_NAMESPACE']}/values/My-Key", content=b"Some Value").raise_for_status()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Of each test that was run one line; what it leaves out itself is left out."""
    if report.skipped or (report.when != "call" and not report.failed):
        return
    why = report.longreprtext.strip().splitlines()[-1] if report.failed else None
    with Path(os.environ["PEERS_REPORT"]).open("a", encoding="utf-8") as told:
        told.write(json.dumps([report.nodeid.rpartition("/")[2], why]) + "\n")
