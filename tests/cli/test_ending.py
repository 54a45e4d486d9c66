"""How it ends: a signal lets running requests finish, keeps nobody waiting, and closes the store."""

import signal
import socket
from contextlib import ExitStack
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


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side closes it, with what was sent unread or not."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.real_start
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


def test_idle_connections_are_not_waited_for(start_emulator: StartEmulator) -> None:
    """The one whose request runs is: it is still waited for when all others are closed."""
    emulator = start_emulator("--ephemeral")
    idle = {
        "kept alive": raw_http.get(b"/api/queue"),
        "silent": b"",
        "half a head": b"GET /api/queue HTTP/1.1\r\nHost:",
    }
    with ExitStack() as stack:
        connections = [stack.enter_context(raw_http.connect(emulator.port)) for _ in idle]
        for connection, sent in zip(connections, idle.values(), strict=True):
            connection.sendall(sent)
        assert raw_http.read_answer(connections[0]).status == 200
        running = stack.enter_context(unfinished(emulator.port))
        emulator.process.send_signal(signal.SIGTERM)
        for name, connection in zip(idle, connections, strict=True):
            assert is_closed(connection), name
        assert emulator.process.poll() is None, "the request that runs has its time"
        running.sendall(BODY[9:])
        assert raw_http.read_answer(running).status == 200
    assert emulator.ended() == 0


def test_a_request_that_never_ends_is_given_up(start_emulator: StartEmulator, folder: Path) -> None:
    emulator = start_emulator("--state", "state.sqlite")
    with unfinished(emulator.port) as connection:
        assert emulator.stop() == 0
        assert is_closed(connection)
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
