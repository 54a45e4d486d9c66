"""Whatever is done to both stores, they give the same answers."""

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from queue_emulator.core.entries import Entry
from queue_emulator.kv.sqlite import SqliteStore
from queue_emulator.kv.store import MemoryStore

Answer = TypeVar("Answer")

KEYS = st.sampled_from([b"", b"\0", b"a", b"a\0", b"ab", b"b", "é".encode(), b"\xff", b"\xff\xff"])
TIMES_S = st.integers(0, 5)
TIMES_MS = st.integers(0, 5_500)
VALUES = st.tuples(st.binary(max_size=3), st.none() | TIMES_S, st.none() | st.just('{"m":1}'))


class StoresAgree(RuleBasedStateMachine):
    """Does the same to a MemoryStore and a SqliteStore, and compares."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "state.sqlite"
        self.loop = asyncio.Runner()
        self.memory = MemoryStore()
        self.sqlite = self.run(SqliteStore.open(self.path))
        self.version = 0

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return self.loop.run(work)

    def entry(self, key: bytes, written_ms: int, value: bytes | None, *rest: Any) -> Entry:
        self.version += 1
        return Entry(key, value, self.version, written_ms, *rest)

    def write(self, entries: list[Entry]) -> None:
        self.run(self.memory.write(entries))
        self.run(self.sqlite.write(entries))

    @rule(writes=st.lists(st.tuples(KEYS, TIMES_MS, VALUES), max_size=4))
    def put(self, writes: list[tuple[bytes, int, tuple[bytes, int | None, str | None]]]) -> None:
        self.write([self.entry(key, written_ms, *value) for key, written_ms, value in writes])

    @rule(key=KEYS, written_ms=TIMES_MS)
    def delete(self, key: bytes, written_ms: int) -> None:
        self.write([self.entry(key, written_ms, None)])

    @rule(gone_before_ms=TIMES_MS)
    def purge(self, gone_before_ms: int) -> None:
        assert self.run(self.memory.purge(gone_before_ms)) == self.run(self.sqlite.purge(gone_before_ms))

    @rule(keys=st.lists(KEYS, max_size=4))
    def read(self, keys: list[bytes]) -> None:
        assert self.run(self.memory.read(keys)) == self.run(self.sqlite.read(keys))

    @rule(first=KEYS, before=st.none() | KEYS, limit=st.integers(0, 4))
    def walk(self, first: bytes, before: bytes | None, limit: int) -> None:
        in_memory = self.run(self.memory.walk(first, before, limit))
        assert in_memory == self.run(self.sqlite.walk(first, before, limit))

    @rule()
    def clear(self) -> None:
        self.run(self.memory.clear())
        self.run(self.sqlite.clear())

    @precondition(lambda self: self.version > 0)
    @rule()
    def reopen(self) -> None:
        self.run(self.sqlite.close())
        self.sqlite = self.run(SqliteStore.open(self.path))

    @invariant()
    def they_hold_the_same(self) -> None:
        rows = self.run(self.memory.walk(b"", None, 100))
        assert rows == self.run(self.sqlite.walk(b"", None, 100))
        assert self.run(self.memory.last_version()) == self.run(self.sqlite.last_version())

    def teardown(self) -> None:
        if hasattr(self, "sqlite"):
            self.run(self.sqlite.close())
            self.loop.close()
            self.folder.cleanup()


StoresAgreeTest = pytest.mark.slow(StoresAgree.TestCase)
StoresAgreeTest.settings = settings(
    max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
