"""Loading bulk-put files: everything is checked first, then all of it is written, or nothing."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from emulator.core.bulk import BulkData, parse_bulk
from emulator.core.clock import Clock, SystemClock
from emulator.core.errors import BulkDataError, RemoteError
from emulator.kv.service import KVService
from emulator.kv.sqlite import SqliteStore
from emulator.remote_control import ask

_CHUNK_BYTES = 262_144


def read_bulk_files(paths: Sequence[Path], now_ms: int) -> list[BulkData]:
    """Check every file as a whole; raises BulkDataError naming the file, before anything is written."""
    return [_check(path, _content(path), now_ms) for path in paths]


def seed_state(paths: Sequence[Path], state: Path) -> None:
    """Load files into a state file that no emulator has open, creating it if need be."""
    clock = SystemClock()
    data = read_bulk_files(paths, clock.now_ms())
    asyncio.run(_load(data, state, clock))
    _report(paths, data, str(state))


def seed_url(paths: Sequence[Path], url: str) -> None:
    """Load files into a running emulator: one request, so all of it or nothing."""
    now_ms = SystemClock().now_ms()
    contents = [_content(path) for path in paths]  # read once: a pipe gives its content only once
    data = [_check(path, content, now_ms) for path, content in zip(paths, contents, strict=True)]
    content = _joined(contents)
    answer = ask(url, "POST", "/seed", body=_chunks(content), size_bytes=len(content))
    if answer.get("written") != sum(len(each.requests) for each in data):
        raise RemoteError(f"{url} does not answer as a queue-emulator does")
    _report(paths, data, url)


async def _load(data: Sequence[BulkData], state: Path, clock: Clock) -> None:
    service = KVService(await SqliteStore.open(state), clock=clock)
    try:
        await service.load("seed", [request for each in data for request in each.requests])
    finally:
        await service.close()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BulkDataError(f"cannot read {path}: {error.strerror or error}") from None


def _joined(contents: Sequence[bytes]) -> bytes:
    """One JSON array of all that is in several; the entries stay as they were written."""
    members = (content.decode("utf-8-sig").strip()[1:-1] for content in contents)
    return f"[{','.join(each for each in members if each.strip())}]".encode()


def _check(path: Path, content: bytes, now_ms: int) -> BulkData:
    try:
        with tqdm(desc=f"checking {path.name}", unit=" keys", leave=False, disable=None) as bar:
            return parse_bulk(content, now_ms, checked=bar.update)
    except BulkDataError as error:
        raise BulkDataError(f"{path}: {error}") from None


def _chunks(content: bytes) -> Iterator[bytes]:
    with tqdm(desc="sending", total=len(content), unit="B", unit_scale=True, leave=False, disable=None) as bar:
        for start in range(0, len(content), _CHUNK_BYTES):
            chunk = content[start : start + _CHUNK_BYTES]
            yield chunk
            bar.update(len(chunk))


def _report(paths: Sequence[Path], data: Sequence[BulkData], target: str) -> None:
    for path, each in zip(paths, data, strict=True):
        print(f"{path}: {len(each.requests)} keys written to {target}")
        for name, count in each.unknown_fields.items():
            print(f"{path}: warning: unknown field {name!r} in {count} entries was ignored")
