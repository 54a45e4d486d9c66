"""`generate`, `verify`, `import` and `export` as processes: what they print, what they leave, how they end."""

import json
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from queue_emulator.core.accounts import ACCOUNT_ID, namespace_of
from tests.cli.emulator_process import ADMIN, BASIC, COMMAND, StartEmulator, closed_environment, files_of, run
from tests.cli.in_process import run_here

pytestmark = pytest.mark.slow

TOKEN = "token-of-a-test"
NAMESPACE = namespace_of("CACHE").id
GENERATE = ("generate", "old-format", "--tasks", "30", "--leased", "20%", "--orphans", "5", "--corrupt", "3")


def made(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    done = run_here(*arguments, folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    entries: list[dict[str, Any]] = json.loads(done.stdout)
    return entries


def test_the_same_command_generates_the_same_bytes(folder: Path) -> None:
    command = [*GENERATE, "--prefix", "ct-ab12", "--seed", "7", "--at", "2026-11-23T12:00:00Z"]
    first, second = (run(*command, folder=folder).stdout for _ in range(2))
    assert first == second
    assert len(json.loads(first)) == 1 + 30 + 6
    assert len(made(folder, *GENERATE, "--leased", "4")) == 1 + 30 + 4


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--tasks", "-1"], "must be a whole number from 0 to 100,000,000, not '-1'"),
        (["--leased", "101%"], "must be a number of tasks or 0% to 100%, not '101%'"),
        (["--leased", "half"], "must be a whole number from 0 to 100,000,000, not 'half'"),
        (["--prefix", "a b"], "must be up to 64 letters, digits, - and _, not 'a b'"),
        (["--at", "yesterday"], "a time must look like 2026-11-23T17:00:00Z, not 'yesterday'"),
        (["--at", "0001-01-01T00:00:00Z"], "must be 1970-01-02T00:00:00.000Z or later, not '0001-01-01T00:00:00Z'"),
        (["--tasks", "10", "--corrupt", "11"], "11 of 10 tasks cannot be unlisted and corrupt"),
    ],
)
def test_what_cannot_be_generated_is_refused(folder: Path, arguments: list[str], why: str) -> None:
    done = run_here("generate", "old-format", *arguments, folder=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr


@pytest.mark.parametrize("command", ["generate old-format --tasks 20000", "export state.sqlite"])
def test_a_reader_that_wants_no_more_ends_it_quietly(folder: Path, command: str) -> None:
    assert run_here("seed", BASIC, "--to", "state.sqlite", folder=folder).returncode == 0
    script = f"{COMMAND} {command} | head -c 10; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=closed_environment(), capture_output=True, encoding="utf-8", check=True
    )
    assert done.stderr == "" or command.startswith("export")
    assert "Traceback" not in done.stderr


def test_generated_data_migrates_and_verify_says_what_was_left(start_emulator: StartEmulator, folder: Path) -> None:
    emulator = start_emulator("--ephemeral", "--profile", "local")
    (folder / "before.json").write_text(run_here(*GENERATE, folder=folder).stdout)
    assert run_here("seed", "before.json", "--to", emulator.url, folder=folder).returncode == 0
    verify = ("verify", "--from", emulator.url, "--before", "before.json", "--json")
    unmigrated = run_here(*verify, folder=folder)
    assert unmigrated.returncode == 1
    assert json.loads(unmigrated.stdout)["tasks"] == {"waiting": 27, "orphaned": 3}

    emulator.ask("POST", "/api/migrate/run", headers=ADMIN)
    report = json.loads(run_here(*verify, folder=folder).stdout)
    assert report["tasks"] == {"moved": 24, "orphaned": 6}  # the three corrupt ones cannot be migrated
    assert report["leases"] == {"moved": 6}
    assert len(report["pending"]["withoutTask"]) == 2
    assert report["lifetimes_s"]["tasks"]["moved"]["min"] > 3500 >= report["lifetimes_s"]["tasks"]["orphaned"]["min"]


def test_a_clean_migration_ends_verify_with_0(start_emulator: StartEmulator, folder: Path) -> None:
    emulator = start_emulator("--ephemeral", "--seed", BASIC)
    emulator.ask("POST", "/api/migrate/run", headers=ADMIN)
    done = run_here("verify", "--from", emulator.url, "--before", BASIC, folder=folder)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "clean")
    emulator.ask("POST", "/api/migrate/rollback", headers=ADMIN)
    done = run_here("verify", "--from", emulator.url, "--before", BASIC, folder=folder)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "not clean: tasks: 5 missing; leases: 2 missing")


