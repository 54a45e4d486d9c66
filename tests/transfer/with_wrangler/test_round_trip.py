"""Data on its whole way: generated, seeded, migrated, verified, exported, and seeded into what wrangler then lists."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.emulator_process import ADMIN, StartEmulator
from tests.cli.in_process import run_here
from tests.clients.wrangler import Wrangler
from tests.transfer.with_wrangler.conftest import Hold, Holding

pytestmark = [pytest.mark.slow, pytest.mark.runtime]

LOCAL = ("--local", "--persist-to", "state", "--namespace-id", "abc")


def exported(folder: Path, endpoint: str) -> list[dict[str, Any]]:
    done = run_here("export", endpoint, folder=folder)
    assert done.returncode == 0, done.stderr
    entries: list[dict[str, Any]] = json.loads(done.stdout)
    return entries


def text_of(wrangler: Wrangler, key: str) -> str:
    return wrangler.run("kv", "key", "get", key, "--text", *LOCAL).succeeded().removesuffix("\n")


def test_generated_data_reaches_wrangler_through_a_migration(
    start_emulator: StartEmulator, folder: Path, hold: Hold
) -> None:
    generate = ["generate", "old-format", "--tasks", "200", "--leased", "5%", "--prefix", "ct-ab12", "--seed", "7"]
    (folder / "before.json").write_text(run_here(*generate, folder=folder).stdout)
    after = {profile: migrated(start_emulator, folder, profile) for profile in ("cloudflare", "local")}
    for namespace, entries in after.items():
        (folder / "after.json").write_text(json.dumps(entries))
        seed = ("seed", "after.json", "--skip-expired", "--to", f"wrangler:state#{namespace}")
        seeded = run_here(*seed, folder=folder)
        assert seeded.returncode == 0, seeded.stderr
    holding = hold(*after)
    for namespace, entries in after.items():
        expected = {each["key"]: each["expiration"] for each in entries}
        listed = {key["name"]: key["expiration"] for key in holding.call(namespace, "list")["keys"]}
        assert listed.items() <= expected.items()
        assert {key for key in expected if key not in listed} <= {
            key for key in expected if "lease" in key
        }  # short lives
        assert len(listed) > 200
        sample = next(each for each in entries if "task" in each["key"] and not each["value"].isascii())
        assert holding.call(namespace, "get", sample["key"]) == sample["value"]


def migrated(start_emulator: StartEmulator, folder: Path, profile: str) -> list[dict[str, Any]]:
    """What an emulator of this profile exports, once it was seeded with before.json and has migrated it."""
    emulator = start_emulator("--ephemeral", "--profile", profile)
    assert run_here("seed", "before.json", "--to", emulator.url, folder=folder).returncode == 0
    assert emulator.ask("POST", "/api/migrate/run", headers=ADMIN).json()["success"] is True
    verified = run_here("verify", "--from", emulator.url, "--before", "before.json", "--json", folder=folder)
    assert verified.returncode == 0, verified.stdout
    assert json.loads(verified.stdout)["tasks"] == {"moved": 200}
    return exported(folder, emulator.url)


def test_what_wrangler_wrote_is_imported_as_it_is(folder: Path, wrangler: Wrangler) -> None:
    data = [
        {"key": "a/b\u0000c", "value": "/wA=", "base64": True},
        {"key": "empty", "value": "", "metadata": {"m": ["é", None]}},
        {"key": "ends", "value": "😀", "expiration": 2_000_000_000},
    ]
    (folder / "data.json").write_text(json.dumps(data))
    wrangler.run("kv", "bulk", "put", "data.json", *LOCAL).succeeded()
    done = run_here("import", "state", "--to", "my.sqlite", folder=folder)
    assert (done.returncode, done.stderr) == (0, "3 entries read from wrangler:state#abc\n")
    assert exported(folder, "my.sqlite") == data


def test_wrangler_reads_and_replaces_what_was_seeded(folder: Path, wrangler: Wrangler) -> None:
    (folder / "data.json").write_text(json.dumps([{"key": "a", "value": "ours", "metadata": {"m": 1}}]))
    assert run_here("seed", "data.json", "--to", "wrangler:state#abc", folder=folder).returncode == 0
    assert wrangler.run("kv", "key", "list", *LOCAL).json() == [{"name": "a", "metadata": {"m": 1}}]
    (folder / "theirs.json").write_text('[{"key": "a", "value": "theirs"}, {"key": "b", "value": "more"}]')
    wrangler.run("kv", "bulk", "put", "theirs.json", *LOCAL).succeeded()
    assert [(each["key"], each["value"]) for each in exported(folder, "state")] == [("a", "theirs"), ("b", "more")]
    assert run_here("seed", "data.json", "--to", "state", folder=folder).returncode == 0
    assert text_of(wrangler, "a") == "ours"


def test_a_state_that_workerd_holds_is_read_and_not_written_to(folder: Path, holding: Holding) -> None:
    (folder / "data.json").write_text(json.dumps([{"key": "a", "value": "ours"}]))
    for number in range(200):
        holding.put(f"k{number:03d}", "one")
    holding.put("k007", "two")
    done = run_here("seed", "data.json", "--to", "wrangler:state#abc", folder=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "state is in use by a running wrangler dev or miniflare: stop it first" in done.stderr

    found = {each["key"]: each["value"] for each in exported(folder, "wrangler:state#abc")}
    assert (len(found), found["k007"], found["k199"]) == (200, "two", "one")
    holding.put("k007", "three")
    holding.end()
    assert run_here("seed", "data.json", "--to", "wrangler:state#abc", folder=folder).returncode == 0
    found = {each["key"]: each["value"] for each in exported(folder, "wrangler:state#abc")}
    assert (len(found), found["k007"], found["a"]) == (201, "three", "ours")


def test_a_state_that_is_written_to_meanwhile_is_read_whole(folder: Path, holding: Holding) -> None:
    for number in range(50):
        holding.put(f"k{number:02d}", "old")
    for round_ in range(5):
        holding.put("k25", f"new {round_}")
        found = {each["key"]: each["value"] for each in exported(folder, "wrangler:state#abc")}
        assert (len(found), found["k25"]) == (50, f"new {round_}")
