"""A state file that several processes begin to use at once: what is in the way of whom."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from queue_emulator.core.entries import Entry
from queue_emulator.kv.state_file import StateFile
from tests.kv.opening import opened

pytestmark = pytest.mark.anyio

ELSEWHERE = """
import asyncio, fcntl, os, sys
held = os.open(sys.argv[1], os.O_RDONLY)
fcntl.flock(held, fcntl.LOCK_EX)
sys.platform = "darwin"
from pathlib import Path
from queue_emulator.kv.sqlite import SqliteCatalogue

async def look():
    catalogue = await SqliteCatalogue.open(Path(sys.argv[1]))
    await catalogue.close()

asyncio.run(look())
print("opened")
"""


async def test_outside_linux_no_lock_is_taken_that_would_be_in_the_way_of_sqlites_own(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    async with opened(path) as store:
        await store.write([Entry(b"a", b"v", 1, 0)])
    other = subprocess.run([sys.executable, "-c", ELSEWHERE, str(path)], capture_output=True, text=True, check=False)  # noqa: ASYNC221
    assert (other.stdout, other.stderr) == ("opened\n", "")


def test_a_file_that_grows_while_it_is_opened_is_read_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    path.write_bytes(b"S" * 10)
    state = StateFile.open(path)
    try:
        path.write_bytes(b"S" * 200)
        assert state.header(100) == b"S" * 100
    finally:
        state.close()


def test_of_those_who_make_a_file_at_once_none_is_told_that_it_exists(tmp_path: Path) -> None:
    for number in range(20):
        start = Barrier(8)

        def make(path: Path, start: Barrier = start) -> StateFile:
            start.wait()
            return StateFile.open(path)

        with ThreadPoolExecutor(8) as threads:
            for state in list(threads.map(make, [tmp_path / f"{number}.sqlite"] * 8)):
                state.close()