def test_data_goes_round_through_every_endpoint(start_emulator: StartEmulator, folder: Path) -> None:
    emulator = start_emulator("--ephemeral", environment={"EMULATOR_API_TOKEN": TOKEN})
    environment = {
        "CLOUDFLARE_ACCOUNT_ID": ACCOUNT_ID,
        "CLOUDFLARE_API_TOKEN": TOKEN,
        "CLOUDFLARE_API_BASE_URL": f"{emulator.url}/client/v4",
    }
    data = [
        {"key": "bytes", "value": "/wA=", "base64": True, "metadata": {"a": [1, None]}},
        {"key": "ends", "value": "ü", "expiration": 4102444800},
        {"key": "false", "value": "", "metadata": False},
    ]
    (folder / "data.json").write_text(json.dumps(data))
    endpoints = ["one.sqlite", "wrangler:state#abc", f"cloudflare:{NAMESPACE}", "state:two.sqlite#OTHER", emulator.url]
    assert run_here("seed", "data.json", "--to", endpoints[0], folder=folder).returncode == 0
    for source, target in pairwise(endpoints):
        done = run_here("import", source, "--to", target, folder=folder, environment=environment)
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, f"3 keys written to {target}"), done.stderr
    for endpoint in endpoints:
        done = run_here("export", endpoint, folder=folder, environment=environment)
        assert (done.returncode, json.loads(done.stdout)) == (0, data)
        assert done.stderr.splitlines()[0] == f"3 entries read from {endpoint}"
        assert TOKEN not in done.stderr + emulator.log()


def test_what_cannot_be_exported_is_told(folder: Path) -> None:
    soon = 1_000_000_000
    data = [
        {"key": "list", "value": "1", "metadata": [1]},
        {"key": "gone", "value": "1", "expiration": soon},
        {"key": "kept", "value": "1", "expiration_ttl": 5},
    ]
    (folder / "held.json").write_text(json.dumps(data))
    done = run_here("export", "held.json", folder=folder)
    assert [entry["key"] for entry in json.loads(done.stdout)] == ["list", "kept"]
    assert done.stderr.splitlines() == [
        "2 entries read from held.json",
        "left out: 1 key: expired, or will within 60 seconds: a bulk put refuses that: 'gone'",
        "note: 1 key: metadata is not a JSON object: `wrangler kv bulk put` refuses that: 'list'",
    ]


def test_nothing_is_exported_as_an_empty_array(folder: Path) -> None:
    (folder / "empty.json").write_text("[]")
    assert run_here("seed", "empty.json", "--to", "wrangler:state#abc", folder=folder).returncode == 0
    done = run_here("export", "empty.json", folder=folder)
    assert json.loads(done.stdout) == []


def test_an_import_leaves_its_source_as_it_was(folder: Path) -> None:
    assert run_here("seed", BASIC, "--to", "wrangler:state#abc", folder=folder).returncode == 0
    before = files_of(folder / "state")
    done = run_here("import", "state", "--to", "my.sqlite", folder=folder)
    assert (done.returncode, done.stderr) == (0, "8 entries read from wrangler:state#abc\n")
    assert files_of(folder / "state") == before


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        ("nothing", "my.sqlite", "there is no file or folder nothing"),
        ("wrangler:nothing#abc", "my.sqlite", "there is no namespace 'abc' in nothing/v3/kv"),
        ("wrangler:nothing", "my.sqlite", "nothing does not have exactly one namespace (there is none yet)"),
        ("gone.sqlite", "my.sqlite", "there is no state file gone.sqlite"),
        ("good.json", "state:dangling", "dangling is a symbolic link"),
        ("good.json", ".wrangler/state", "to create it, use wrangler:.wrangler/state#NAMESPACE_ID"),
        ("bad.json", "my.sqlite", "bad.json: entry 1: must be an object with key and value"),
        ("good.json", "nowhere", "cannot write to 'nowhere': not a known endpoint"),
        ("good.json", "wrangler:file/state#abc", "wrangler's local state in file/state failed: Not a directory"),
    ],
)
def test_an_import_that_cannot_be_is_refused_and_writes_nothing(
    folder: Path, source: str, target: str, why: str
) -> None:
    (folder / "good.json").write_text('[{"key": "a", "value": "1"}]')
    (folder / "bad.json").write_text('[{"key": "a", "value": "1"}, 7]')
    (folder / "file").write_text("")
    (folder / "dangling").symlink_to("nowhere")
    before = files_of(folder)
    done = run_here("import", source, "--to", target, folder=folder)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"queue-emulator: {why}") or why in done.stderr
    assert "Traceback" not in done.stderr
    assert files_of(folder) == before
