"""The KV of a Worker that is given a connection string instead of a preload."""

import json
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.cli.emulator_process import Emulator, StartEmulator
from tests.run.probe_tools import installed
from tests.run.tool import environment_of, node

PATH = "/cdn-cgi/emulator/kv/SJC"


@pytest.fixture(scope="module")
def emulator(start_for_module: StartEmulator) -> Emulator:
    return start_for_module("--ephemeral", "--location", "SJC", "--location", "NRT")


def ask(emulator: Emulator, method: str, target: str, path: str = PATH, **more: str) -> httpx.Response:
    """One operation, as the runtime sends it; `more` are headers of the operation itself."""
    headers = {"MF-URL": f"https://fake-host{target}", "MF-Binding": "CACHE"}
    headers |= {f"MF-Header-{name.replace('_', '-')}": value for name, value in more.items()}
    return emulator.ask(method, path, headers=headers, content=b"value" if method == "PUT" else None)


def test_a_miniflare_that_is_configured_in_code_has_its_kv_there(emulator: Emulator, tmp_path: Path) -> None:
    shutil.copy(Path(__file__).with_name("miniflare.mjs"), tmp_path)
    (tmp_path / "node_modules").symlink_to(installed("wrangler-4.56"))
    url = f"{emulator.url}{PATH}?at.TOKYO=NRT&id.TOKYO=CACHE"
    command = [str(node()), "miniflare.mjs", url]
    seen = subprocess.check_output(command, cwd=tmp_path, env=environment_of(tmp_path), encoding="utf-8")
    assert json.loads(seen) == {
        "absent in Tokyo": None,
        "put": None,
        "found": "né",
        "late in Tokyo": None,
        "too often": "KV PUT failed: 429 Too Many Requests",
        "too short": "KV PUT failed: 400 Invalid expiration_ttl of 5. Expiration TTL must be at least 60.",
        "many": {"key é/?": "value", "none": None},
        "listed": ["key é/?"],
    }


def test_a_binding_has_the_namespace_of_its_name_unless_an_id_says_which(emulator: Emulator) -> None:
    assert ask(emulator, "PUT", "/k?urlencoded=true").status_code == 204
    assert ask(emulator, "GET", "/k?urlencoded=true").content == b"value"
    assert ask(emulator, "GET", "/k?urlencoded=true", f"{PATH}?id.OTHER=x").content == b"value"
    assert ask(emulator, "GET", "/k?urlencoded=true", f"{PATH}?id.CACHE=of-one-test-file").status_code == 404


def test_a_failure_is_in_the_reason_phrase_where_the_runtime_looks_for_it(emulator: Emulator) -> None:
    answer = ask(emulator, "PUT", "/t?urlencoded=true&expiration_ttl=5")
    assert answer.status_code == 400
    assert answer.reason_phrase == "Invalid expiration_ttl of 5. Expiration TTL must be at least 60."
    assert "emulator-reason" not in answer.headers


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/cdn-cgi/emulator/kv/XXX", "unknown location XXX; this emulator has SJC, NRT"),
        (f"{PATH}?at.CACHE=XXX", "unknown location XXX; this emulator has SJC, NRT"),
        (
            f"{PATH}?TOKYO=NRT",
            "a connection string can have at.BINDING=LOCATION, id.BINDING=NAMESPACE_ID, not TOKYO=NRT",
        ),
        (f"{PATH}?at.=NRT", "a connection string can have at.BINDING=LOCATION, id.BINDING=NAMESPACE_ID, not at.=NRT"),
        (
            f"{PATH}?id.CACHE=",
            "a connection string can have at.BINDING=LOCATION, id.BINDING=NAMESPACE_ID, not id.CACHE=",
        ),
    ],
)
def test_a_connection_string_that_means_nothing_is_an_error_that_the_worker_sees(
    emulator: Emulator, path: str, why: str
) -> None:
    answer = ask(emulator, "GET", "/k?urlencoded=true", path)
    assert (answer.status_code, answer.reason_phrase) == (400, why)


def test_who_is_no_worker_is_told_what_the_address_is_for(emulator: Emulator) -> None:
    answer = emulator.ask("GET", PATH)
    assert answer.status_code == 400
    assert answer.text == "this URL is the KV of a Worker: give it to miniflare as remoteProxyConnectionString"


def test_it_answers_this_machine_only(emulator: Emulator) -> None:
    foreign = {"MF-URL": "https://fake-host/k", "MF-Binding": "CACHE", "Host": "evil.example"}
    assert emulator.ask("GET", PATH, headers=foreign).status_code == 403
    page = {"MF-URL": "https://fake-host/k", "MF-Binding": "CACHE", "Origin": "https://evil.example"}
    assert emulator.ask("GET", PATH, headers=page).status_code == 403


def test_its_operations_are_in_the_journal(emulator: Emulator) -> None:
    ask(emulator, "GET", "/noted?urlencoded=true", f"{PATH}?at.CACHE=NRT")
    last = json.loads(emulator.ask("GET", "/cdn-cgi/emulator/journal").text.splitlines()[-1])
    assert (last["location"], last["key"], last["route"]) == ("NRT", "noted", "by a connection string")
