"""Speaking to a running emulator's control surface, for the commands that need one."""

import http.client
import json
import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from queue_emulator.core.addresses import without_password
from queue_emulator.core.errors import RemoteError, SettingsError
from queue_emulator.core.surface import CONTROL_BODY_BYTES_MAX, CONTROL_PREFIX

_CONNECT_S = 10
_SILENCE_S = 60
_SEED_SILENCE_S = 600  # a large seed takes its time, and until then nothing is heard of it


class BrokenOffError(RemoteError):
    """The connection ended before the answer: whether it was done is not known."""

    definite = False


class RemoteControl:
    """The control surface at one URL; raises SettingsError for what is no URL of an emulator."""

    def __init__(self, url: str) -> None:
        self.host = _connection(url).host
        self._url = url
        self._broken_off = False
        self._asking: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, *, body: Iterable[bytes] = (), size_bytes: int = 0) -> Any:
        """The JSON that the control at `path` answers; raises SettingsError or RemoteError in one line."""
        if size_bytes > CONTROL_BODY_BYTES_MAX:
            most = f"an emulator takes {CONTROL_BODY_BYTES_MAX}"
            raise RemoteError(f"{size_bytes} bytes in one request are too many: {most}")
        status, answer = self._exchange(method, CONTROL_PREFIX + path, body, size_bytes)
        if status != 200:
            why = answer.get("error") if isinstance(answer, dict) else None
            raise RemoteError(f"{self._url} refused: {why or f'HTTP {status}; is it a queue-emulator?'}")
        if not isinstance(answer, dict):
            raise RemoteError(f"{self._url} does not answer as a queue-emulator does")
        return answer

    def break_off(self) -> None:
        """End what another thread asks: it hears BrokenOffError."""
        self._broken_off = True
        sock = self._asking.sock if self._asking else None
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _exchange(self, method: str, path: str, body: Iterable[bytes], size_bytes: int) -> tuple[int, Any]:
        self._asking = connection = _connection(self._url)
        headers = {"Content-Type": "application/json", "Content-Length": str(size_bytes)} if size_bytes else {}
        try:
            try:
                connection.connect()
            except (OSError, UnicodeError) as error:
                raise SettingsError(
                    f"no emulator answers at {self._url}: {error}; start one with: queue-emulator serve"
                ) from None
            if self._broken_off:
                raise BrokenOffError(f"{self._url} is asked no more")
            connection.sock.settimeout(_SEED_SILENCE_S if size_bytes else _SILENCE_S)
            connection.request(method, path, body=body if size_bytes else None, headers=headers)
            response = connection.getresponse()
            return response.status, _json(response.read())
        except (OSError, http.client.IncompleteRead) as error:
            raise BrokenOffError(
                f"{self._url} broke off before it answered: {error}; is it a queue-emulator?"
            ) from None
        except http.client.HTTPException:
            raise RemoteError(f"{self._url} does not answer as a queue-emulator does") from None
        finally:
            self._asking = None
            connection.close()


def _connection(url: str) -> http.client.HTTPConnection:
    kinds: dict[str, type[http.client.HTTPConnection]] = {
        "http": http.client.HTTPConnection,
        "https": http.client.HTTPSConnection,
    }
    try:
        parts = urlsplit(url)
        plain = parts.path in ("", "/") and not (parts.username or parts.password or parts.query or parts.fragment)
        if parts.scheme in kinds and parts.hostname and plain:
            return kinds[parts.scheme](parts.hostname, parts.port, timeout=_CONNECT_S)
    except (ValueError, http.client.InvalidURL):
        pass
    raise SettingsError(f"not the URL of an emulator, as http://127.0.0.1:8787: {without_password(url)}")


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
