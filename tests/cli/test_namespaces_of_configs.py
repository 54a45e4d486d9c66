"""Which namespace a wrangler config means, from one start of the emulator in a folder to the next."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from queue_emulator.core.accounts import ACCOUNT_ID, id_of
from tests.cli.emulator_process import Emulator, StartEmulator
from tests.cli.in_process import run_here

pytestmark = pytest.mark.slow

NO_RUNTIME = Path(__file__).parents[1] / "machine" / "no_runtime.sh"
NAMESPACES = f"/client/v4/accounts/{ACCOUNT_ID}/storage/kv/namespaces"
TOKEN = "token-of-this-test"
A, B = "a" * 32, "b" * 32

Serve = Callable[..., Emulator]


@pytest.fixture
def serve(start_emulator: StartEmulator, folder: Path) -> Serve:
    """`serve(binding, …)` runs the Worker of a config with these entries of kv_namespaces."""

    def one(*kv_namespaces: dict[str, str]) -> Emulator:
        (folder / "worker.mjs").write_text("export default { fetch() {} }")
        config = {"main": "worker.mjs", "compatibility_date": "2026-01-01", "kv_namespaces": kv_namespaces}
        (folder / "wrangler.json").write_text(json.dumps(config))
        environment = {"EMULATOR_API_TOKEN": TOKEN}
        return start_emulator("--worker", "wrangler.json", "--workerd", NO_RUNTIME, environment=environment)

    return one


def api(emulator: Emulator, method: str, path: str = "", **options: object) -> object:
    answer = emulator.ask(method, NAMESPACES + path, headers={"Authorization": f"Bearer {TOKEN}"}, **options)
    return answer.text if "/values/" in path and method == "GET" else answer.json()["result"]


def titles(emulator: Emulator) -> dict[str, str]:
    listed = api(emulator, "GET")
    assert isinstance(listed, list)
    return {each["id"]: each["title"] for each in listed}


def keys(emulator: Emulator, id: str) -> list[str]:
    listed = api(emulator, "GET", f"/{id}/keys")
    assert isinstance(listed, list)
    return [each["name"] for each in listed]


def test_two_configs_that_call_different_namespaces_by_one_name_do_not_see_each_other_s_data(serve: Serve) -> None:
    first = serve({"binding": "KV", "id": A})
    api(first, "PUT", f"/{A}/values/k", content=b"of a")
    assert titles(first) == {A: "KV"}
    assert first.stop() == 0

    second = serve({"binding": "KV", "id": B})
    assert keys(second, B) == []
    assert titles(second) == {A: "KV", B: f"KV-{B}"}
    api(second, "PUT", f"/{B}/values/k", content=b"of b")
    second.process.kill()
    second.ended()

    again = serve({"binding": "KV", "id": A})
    assert [api(again, "GET", f"/{id}/values/k") for id in (A, B)] == ["of a", "of b"]


def test_a_config_opens_what_wrangler_dev_opens(serve: Serve) -> None:
    emulator = serve(
        {"binding": "PREVIEW", "preview_id": A},
        {"binding": "BOTH", "id": "c" * 32, "preview_id": B},
        {"binding": "WORDS", "id": "<your namespace>"},
        {"binding": "NONE"},
    )
    expected = {A: "PREVIEW", B: "BOTH", id_of("<your namespace>"): "WORDS", id_of("NONE"): "NONE"}
    assert titles(emulator) == expected


def test_what_was_seeded_by_a_name_is_what_the_first_config_with_that_name_opens(serve: Serve, folder: Path) -> None:
    (folder / "seed.json").write_text('[{"key": "k", "value": "v"}]')
    assert run_here("seed", "seed.json", "--state", ".queue-emulator/state.sqlite", folder=folder).returncode == 0
    emulator = serve({"binding": "CACHE", "id": A})
    assert (keys(emulator, A), titles(emulator)) == (["k"], {A: "CACHE"})
    assert emulator.stop() == 0
    assert keys(serve({"binding": "CACHE", "id": B}), B) == []


def test_a_reset_forgets_that_a_namespace_was_renamed(serve: Serve) -> None:
    emulator = serve({"binding": "KV", "id": A})
    api(emulator, "PUT", f"/{A}", json={"title": "renamed"})
    api(emulator, "POST", json={"title": "KV"})
    assert emulator.ask("POST", "/cdn-cgi/emulator/reset").status_code == 200
    assert titles(emulator) == {A: "KV"}
    emulator.process.kill()
    emulator.ended()
    assert titles(serve({"binding": "KV", "id": A})) == {A: "KV"}
