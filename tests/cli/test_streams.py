"""Standard streams that are closed, full, or no longer read: one line or none, never a traceback."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.emulator_process import BASIC, COMMAND, WAIT_S_MAX, closed_environment

pytestmark = pytest.mark.slow

_FULL = "queue-emulator: the output could not be written completely: No space left on device\n"
_CLOSED = "queue-emulator: nowhere to write: standard output is closed\n"


def shell(script: str, folder: Path) -> tuple[int, str]:
    """Exit code and standard error of a script in which $Q is the command and $B a file to seed."""
    environment = closed_environment({"Q": COMMAND, "B": str(BASIC)})
    command = ["bash", "-c", script]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=WAIT_S_MAX, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        ('"$Q" serve --port 0 --ephemeral > /dev/full', 2, _FULL),
        ('"$Q" generate old-format > /dev/full', 2, _FULL),
        ('"$Q" seed "$B" --to a.sqlite > /dev/full', 2, _FULL),
        ('"$Q" verify --from "$B" --before "$B" > /dev/full', 2, _FULL),
        ('"$Q" generate old-format >&-', 2, _CLOSED),
        ('"$Q" export "$B" >&-', 2, _CLOSED),
        ('"$Q" seed - --to a.sqlite <&-', 2, "queue-emulator: nothing to read: standard input is closed\n"),
        ('"$Q" serve --port 0 --ephemeral | true; exit ${PIPESTATUS[0]}', 1, ""),
        ('"$Q" seed "$B" --to a.sqlite | true; exit ${PIPESTATUS[0]}', 1, ""),
    ],
)
def test_a_stream_that_cannot_be_used_is_said_in_one_line(folder: Path, script: str, code: int, said: str) -> None:
    assert shell(script, folder) == (code, said)


def test_a_seed_without_standard_output_writes_all_the_same(folder: Path) -> None:
    assert shell('"$Q" seed "$B" --to a.sqlite >&-', folder) == (0, "")
    assert shell('"$Q" export a.sqlite > out.json', folder) == (0, "8 entries read from a.sqlite\n")


def test_a_name_that_is_no_text_is_shown_escaped(folder: Path) -> None:
    assert shell('"$Q" seed "$B" --to "$(printf "state:a\\377.sqlite")" > out', folder) == (0, "")
    assert (folder / "out").read_text().splitlines()[-1] == "8 keys written to a\\udcff.sqlite"


@contextmanager
def mute_server() -> Iterator[tuple[str, socket.socket]]:
    """A URL where somebody accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(WAIT_S_MAX)
        yield f"http://127.0.0.1:{server.getsockname()[1]}", server


def test_an_emulator_that_never_answers_can_be_left(folder: Path) -> None:
    with mute_server() as (url, server):
        process = subprocess.Popen(
            [COMMAND, "seed", str(BASIC), "--to", url],
            cwd=folder,
            env=closed_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        connection, _ = server.accept()
        with connection:
            assert connection.recv(1)
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=WAIT_S_MAX) == ("", "")
    assert process.returncode == 130
