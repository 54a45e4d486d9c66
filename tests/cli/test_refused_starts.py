"""What `serve` refuses to start with: one clear line, exit code 2, and nothing touched."""

import json
import os
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.emulator_process import BASIC, StartEmulator, files_of
from tests.cli.in_process import refusal

APPLICATION_ID = 0x514B5631


def refused(folder: Path, *arguments: str | Path) -> str:
    """What a start that is refused says."""
    return refusal("serve", "--port", "0", *arguments, folder=folder)


def test_a_port_that_is_taken(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = refused(folder, "--port", port, "--state", "state.sqlite", "--seed", BASIC)
    assert line == f"cannot listen on 127.0.0.1 port {port}: Address already in use; choose another with --port"


@pytest.mark.parametrize("environment", [{"QUEUE_API_KEY": "q"}, {}])
@pytest.mark.parametrize("host", ["127.0.0.1.invalid.", "not a host", "300.0.0.1", "a..b", "x" * 64, "\udcff", ""])
def test_a_host_that_does_not_exist(folder: Path, host: str, environment: dict[str, str]) -> None:
    line = refusal("serve", "--host", host, "--port", "0", folder=folder, environment=environment)
    shown = {"": "''", "\udcff": "\\udcff"}.get(host, host)
    assert line.startswith(f"cannot listen on {shown}: ")
    assert line.endswith("; --host takes an address or a name of this machine, such as 127.0.0.1")


def test_an_address_of_another_machine(folder: Path) -> None:
    key = {"QUEUE_API_KEY": "q"}
    line = refusal("serve", "--host", "192.0.2.1", "--port", "0", folder=folder, environment=key)
    assert line.startswith("cannot listen on 192.0.2.1 port 0: ")
    assert line.endswith("; --host takes an address or a name of this machine, such as 127.0.0.1")


def test_a_seed_file_that_is_missing(folder: Path) -> None:
    assert refused(folder, "--seed", "missing.json") == "cannot read missing.json: No such file or directory"


def test_a_seed_file_that_is_a_directory(folder: Path) -> None:
    (folder / "seeds").mkdir()
    assert refused(folder, "--seed", "seeds") == "cannot read seeds: Is a directory"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not JSON: "),
        (b"[{]", "not JSON: "),
        (b'[{"key": "a", "value": "\xff"}]', "not UTF-8 at byte "),
        (b"{}", "must be a JSON array"),
        (b"[1]", "entry 0: must be an object"),
        (b'[{"key": "a", "value": "1"}, {"key": "b"}]', "entry 1 (key 'b'): value is missing"),
        (b'[{"key": "a", "value": 1}]', "entry 0 (key 'a'): value must be a string"),
        (b'[{"key": "", "value": "1"}]', "entry 0 (key ''): "),
        (b'[{"key": "..", "value": "1"}]', "entry 0 (key '..'): "),
        (b'[{"key": "a", "value": "1", "expiration_ttl": 59}]', "entry 0 (key 'a'): "),
        (b'[{"key": "a", "value": "1", "expiration": 1e20}]', "entry 0 (key 'a'): expiration "),
        (b'[{"key": "a", "value": "?", "base64": true}]', "entry 0 (key 'a'): value is not base64"),
        (b"[" * 100_000 + b"]" * 100_000, "JSON nested too deep"),
    ],
)
def test_a_seed_file_that_is_wrong(folder: Path, content: bytes, why: str) -> None:
    (folder / "good.json").write_bytes(BASIC.read_bytes())
    (folder / "bad.json").write_bytes(content)
    line = refused(folder, "--state", "state.sqlite", "--seed", "good.json", "--seed", "bad.json")
    assert line.startswith(f"bad.json: {why}")


def test_many_wrong_entries_are_counted_not_all_shown(folder: Path) -> None:
    entries = [{"key": f"key-{number}"} for number in range(200)]
    (folder / "bad.json").write_text(json.dumps(entries))
    assert refused(folder, "--seed", "bad.json").endswith("; and 195 more")


