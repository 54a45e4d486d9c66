"""File descriptors: a connection ends with its client, and where none is left nobody is kept out."""

import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cli.emulator_process import WAIT_S_MAX
from tests.soak import clients
from tests.soak.clients import CLIENTS, Face, connect
from tests.soak.soaking import LIMIT, Running, emulator

pytestmark = pytest.mark.slow

_MANY_EACH = 400
_LOOKS = 5
_LINE = f"all {LIMIT} file descriptors that this process may have are in use"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with emulator(tmp_path_factory.mktemp("descriptors")) as it:
        yield it


def descriptors(running: Running, most: int = 0) -> int:
    """Open files of the emulator, once they are `most` or fewer, or no longer change over some requests."""
    seen: list[int] = []
    while len(seen) < _LOOKS or len(set(seen[-_LOOKS:])) > 1:
        seen.append(sum(1 for _ in Path(f"/proc/{running.pid}/fd").iterdir()))
        if seen[-1] <= most:
            break
        for _ in range(10):
            assert clients.short(running.port, running.faces[0]) == 200
    return seen[-1]


def test_over_a_thousand_connections_are_answered_under_a_limit_of_256_files(running: Running) -> None:
    faces = [each for each in running.faces if each.name in ("worker", "controls", "REST")]
    assert clients.sends_a_body(running.port, faces[2]) == 200  # so there is what is read
    assert {clients.short(running.port, face) for face in faces * _MANY_EACH} == {200}
    assert _LINE not in running.log.read_text()


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.__name__)
def test_a_connection_ends_when_its_client_has_closed_it(
    running: Running, client: Callable[[int, Face], int | None]
) -> None:
    before = descriptors(running)
    for face in [*running.faces] * 5:
        client(running.port, face)
    assert descriptors(running, before) <= before


def test_the_limit_of_open_files_is_raised_to_the_hard_one(running: Running) -> None:
    line = next(
        line
        for line in Path(f"/proc/{running.pid}/limits").read_text().splitlines()
        if line.startswith("Max open files")
    )
    assert line.split()[3:5] == [str(LIMIT)] * 2
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] > LIMIT  # so it was this process's own that was raised


def test_more_silent_clients_than_there_are_descriptors_keep_nobody_out(tmp_path: Path) -> None:
    with emulator(tmp_path) as running, ExitStack() as stack:
        silent = [stack.enter_context(connect(running.port)) for _ in range(2 * LIMIT)]
        silent[0].sendall(b"GET / HTTP/1.1\r\nHo")  # and one that sends a header a minute
        assert [clients.short(running.port, running.faces[0]) for _ in range(20)] == [200] * 20
        assert closed(silent[0])
        assert not closed(silent[-1])
        assert running.log.read_text().count(_LINE) == 1


def test_who_is_busy_is_not_closed_to_make_room_for_others(tmp_path: Path) -> None:
    with emulator(tmp_path) as running, ExitStack() as stack:
        busy = stack.enter_context(connect(running.port))
        busy.sendall(running.faces[0].send[:-1])
        for _ in range(2 * LIMIT):
            stack.enter_context(connect(running.port))
        assert clients.short(running.port, running.faces[0]) == 200
        busy.sendall(running.faces[0].send[-1:])
        assert clients.answered(busy) == 200


def test_a_client_that_keeps_its_connection_keeps_it_while_there_are_others(running: Running) -> None:
    with connect(running.port) as kept:
        for _ in range(3):
            kept.sendall(running.faces[0].ask)
            assert clients.answered(kept) == 200
            assert [clients.short(running.port, each) for each in running.faces]
        assert not closed(kept)


def closed(connection: socket.socket) -> bool:
    """Whether the other side has ended it."""
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    finally:
        connection.settimeout(WAIT_S_MAX)
