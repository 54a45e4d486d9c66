"""Thirty lives of an emulator over one state file each ten: nothing that was acknowledged is lost."""

import asyncio
import gc
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from queue_emulator.kv.checksums import of_entry
from tests.machine.__main__ import report
from tests.machine.history import Finding
from tests.machine.running import Machine

pytestmark = pytest.mark.slow
ROUNDS = 10


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """What is left is found here, and not while another test runs."""
    yield
    gc.collect()


@pytest.mark.parametrize("seed", range(3))
def test_whatever_was_acknowledged_on_any_face_is_there_after_a_kill_or_an_end(seed: int) -> None:
    with TemporaryDirectory(prefix="machine-") as folder:  # short: a Unix socket lies in it
        machine = Machine(Path(folder), random.Random(seed), workerd=None, now_ms=int(time.time() * 1000))
        asyncio.run(machine.run(ROUNDS))
        assert machine.rounds == ROUNDS
        assert machine.counts.acknowledged > 10 * ROUNDS
        assert not machine.faults, report(machine)


def test_the_machine_sees_a_write_that_is_gone_and_one_that_nobody_made() -> None:
    with TemporaryDirectory(prefix="machine-") as folder:
        machine = Machine(Path(folder), random.Random(3), workerd=None, now_ms=int(time.time() * 1000))
        asyncio.run(machine.run(1))
        asyncio.run(machine.seed_file())
        assert not machine.faults, report(machine)
        with closing(sqlite3.connect(Path(folder) / "state.sqlite")) as file, file:
            file.create_function("summed", 6, of_entry)
            summed = "summed(namespace, key, written_ms, expiration_s, metadata, ?1)"
            file.execute(f"UPDATE entry SET value = ?1, checksum = {summed} WHERE key = ?2", (b"foreign", b"twin:1"))
            file.execute("DELETE FROM entry WHERE key = ?", (b"twin:2",))
        asyncio.run(machine.run(0))
    assert {fault.finding for _, fault in machine.faults} == {Finding.LOST, Finding.FOREIGN, Finding.TORN}