@pytest.mark.parametrize("content", [b"not a database", b"SQLite format 3\0", b"\0" * 4096])
def test_a_state_file_that_is_something_else(folder: Path, content: bytes) -> None:
    (folder / "notes.txt").write_bytes(content)
    assert refused(folder, "--state", "notes.txt", "--seed", BASIC) == (
        "notes.txt is not a state file of queue-emulator; name another with --state"
    )


def test_a_state_file_that_is_another_programs_database(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "other.sqlite")) as database:
        database.executescript("CREATE TABLE precious (data); INSERT INTO precious VALUES ('keep me')")
    assert refused(folder, "--state", "other.sqlite") == (
        "other.sqlite is not a state file of queue-emulator; name another with --state"
    )


def test_a_state_file_of_a_newer_version(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "newer.sqlite")) as database:
        database.executescript(
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1000000; CREATE TABLE later (data)"
        )
    line = refused(folder, "--state", "newer.sqlite")
    assert line.startswith("state file newer.sqlite has schema version 1000000; ")
    assert "upgrade queue-emulator" in line


@pytest.mark.slow
def test_a_state_file_that_is_damaged(folder: Path, start_emulator: StartEmulator) -> None:
    assert start_emulator("--state", "state.sqlite", "--seed", BASIC).stop() == 0
    whole = (folder / "state.sqlite").read_bytes()
    (folder / "state.sqlite").write_bytes(whole[:200] + b"\xaa" * 4000 + whole[4200:])
    assert refused(folder, "--state", "state.sqlite").startswith("cannot use state file state.sqlite: ")


@pytest.mark.slow
def test_a_state_file_that_a_second_process_has_open(folder: Path, start_emulator: StartEmulator) -> None:
    owner = start_emulator("--state", "state.sqlite", "--seed", BASIC)
    line = refused(folder, "--state", "state.sqlite", "--seed", BASIC)
    assert line.startswith("state file state.sqlite is in use by another process, such as a running emulator: stop")
    assert owner.ask("GET", "/api/migrate/status").status_code == 401
    assert owner.keys() == 8


def test_a_state_file_below_something_that_is_no_directory(folder: Path) -> None:
    (folder / "file").write_text("not a directory")
    line = refused(folder, "--state", "file/state.sqlite")
    assert line.endswith("state file file/state.sqlite: Not a directory")


def test_a_state_file_that_is_a_directory(folder: Path) -> None:
    (folder / "state").mkdir()
    assert refused(folder, "--state", "state") == "state is not a regular file"


def test_a_state_file_where_no_directory_can_be_made(folder: Path) -> None:
    line = refused(folder, "--state", "/dev/null/deeper/state.sqlite")
    assert line.endswith("state file /dev/null/deeper/state.sqlite: Not a directory")


@pytest.mark.slow
def test_a_missing_directory_is_made_for_a_new_state_file(folder: Path, start_emulator: StartEmulator) -> None:
    assert start_emulator("--state", "deep/er/state.sqlite").stop() == 0
    assert list(files_of(folder)) == ["deep/er/state.sqlite"]


@pytest.mark.parametrize("there", ["link", "pipe"])
def test_a_state_file_in_a_folder_that_is_a_link_or_is_a_pipe(folder: Path, there: str) -> None:
    (folder / "outside").mkdir()
    if there == "link":
        (folder / ".queue-emulator").symlink_to(folder / "outside")
        why = ".queue-emulator is a symbolic link: name the state file with --state"
    else:
        (folder / ".queue-emulator").mkdir()
        os.mkfifo(folder / ".queue-emulator" / "state.sqlite")
        why = ".queue-emulator/state.sqlite is not a regular file"
    assert refused(folder) == why


def test_a_state_in_memory_by_sqlites_name_for_it(folder: Path) -> None:
    assert "use --ephemeral" in refused(folder, "--state", ":memory:")


def test_a_dev_vars_that_is_no_file(folder: Path) -> None:
    os.mkfifo(folder / ".dev.vars")
    assert refused(folder) == ".dev.vars is not a regular file"


def test_a_dev_vars_that_is_larger_than_anybody_writes(folder: Path) -> None:
    (folder / ".dev.vars").write_bytes(b"#" * 2_000_000)
    assert refused(folder) == ".dev.vars has 2,000,000 bytes; at most 1,048,576 are read"
