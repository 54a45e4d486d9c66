"""Connections that fail below the application: nothing that they carried is ever shown."""

import socket
from urllib.parse import urlsplit

import pytest

from tests.cli.emulator_process import StartEmulator

pytestmark = pytest.mark.slow

_SECRET = "a-key-that-must-not-be-shown"


def test_a_failing_upgrade_is_one_line_in_the_log_without_the_key_it_carried(
    start_emulator: StartEmulator,
) -> None:
    emulator = start_emulator("--ephemeral")
    server = urlsplit(emulator.url)
    request = (
        f"GET /api/queue HTTP/1.1\r\nHost: x\r\nX-API-Key: {_SECRET}\r\n"
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n"
    )
    with socket.create_connection((server.hostname, server.port), timeout=30) as connection:
        connection.sendall(request.encode())
        while connection.recv(65_536):
            pass
    assert emulator.ask("GET", "/cdn-cgi/emulator/status").status_code == 200
    emulator.stop()
    assert "a connection failed: " in emulator.log()
    assert (_SECRET in emulator.log(), "Traceback" in emulator.log()) == (False, False)
