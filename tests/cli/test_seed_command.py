"""`queue-emulator seed`: checks everything, says what it is about to write, and loads it into an emulator or a file."""

import json
import os
import pty
import re
import socket
import subprocess
import termios
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from queue_emulator.core.accounts import ACCOUNT_ID, namespace_of
from tests.cli.emulator_process import ADMIN, BASIC, COMMAND, FIXTURES, StartEmulator, closed_environment, files_of, run
from tests.cli.in_process import refusal, run_here

pytestmark = pytest.mark.slow

LEASED = FIXTURES / "old-format" / "leased.json"
THOUSAND = FIXTURES / "old-format" / "thousand.json"


VALUE_BYTES = sum(len(entry["value"].encode()) for entry in json.loads(BASIC.read_text("utf-8")))


def entries(path: Path) -> int:
    return len(json.loads(path.read_text("utf-8")))


def refused(folder: Path, *arguments: str | Path) -> str:
    """What a load that is refused says."""
    return refusal("seed", *arguments, folder=folder)


def test_a_file_is_loaded_into_a_running_emulator(start_emulator: StartEmulator, folder: Path) -> None:
    emulator = start_emulator("--ephemeral")
    done = run("seed", BASIC, "--to", emulator.url, folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"{BASIC}: 8 entries, {VALUE_BYTES:,} bytes of values",
        f"into {emulator.url}: a running emulator with 0 keys",
        f"8 keys written to {emulator.url}",
    ]
    assert emulator.ask("GET", "/api/migrate/status", headers=ADMIN).json()["status"]["oldTaskCount"] == 5


