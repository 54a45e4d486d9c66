"""How it ends: a signal lets running requests finish, keeps nobody waiting, and closes the store."""

import signal
import socket
import time
from pathlib import Path

import pytest

from tests.cli import raw_http
from tests.cli.emulator_process import BASIC, QUEUE, StartEmulator, files_of

pytestmark = pytest.mark.slow

SIGNALS = [signal.SIGTERM, signal.SIGINT]
BODY = b'{"success": true, "output": "finished late"}'


def unfinished(port: int) -> socket.socket:
    """A request that runs: it is on the way to the Worker, and half of its body is still to come."""
    connection = raw_http.connect(port)
    request = raw_http.post(b"/api/result/late", BODY, raw_http.KEY + b"Expect: 100-continue\r\n")
    connection.sendall(request[: -len(BODY)])
    assert connection.recv(1024).startswith(b"HTTP/1.1 100 ")  # so the emulator has the request
    connection.sendall(BODY[:9])
    return connection


def refuses_connections(port: int) -> bool:
    """Whether nobody listens there any more."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionError:
        return True
    return False


@pytest.mark.parametrize("number", SIGNALS)
def test_a_running_request_is_finished(start_emulator: StartEmulator, folder: Path, number: signal.Signals) -> None:
    emulator = start_emulator("--state", "state.sqlite")
    with unfinished(emulator.port) as connection:
        emulator.process.send_signal(number)
        while not refuses_connections(emulator.port):
            assert emulator.process.poll() is None
        connection.sendall(BODY[9:])
        answer = raw_http.read_answer(connection)
        assert (answer.status, answer.body) == (200, b'{"success":true}')
        assert connection.recv(1) == b""
    assert emulator.ended() == 0
    assert "POST /api/result/late 200" in emulator.log()
    assert list(files_of(folder)) == ["state.sqlite"]  # the write-ahead log is folded in
    stored = start_emulator("--state", "state.sqlite").ask("GET", "/api/result/late", headers=QUEUE)
    assert stored.json() == {"success": True, "output": "finished late"}


@pytest.mark.parametrize("number", SIGNALS)
def test_the_state_file_alone_holds_everything(
    start_emulator: StartEmulator, folder: Path, number: signal.Signals
) -> None:
    emulator = start_emulator("--state", "state.sqlite", "--seed", BASIC)
    assert "state.sqlite-wal" in files_of(folder)
    assert emulator.stop(number) == 0
    (folder / "state.sqlite").rename(folder / "moved.sqlite")
    assert list(files_of(folder)) == ["moved.sqlite"]
    assert start_emulator("--state", "moved.sqlite").keys() == 8


def test_idle_connections_do_not_delay_the_end(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--ephemeral")
    with raw_http.connect(emulator.port) as kept_alive, raw_http.connect(emulator.port) as silent:
        kept_alive.sendall(raw_http.get(b"/api/queue"))
        assert raw_http.read_answer(kept_alive).status == 200
        started = time.monotonic()
        assert emulator.stop() == 0
        assert time.monotonic() - started < 9  # not the ten seconds that a request is given
        assert kept_alive.recv(1) == b""
        assert silent.recv(1) == b""


def test_half_a_request_head_does_not_delay_the_end(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--ephemeral")
    with raw_http.connect(emulator.port) as connection:
        connection.sendall(b"GET /api/queue HTTP/1.1\r\nHost:")
        started = time.monotonic()
        assert emulator.stop() == 0
        assert time.monotonic() - started < 9  # not the ten seconds that a request is given


def test_a_request_that_never_ends_is_given_up(start_emulator: StartEmulator, folder: Path) -> None:
    emulator = start_emulator("--state", "state.sqlite")
    with unfinished(emulator.port):
        started = time.monotonic()
        assert emulator.stop() == 0
        assert 9 < time.monotonic() - started < 20  # it is given ten seconds
    assert "Traceback" not in emulator.log()
    assert list(files_of(folder)) == ["state.sqlite"]


def test_a_second_signal_changes_nothing(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--ephemeral")
    with unfinished(emulator.port) as connection:
        for number in (*SIGNALS, *SIGNALS):
            emulator.process.send_signal(number)
        connection.sendall(BODY[9:])
        assert raw_http.read_answer(connection).status == 200
    assert emulator.ended() == 0


def test_nothing_is_left_open(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--state", "state.sqlite", "--seed", BASIC, environment={"PYTHONDEVMODE": "1"})
    assert emulator.ask("GET", "/api/queue", headers=QUEUE).status_code == 200
    assert emulator.stop() == 0
    (line,) = emulator.log().splitlines()
    assert line.startswith("GET /api/queue 200 ")
