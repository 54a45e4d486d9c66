"""Speaking to a running emulator's control surface, for the commands that need one."""

import http.client
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from emulator.core.errors import RemoteError, SettingsError
from emulator.core.surface import CONTROL_BODY_BYTES_MAX, CONTROL_PREFIX

_TIMEOUT_S = 60


class BrokenOffError(RemoteError):
    """The connection ended before the answer: whether it was done is not known."""

    definite = False


def ask(url: str, method: str, path: str, *, body: Iterable[bytes] = (), size_bytes: int = 0) -> Any:
    """The JSON that the control at `path` answers; raises SettingsError or RemoteError in one line."""
    if size_bytes > CONTROL_BODY_BYTES_MAX:
        raise RemoteError(f"{size_bytes} bytes in one request are too many: an emulator takes {CONTROL_BODY_BYTES_MAX}")
    connection = _connect(url)
    headers = {"Content-Type": "application/json", "Content-Length": str(size_bytes)} if size_bytes else {}
    try:
        try:
            connection.connect()
        except (OSError, UnicodeError) as error:
            raise SettingsError(
                f"no emulator answers at {url}: {error}; start one with: queue-emulator serve"
            ) from None
        if size_bytes:
            connection.sock.settimeout(None)  # a large seed takes its time
        connection.request(method, CONTROL_PREFIX + path, body=body if size_bytes else None, headers=headers)
        response = connection.getresponse()
        status, content = response.status, response.read()
    except (OSError, http.client.IncompleteRead) as error:
        raise BrokenOffError(f"{url} broke off before it answered: {error}; is it a queue-emulator?") from None
    except http.client.HTTPException:
        raise RemoteError(f"{url} does not answer as a queue-emulator does") from None
    finally:
        connection.close()
    answer = _json(content)
    if status != 200:
        why = answer.get("error") if isinstance(answer, dict) else None
        raise RemoteError(f"{url} refused: {why or f'HTTP {status}; is it a queue-emulator?'}")
    if not isinstance(answer, dict):
        raise RemoteError(f"{url} does not answer as a queue-emulator does")
    return answer


def host_of(url: str) -> str:
    """The host that a URL names; raises SettingsError for what is no URL of an emulator."""
    return _connect(url).host


def _connect(url: str) -> http.client.HTTPConnection:
    kinds: dict[str, type[http.client.HTTPConnection]] = {
        "http": http.client.HTTPConnection,
        "https": http.client.HTTPSConnection,
    }
    try:
        parts = urlsplit(url)
        if parts.scheme in kinds and parts.hostname and parts.path in ("", "/"):
            return kinds[parts.scheme](parts.hostname, parts.port, timeout=_TIMEOUT_S)
    except (ValueError, http.client.InvalidURL):
        pass
    raise SettingsError(f"not the URL of an emulator, as http://127.0.0.1:8787: {url}")


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