def test_several_files_are_loaded_together(start_emulator: StartEmulator, folder: Path) -> None:
    emulator = start_emulator("--ephemeral")
    (folder / "marked.json").write_bytes(b'\xef\xbb\xbf [{"key": "a", "value": "1", "metadata": 1e400}]\n')
    (folder / "empty.json").write_text(" [ ] ")
    done = run_here("seed", THOUSAND, "empty.json", "marked.json", LEASED, "--to", f"{emulator.url}/", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    counts = [int(line.split()[1].replace(",", "")) for line in done.stdout.splitlines()[:4]]
    assert counts == [entries(THOUSAND), 0, 1, entries(LEASED)]
    assert done.stdout.splitlines()[4] == "warning: 1 entry with a key that occurs again later; the last entry wins"
    assert emulator.keys() == entries(THOUSAND) + 1 + entries(LEASED) - 1  # both have the pending list


def test_one_wrong_file_among_several_loads_nothing(start_emulator: StartEmulator, folder: Path) -> None:
    emulator = start_emulator("--ephemeral")
    (folder / "bad.json").write_text('[{"key": "a", "value": "1", "expiration_ttl": 5}]')
    assert refused(folder, BASIC, "bad.json", "--to", emulator.url).startswith("bad.json: entry 0 (key 'a'): ")
    assert refused(folder, BASIC, "missing.json", "--to", emulator.url).startswith("cannot read missing.json: ")
    assert emulator.keys() == 0


def test_a_pipe_can_be_loaded(start_emulator: StartEmulator, folder: Path) -> None:
    emulator = start_emulator("--ephemeral")
    for number, arguments in enumerate((f"<(cat {BASIC})", f"- < {BASIC}"), start=1):
        command = f"{COMMAND} seed {arguments} --to {emulator.url}"
        subprocess.run(["bash", "-c", command], cwd=folder, env=closed_environment(), check=True, capture_output=True)
        assert emulator.keys() == 8, number
        emulator.ask("POST", "/cdn-cgi/emulator/reset")


def test_a_file_is_loaded_into_a_new_state_file(start_emulator: StartEmulator, folder: Path) -> None:
    done = run_here("seed", BASIC, LEASED, "--state", "new/state.sqlite", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-2:] == [
        "into new/state.sqlite: a new state file",
        f"{8 + entries(LEASED) - 1} keys written to new/state.sqlite",
    ]
    assert list(files_of(folder)) == ["new/state.sqlite"]
    assert start_emulator("--state", "new/state.sqlite").keys() == 8 + entries(LEASED) - 1


def test_what_a_state_file_holds_stays_unless_it_is_overwritten(start_emulator: StartEmulator, folder: Path) -> None:
    (folder / "one.json").write_text('[{"key": "one", "value": "1"}, {"key": "both", "value": "1"}]')
    (folder / "two.json").write_text('[{"key": "two", "value": "2"}, {"key": "both", "value": "2"}]')
    for name in ("one.json", "two.json"):
        assert run_here("seed", name, "--state", "state.sqlite", folder=folder).returncode == 0
    assert start_emulator("--state", "state.sqlite").keys() == 3


def test_a_state_file_in_use_is_left_alone(start_emulator: StartEmulator, folder: Path) -> None:
    emulator = start_emulator("--state", "state.sqlite")
    line = refused(folder, BASIC, "--state", "state.sqlite")
    assert line.startswith("state file state.sqlite is in use by another process, such as a running emulator: stop")
    assert emulator.keys() == 0


def test_a_file_that_is_no_state_file_is_left_alone(folder: Path) -> None:
    (folder / "notes.txt").write_text("not a database")
    assert refused(folder, BASIC, "--state", "notes.txt").startswith("notes.txt is not a state file ")


def test_wrong_data_makes_no_state_file(folder: Path) -> None:
    (folder / "bad.json").write_text('[{"key": "a", "value": null}]')
    assert refused(folder, "bad.json", "--state", "new/state.sqlite") == (
        "bad.json: entry 0 (key 'a'): value must be a string"
    )
    assert [path.name for path in folder.iterdir()] == ["bad.json"]


def test_a_field_that_is_not_in_the_format_is_ignored_aloud(folder: Path) -> None:
    (folder / "odd.json").write_text('[{"key": "a", "value": "1", "ttl": 60}, {"key": "b", "value": "2", "ttl": 60}]')
    done = run_here("seed", "odd.json", "--state", "state.sqlite", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1] == "odd.json: warning: unknown field 'ttl' in 2 entries is ignored"


def test_a_password_in_a_url_is_refused_and_not_shown(folder: Path) -> None:
    line = refused(folder, BASIC, "--to", "http://me:secret@127.0.0.1:8787")
    assert line == "not the URL of an emulator, such as http://127.0.0.1:8787: http://…@127.0.0.1:8787"


def test_an_unknown_endpoint_is_refused_with_a_list_of_the_known_ones(folder: Path) -> None:
    done = run_here("seed", BASIC, "--to", "8787", folder=folder)
    assert (done.returncode, done.stdout, list(folder.iterdir())) == (2, "", [])
    first, *forms = done.stderr.splitlines()
    assert first == "queue-emulator: cannot write to '8787': not a known endpoint; use one of:"
    assert [form.split()[0].rstrip(",") for form in forms[:4]] == [
        *("http://127.0.0.1:8787", "my.sqlite", ".wrangler/state", "cloudflare:NAMESPACE_ID")
    ]


@pytest.mark.parametrize("host", ["nobody.invalid", "ü" * 80])
def test_a_host_that_does_not_exist_is_said_in_one_line(folder: Path, host: str) -> None:
    line = refused(folder, BASIC, "--yes", "--to", f"http://{host}:8787")
    assert line.startswith(f"no emulator answers at http://{host}:")


def test_nobody_listening_is_said_with_the_way_out(folder: Path) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        line = refused(folder, BASIC, "--to", url)
    assert line.startswith(f"no emulator answers at {url}: ")
    assert line.endswith("; start one with: queue-emulator serve")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}",
        b'HTTP/1.1 200 OK\r\n\r\n{"keys": 5, "clock": "now_ms"}',
        b'HTTP/1.1 200 OK\r\n\r\n{"keys": null, "clock": {"now_ms": 1}}',
    ],
)
def test_another_kind_of_server_is_recognised(folder: Path, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        stranger = threading.Thread(target=_answer_once, args=(server, answer))
        stranger.start()
        line = refused(folder, BASIC, "--to", f"http://127.0.0.1:{server.getsockname()[1]}")
        stranger.join()
    assert "queue-emulator" in line


def test_a_terminal_shows_progress_and_a_pipe_does_not(folder: Path) -> None:
    code, shown = on_a_terminal(folder, "seed", THOUSAND, "--state", "state.sqlite")
    assert code == 0
    assert "checking thousand.json" in shown
    assert run_here("seed", THOUSAND, "--state", "state.sqlite", folder=folder).stderr == ""


def test_a_dry_run_says_what_would_be_written_and_writes_nothing(start_emulator: StartEmulator, folder: Path) -> None:
    emulator = start_emulator("--ephemeral")
    for target in (emulator.url, "new.sqlite", "wrangler:state#abc"):
        done = run_here("seed", BASIC, "--to", target, "--dry-run", folder=folder)
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "nothing was written (--dry-run)")
    assert (emulator.keys(), list(folder.iterdir())) == (0, [])


