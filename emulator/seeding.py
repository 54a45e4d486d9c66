"""Loading bulk-put files: everything is checked first, then all of it is written, or nothing."""

import asyncio
import http.client
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tqdm import tqdm

from emulator.core.bulk import BulkData, parse_bulk
from emulator.core.clock import Clock, SystemClock
from emulator.core.errors import BulkDataError, SettingsError
from emulator.kv.service import KVService
from emulator.kv.sqlite import SqliteStore

_SEED_PATH = "/cdn-cgi/emulator/seed"
_TIMEOUT_S = 60
_CHUNK_BYTES = 262_144


def read_bulk_files(paths: Sequence[Path], now_ms: int) -> list[BulkData]:
    """Check every file as a whole; raises BulkDataError naming the file, before anything is written."""
    return [_read(path, now_ms) for path in paths]


def seed_state(paths: Sequence[Path], state: Path) -> None:
    """Load files into a state file that no emulator has open, creating it if need be."""
    clock = SystemClock()
    data = read_bulk_files(paths, clock.now_ms())
    asyncio.run(_load(data, state, clock))
    _report(paths, data, str(state))


def seed_url(paths: Sequence[Path], url: str) -> None:
    """Load files into a running emulator: one request, so all of it or nothing."""
    data = read_bulk_files(paths, SystemClock().now_ms())
    entries = [entry for path in paths for entry in json.loads(path.read_bytes())]
    _post(url, json.dumps(entries).encode())
    _report(paths, data, url)


async def _load(data: Sequence[BulkData], state: Path, clock: Clock) -> None:
    service = KVService(await SqliteStore.open(state), clock=clock)
    try:
        await service.load("seed", [request for each in data for request in each.requests])
    finally:
        await service.close()


def _read(path: Path, now_ms: int) -> BulkData:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BulkDataError(f"cannot read {path}: {error.strerror or error}") from None
    try:
        with tqdm(desc=f"checking {path.name}", unit=" keys", leave=False, disable=None) as bar:
            return parse_bulk(content, now_ms, checked=bar.update)
    except BulkDataError as error:
        raise BulkDataError(f"{path}: {error}") from None


def _post(url: str, content: bytes) -> None:
    connection = _connect(url)
    try:
        headers = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        connection.request("POST", _SEED_PATH, body=_chunks(content), headers=headers)
        response = connection.getresponse()
        status, answer = response.status, response.read()
    except (OSError, http.client.HTTPException) as error:
        raise SettingsError(f"no emulator answers at {url}: {error}; start one with: queue-emulator serve") from None
    finally:
        connection.close()
    if status != 200:
        raise BulkDataError(f"{url} refused: {_explanation(status, answer)}")


def _connect(url: str) -> http.client.HTTPConnection:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise SettingsError(f"not the URL of an emulator, as http://127.0.0.1:8787: {url}")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname, port, timeout=_TIMEOUT_S)


def _chunks(content: bytes) -> Iterator[bytes]:
    with tqdm(desc="sending", total=len(content), unit="B", unit_scale=True, leave=False, disable=None) as bar:
        for start in range(0, len(content), _CHUNK_BYTES):
            chunk = content[start : start + _CHUNK_BYTES]
            yield chunk
            bar.update(len(chunk))


def _explanation(status: int, answer: bytes) -> str:
    try:
        return str(json.loads(answer)["error"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {status}; is it a queue-emulator?"


def _report(paths: Sequence[Path], data: Sequence[BulkData], target: str) -> None:
    for path, each in zip(paths, data, strict=True):
        print(f"{path}: {len(each.requests)} keys written to {target}")
        for name, count in each.unknown_fields.items():
            print(f"{path}: warning: unknown field {name!r} in {count} entries was ignored")
