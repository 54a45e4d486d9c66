"""The log of a state file with bytes that nobody wrote: no write is lost without a word, and a kill is no damage."""

import asyncio
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_emulator.core.entries import Entry
from queue_emulator.core.errors import StateError
from tests.kv.damage import CHANGES, GENERATED
from tests.kv.opening import opened

pytestmark = pytest.mark.slow

KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from queue_emulator.core.entries import Entry
from queue_emulator.kv.sqlite import SqliteStore

async def write():
    store = await SqliteStore.open(Path(sys.argv[1]))
    for number in range(1, 41):
        await store.write([Entry(b"task:%03d" % number, b"value", number, 5)])
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(write())
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state file whose last writes are in its log alone."""
    path = tmp_path_factory.mktemp("killed") / "state.sqlite"
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    return path


async def counted(path: Path) -> int:
    async with opened(path) as store:
        return sum(each is not None for each in await store.read([b"task:%03d" % number for number in range(1, 41)]))


def test_no_write_is_lost_silently_with_a_damaged_log(killed: Path, tmp_path: Path, tried: Counter[str]) -> None:
    log = Path(f"{killed}-wal").read_bytes()
    path = tmp_path / "state.sqlite"

    @GENERATED
    @given(at=st.integers(0, 60) | st.integers(0, len(log) - 1), kind=st.sampled_from([*CHANGES]))
    def attack(at: int, kind: str) -> None:
        shutil.copy(killed, path)
        end = min(at + 4096, len(log))
        Path(f"{path}-wal").write_bytes(log[:at] + CHANGES[kind](log[at:end])[: end - at] + log[end:])
        try:
            assert asyncio.run(counted(path)) == 40
            tried["as it was"] += 1
        except StateError as error:
            assert "-wal is damaged: the last writes in it cannot be read" in str(error)
            tried["told"] += 1

    attack()
    assert tried["told"] > 12


@pytest.mark.anyio
async def test_what_came_before_the_damage_can_be_kept(killed: Path, tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    shutil.copy(killed, path)
    shutil.copy(f"{killed}-wal", f"{path}-wal")
    with Path(f"{path}-wal").open("r+b") as log:  # noqa: ASYNC230
        log.seek(log.seek(0, 2) // 2)
        log.write(b"\xff" * 9)
    with pytest.raises(StateError, match="PRAGMA wal_checkpoint"):
        await counted(path)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert 10 < await counted(path) < 40


@pytest.mark.anyio
async def test_a_log_that_a_killed_emulator_leaves_is_whole(killed: Path, tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    shutil.copy(killed, path)
    shutil.copy(f"{killed}-wal", f"{path}-wal")
    assert await counted(path) == 40


@pytest.mark.anyio
async def test_a_last_frame_that_was_being_written_over_an_older_log_is_no_damage(killed: Path, tmp_path: Path) -> None:
    """Killed between the two pieces of which a frame is written: nobody was told that it is there."""
    path = tmp_path / "state.sqlite"
    shutil.copy(killed, path)
    shutil.copy(f"{killed}-wal", f"{path}-wal")
    with Path(f"{path}-wal").open("r+b") as log:  # noqa: ASYNC230
        frames = (log.seek(0, 2) - 32) // (24 + 4096)
        log.seek(32 + (frames - 2) * (24 + 4096) + 24)
        log.write(b"\0" * 4096)  # the page of the frame before the last
        log.write(b"\0" * 24)  # and the last is of an older log
    assert 30 < await counted(path) < 40


def log_of(path: Path, content: bytes | None = None) -> bytes:
    """What it is, or is made."""
    log = Path(f"{path}-wal")
    if content is not None:
        log.write_bytes(content)
    return log.read_bytes()


@pytest.fixture
async def anew(tmp_path: Path) -> tuple[Path, bytes, bytes]:
    """A state file whose log has just begun anew, as it is on the disk; the log before that, and after one write."""
    path, copy = tmp_path / "running.sqlite", tmp_path / "state.sqlite"
    async with opened(path) as store:
        await store.write([Entry(b"task:%03d" % number, b"value", number, 5) for number in range(1, 41)])
        for number in range(41, 46):
            await store.write([Entry(b"other:%03d" % number, b"value", number, 5)])
        await store._file.ask("PRAGMA wal_checkpoint", ())
        older = log_of(path)
        await store.write([Entry(b"task:041", b"value", 46, 5)])
        shutil.copy(path, copy)
        return copy, older, log_of(path)


@pytest.mark.anyio
async def test_a_write_that_a_kill_interrupts_is_no_damage(anew: tuple[Path, bytes, bytes]) -> None:
    """The last frame's header is written and its page is not: behind it stands what an older log has left there."""
    path, older, log = anew
    page = len(log) - 4096
    assert len(older) > len(log) + 4096, "what is older than the write was cut off"
    log_of(path, log[:page] + older[page:])
    assert await counted(path) == 40


@pytest.mark.anyio
async def test_the_last_write_is_not_lost_silently_where_a_log_began_anew(anew: tuple[Path, bytes, bytes]) -> None:
    path, older, log = anew
    page = len(log) - 4096
    log_of(path, log[:page] + older[page : len(log)])
    with pytest.raises(StateError, match="-wal is damaged"):
        await counted(path)


RUNNING = KILLED.replace(
    "os.kill(os.getpid(), signal.SIGKILL)", "print('written', flush=True); await asyncio.sleep(60)"
)


def test_a_log_to_which_another_process_writes_is_not_called_damaged(tmp_path: Path) -> None:
    """Who reads it meanwhile sees the beginning of one log and the end of another."""
    path = tmp_path / "state.sqlite"
    with subprocess.Popen([sys.executable, "-c", RUNNING, str(path)], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"written\n"
        log = log_of(path)
        try:
            log_of(path, log[:9000] + b"\xff" * 99 + log[9099:])
            with pytest.raises(StateError, match="is in use by another process"):
                asyncio.run(counted(path))
        finally:
            running.kill()
    with pytest.raises(StateError, match="-wal is damaged"):
        asyncio.run(counted(path))