def test_cloudflare_needs_an_account_and_a_token(folder: Path) -> None:
    assert refused(folder, BASIC, "--to", f"cloudflare:{'1' * 32}") == (
        "Cloudflare's API needs CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN in the environment"
    )


def test_an_emulator_over_a_real_namespace_is_written_to_only_when_agreed(
    start_emulator: StartEmulator, folder: Path
) -> None:
    token = "token-that-nobody-may-see"
    real = start_emulator("--ephemeral", environment={"EMULATOR_API_TOKEN": token})
    access = {
        "CLOUDFLARE_ACCOUNT_ID": ACCOUNT_ID,
        "CLOUDFLARE_API_TOKEN": token,
        "CLOUDFLARE_API_BASE_URL": f"{real.url}/client/v4",
    }
    over_it = start_emulator("--kv", "cloudflare", "--namespace-id", namespace_of("CACHE").id, environment=access)
    seed = ("seed", BASIC, "--to", over_it.url)

    done = run_here(*seed, folder=folder)
    assert done.returncode == 2
    assert done.stderr.endswith("no terminal to ask for permission to write: add --yes\n")
    code, shown = on_a_terminal(folder, *seed, typed="n\n")
    assert (code, real.keys()) == (2, 0)
    assert "Others may use this data." in shown
    code, _ = on_a_terminal(folder, *seed, typed="y\n")
    assert (code, real.keys()) == (0, 8)
    assert run_here(*seed, "--yes", folder=folder).returncode == 0
    assert token not in shown + over_it.log() + done.stdout + done.stderr


def test_a_full_disk_leaves_whole_batches_and_says_so(folder: Path) -> None:
    large = [{"key": f"k{number}", "value": "v" * 1000} for number in range(20_000)]
    (folder / "large.json").write_text(json.dumps(large))
    done = limited("seed large.json --to state.sqlite", blocks=15_000, folder=folder)
    assert done.returncode == 1
    assert re.search(r"^10,000 of 20,000 entries are written to state.sqlite; run the same command", done.stdout, re.M)
    assert done.stderr.startswith("queue-emulator: the state file failed: ")

    again = run_here("seed", "large.json", "--to", "state.sqlite", folder=folder)
    assert (again.returncode, again.stderr) == (0, "")
    assert re.search(
        r"^  unchanged: 10,000 entries that an earlier run wrote; 17 of them were checked$", again.stdout, re.M
    )
    assert run_here("export", "state.sqlite", folder=folder).stdout.count('"key"') == 20_000


def on_a_terminal(
    folder: Path, *arguments: str | Path, typed: str = "", environment: dict[str, str] | None = None
) -> tuple[int, str]:
    """Run the command with standard input and error on a terminal; its exit code and what the terminal showed."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    with subprocess.Popen(
        [COMMAND, *map(str, arguments)],
        cwd=folder,
        env=closed_environment(environment),
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        os.write(ours, typed.encode())
        shown = b""
        with suppress(OSError):  # how a terminal tells that nobody writes to it any more
            while chunk := os.read(ours, 4096):
                shown += chunk
        os.close(ours)
    return process.returncode, shown.decode("utf-8", "replace")


def limited(arguments: str, *, blocks: int, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command where no file may grow over so many KiB, as on a full disk."""
    command = ["bash", "-c", f"ulimit -f {blocks}; exec {COMMAND} {arguments}"]
    return subprocess.run(
        command, cwd=folder, env=closed_environment(), capture_output=True, encoding="utf-8", check=False
    )


def _answer_once(server: socket.socket, answer: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += connection.recv(65_536)
        connection.sendall(answer)
