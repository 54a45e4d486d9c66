"""Suites and clients that others wrote do here what they do at Cloudflare, but for what peers.toml says."""

import os
from pathlib import Path

import pytest

from tests.peers.running import Peer
from tests.peers.sdist import unpacked
from tests.peers.table import Outcomes, read_table, surprises

pytestmark = [pytest.mark.runtime, pytest.mark.slow]

TABLE = read_table()


@pytest.mark.parametrize("suite", ["keyv-binding", "unstorage-binding", "asset-handler"])
def test_a_suite_that_takes_a_binding(peer: Peer, suite: str) -> None:
    hold(suite, peer.in_worker(suite))


@pytest.mark.parametrize("suite", ["keyv-rest", "unstorage-http", "distilled"])
def test_a_suite_that_asks_the_api(peer: Peer, suite: str) -> None:
    hold(suite, peer.in_node(suite))


def test_the_sdk_s_own_tests(peer: Peer) -> None:
    sources = unpacked(Path(os.environ["PEERS_SDIST"]))
    hold("python-sdk", peer.in_pytest(sources, "tests/api_resources/kv"))


def test_a_reset_between_two_cases_leaves_nothing_of_the_first(peer: Peer) -> None:
    namespaces = f"/client/v4/accounts/{peer.account_id}/storage/kv/namespaces"
    with peer.emulator.client() as client:
        client.headers["Authorization"] = f"Bearer {peer.token}"
        client.post("/cdn-cgi/emulator/reset").raise_for_status()
        before = client.get(namespaces).json()
        created = client.post(namespaces, json={"title": "left"}).json()["result"]["id"]
        client.put(f"{namespaces}/{peer.namespace_id}", json={"title": "renamed"}).raise_for_status()
        for id in (created, peer.namespace_id):
            client.put(f"{namespaces}/{id}/values/k", content=b"v").raise_for_status()
        assert client.get(namespaces).json() != before
        client.post("/cdn-cgi/emulator/reset").raise_for_status()
        assert client.get(namespaces).json() == before
        assert client.get(f"{namespaces}/{created}/keys").json()["errors"][0]["code"] == 10013
        assert client.get(f"{namespaces}/{peer.namespace_id}/keys").json()["result"] == []


def hold(suite: str, outcomes: Outcomes) -> None:
    """Fails with a line for each surprise."""
    found = surprises(TABLE[suite], outcomes)
    failed = sum(why is not None for why in outcomes.values())
    print(f"{suite}: {len(outcomes) - failed} passed, {failed} failed")
    assert not found, f"{TABLE[suite].of}, {TABLE[suite].tests}:\n" + "\n".join(found)
