"""What a page of a list costs among a thousand and among a million keys.

The emulator's binding is asked in this process, as the Python Worker asks it; the others by a Worker in their runtime.
No two pages are the same, so that none is answered from memory.
"""

import asyncio
import base64
import json
import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from queue_emulator.core.clock import SystemClock
from queue_emulator.core.entries import Entry
from queue_emulator.core.profiles import LOCAL
from queue_emulator.kv.binding import Binding
from queue_emulator.kv.operation import Invocation
from queue_emulator.kv.service import KVService
from queue_emulator.kv.sqlite import SqliteStore
from tests.bench.compare.client import ask_once, request, timed
from tests.bench.compare.data import TASKS, task_id
from tests.bench.compare.samples import Measured, Samples
from tests.bench.compare.taking import in_turns
from tests.bench.compare.targets import MINIFLARE, Running, Target, state_file

_PAGE = 1_000
_PAGES_AT_ONCE = 20
_FILLED_AT_ONCE = 20_000
_WRITTEN_MS = 1_795_435_200_000
_VALUE = b"x" * 400

Asked = dict[str, Any]
PagesMs = Callable[[Sequence[Asked]], float]
"""How long the pages took, one after the other."""


def pages_of(keys: int) -> str:
    return f"page of a list of {keys:,} keys"


def take_pages(targets: Sequence[Target], sizes: Sequence[int], rounds: int, folder: Path) -> list[Measured]:
    """Milliseconds a page, of each size."""
    picked = random.Random(7)
    with ExitStack() as stack:
        asked: dict[str, tuple[int, PagesMs]] = {}
        for target in targets:
            for size in sizes:
                name = f"{target.name} {size}"
                asked[name] = size, stack.enter_context(_filled(target, size, folder / name.replace(" ", "-")))

        def turn(name: str) -> float:
            size, pages_ms = asked[name]
            return pages_ms(_pages(size, picked)) / _PAGES_AT_ONCE

        taken = in_turns(list(asked), rounds, turn)
    return [
        Measured(pages_of(size), {each.name: Samples(taken[f"{each.name} {size}"], "ms") for each in targets})
        for size in sizes
    ]


def _pages(size: int, picked: random.Random) -> list[Asked]:
    """Whole pages from anywhere in the list; the cursor of profile `local` and of miniflare is a key."""
    if size <= _PAGE:
        starts = [f"{TASKS}!{picked.random()}" for _ in range(_PAGES_AT_ONCE)]  # before the first key of all
    else:
        starts = [TASKS + task_id(picked.randrange(size - _PAGE)) for _ in range(_PAGES_AT_ONCE)]
    cursors = (base64.b64encode(start.encode()).decode() for start in starts)
    return [{"prefix": TASKS, "limit": _PAGE, "cursor": cursor} for cursor in cursors]


@contextmanager
def _filled(target: Target, size: int, folder: Path) -> Iterator[PagesMs]:
    if target.name == MINIFLARE:
        _fill_miniflare(target, size, folder)
    else:
        asyncio.run(_fill(state_file(folder), size))
    if target.start_side is None:
        with asyncio.Runner() as runner:
            store = runner.run(SqliteStore.open(state_file(folder)))
            service = KVService(store, clock=SystemClock(), profile=LOCAL)
            yield lambda pages: timed(lambda: runner.run(_listed(service, pages)))[1].elapsed_ns / 1e6
            runner.run(store.close())
    else:
        running = target.start_side(folder)
        try:
            yield lambda pages: _listed_inside(running, pages)
        finally:
            running.stop()


async def _listed(service: KVService, pages: Sequence[Asked]) -> None:
    binding = Binding(service, "SJC", Invocation(None))
    for each in pages:
        _check(len((await binding.list(**each)).keys))


def _listed_inside(running: Running, pages: Sequence[Asked]) -> float:
    assert running.side is not None
    answer = json.loads(ask_once(running.side, request("POST", "/pages", json.dumps(pages).encode())).body)
    _check(answer["keys"] // len(pages))
    return float(answer["elapsed_ms"])


def _check(keys: int) -> None:
    assert keys == _PAGE, f"a page had {keys} keys"


async def _fill(path: Path, size: int) -> None:
    """An emulator's state file, written by its store: through the running emulator it would take minutes."""
    store = await SqliteStore.open(path)
    for first in range(0, size, _FILLED_AT_ONCE):
        numbers = range(first, min(first + _FILLED_AT_ONCE, size))
        await store.write([Entry(_key(each).encode(), _VALUE, each + 1, _WRITTEN_MS) for each in numbers])
    await store.close()


def _fill_miniflare(target: Target, size: int, folder: Path) -> None:
    """Rows in the database that miniflare made; its lists read no values, so all can share one."""
    assert target.start_side is not None
    running = target.start_side(folder)
    running.load(json.dumps([{"key": _key(0), "value": _VALUE.decode()}]).encode())
    running.stop()
    for path in folder.rglob("*.sqlite"):
        with closing(sqlite3.connect(path)) as database:
            made = database.execute("SELECT count(*) FROM sqlite_master WHERE name = '_mf_entries'").fetchone()
            if made[0]:
                ((blob,),) = database.execute("SELECT blob_id FROM _mf_entries")
                rows = ((_key(each), blob) for each in range(1, size))
                database.executemany("INSERT INTO _mf_entries (key, blob_id) VALUES (?, ?)", rows)
                database.commit()


def _key(number: int) -> str:
    return TASKS + task_id(number)
