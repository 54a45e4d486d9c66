"""Which keys open it: the environment, `.dev.vars`, and on loopback alone the development keys."""

from pathlib import Path

import pytest

from queue_emulator.settings import read_keys
from queue_emulator.worker.auth import ApiKeys
from tests.cli.emulator_process import ADMIN, QUEUE, Emulator, StartEmulator
from tests.cli.in_process import refusal

pytestmark = pytest.mark.slow

QUEUE_PATH, ADMIN_PATH = "/api/queue", "/api/migrate/status"


def statuses(emulator: Emulator, queue_key: str, admin_key: str) -> tuple[int, int]:
    """How the two scopes answer to these keys."""
    return (
        emulator.ask("GET", QUEUE_PATH, headers={"X-API-Key": queue_key}).status_code,
        emulator.ask("GET", ADMIN_PATH, headers={"X-API-Key": admin_key}).status_code,
    )


def key_lines(emulator: Emulator) -> list[str]:
    return [line.removeprefix("  keys        ") for line in emulator.banner if line.startswith("  keys ")]


def test_with_no_key_set_development_keys_are_used_and_shown(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--ephemeral")
    assert key_lines(emulator) == ["QUEUE_API_KEY=dev-queue-key ADMIN_API_KEY=dev-admin-key"]
    assert statuses(emulator, QUEUE["X-API-Key"], ADMIN["X-API-Key"]) == (200, 200)
    assert statuses(emulator, ADMIN["X-API-Key"], QUEUE["X-API-Key"]) == (401, 401)


def test_development_keys_open_nothing_to_the_pages_of_another_site(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--ephemeral")
    own = start_emulator("--ephemeral", environment={"QUEUE_API_KEY": "q-1", "ADMIN_API_KEY": "a-1"})
    for headers in ({"Host": "evil.example:8787"}, {"Origin": "http://evil.example"}):
        refused = emulator.ask("POST", "/api/migrate/rollback", headers={**ADMIN, **headers})
        assert refused.status_code == 403
        assert "only for loopback host names" in refused.json()["error"]
        assert own.ask("GET", QUEUE_PATH, headers={"X-API-Key": "q-1", **headers}).status_code == 200


@pytest.mark.parametrize(
    ("environment", "keys"),
    [
        ({"QUEUE_API_KEY": "q-1", "ADMIN_API_KEY": "a-1"}, ApiKeys("q-1", "a-1")),
        ({"QUEUE_API_KEY": "alone"}, ApiKeys("alone")),
        ({"ADMIN_API_KEY": "alone"}, ApiKeys(None, "alone")),
        ({"ASSISTANT_API_KEY": "alone"}, ApiKeys(None, None, "alone")),
        ({"QUEUE_API_KEY": "q", "ASSISTANT_API_KEY": "assistant"}, ApiKeys("q", None, "assistant")),
        ({"QUEUE_API_KEY": "", "ADMIN_API_KEY": "a"}, ApiKeys(None, "a")),
    ],
)
def test_where_any_key_is_set_one_that_is_not_is_none(environment: dict[str, str], keys: ApiKeys, folder: Path) -> None:
    source = read_keys("127.0.0.1", environment=environment, folder=folder)
    assert (source.keys, source.development) == (keys, False)
    assert source.sources == {name: "environment" for name, key in environment.items() if key}


def test_keys_come_from_dev_vars(folder: Path) -> None:
    (folder / ".dev.vars").write_text('# secrets\nQUEUE_API_KEY="q $2 key"\nexport ADMIN_API_KEY=a-2\r\n')
    source = read_keys("127.0.0.1", environment={}, folder=folder)
    assert (source.keys, source.development) == (ApiKeys("q $2 key", "a-2"), False)


def test_a_line_of_dev_vars_that_says_nothing_is_refused_and_not_shown(folder: Path) -> None:
    (folder / ".dev.vars").write_text("# secrets\nQUEUE_API_KEY=a\nthis is secret\n")
    line = refusal("serve", "--port", "0", "--ephemeral", folder=folder)
    assert line == ".dev.vars, line 3: must be NAME=VALUE, as in a .env file"


def test_the_environment_wins_over_dev_vars(start_emulator: StartEmulator, folder: Path) -> None:
    (folder / ".dev.vars").write_text("QUEUE_API_KEY=from-file\nADMIN_API_KEY=from-file-too\n")
    emulator = start_emulator("--ephemeral", environment={"QUEUE_API_KEY": "from-environment"})
    assert key_lines(emulator) == [
        "QUEUE_API_KEY from environment",
        "ADMIN_API_KEY from .dev.vars",
        "ASSISTANT_API_KEY is not set",
    ]
    assert statuses(emulator, "from-environment", "from-file-too") == (200, 200)
    assert statuses(emulator, "from-file", "from-environment") == (401, 401)
    assert statuses(emulator, QUEUE["X-API-Key"], ADMIN["X-API-Key"]) == (401, 401)


def test_a_key_outside_ascii_opens_its_scope(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--ephemeral", environment={"QUEUE_API_KEY": "clé-🔑", "LC_ALL": "C.UTF-8"})
    answer = emulator.ask("GET", QUEUE_PATH, headers=[(b"X-API-Key", "clé-🔑".encode())])
    assert answer.status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_an_address_that_others_can_reach_needs_real_keys(folder: Path, host: str) -> None:
    line = refusal("serve", "--host", host, "--port", "0", folder=folder)
    assert line.startswith(f"{host} can be reached from other machines, and no API key is set: ")
    assert "QUEUE_API_KEY" in line


def test_the_name_localhost_is_loopback(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--ephemeral", "--host", "localhost")
    assert statuses(emulator, QUEUE["X-API-Key"], ADMIN["X-API-Key"]) == (200, 200)


def test_unreadable_dev_vars_are_refused(folder: Path) -> None:
    (folder / ".dev.vars").write_bytes(b"QUEUE_API_KEY=\xff\xfe\n")
    assert refusal("serve", "--port", "0", folder=folder).startswith("cannot read .dev.vars: ")


def test_configured_keys_are_never_shown(start_emulator: StartEmulator, folder: Path) -> None:
    (folder / ".dev.vars").write_text("ADMIN_API_KEY=secret-of-the-admin\n")
    emulator = start_emulator("--ephemeral", environment={"QUEUE_API_KEY": "secret-of-the-queue"})
    for key in ("secret-of-the-queue", "secret-of-the-admin", "secret-that-is-wrong"):
        statuses(emulator, key, key)
    assert emulator.stop() == 0
    assert "secret" not in emulator.log() + "\n".join(emulator.banner)
