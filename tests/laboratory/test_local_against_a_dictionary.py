"""Profile `local` is a dictionary whose keys expire: a state machine holds the binding against one."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.profiles import LOCAL
from queue_emulator.kv.binding import Binding, ListKey
from queue_emulator.kv.operation import Invocation
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.testing import NOON_MS, run_now

KEYS = st.sampled_from(["a", "ab", "ab:1", "ab:2", "b", "\u00e9", "\uffee", "\U0001f600", "a/b?#", "0"])
PREFIXES = st.sampled_from(["", "a", "ab:", "\u00e9", "zz", "ab:1"])
VALUES = st.sampled_from(["", "v", "w" * 300, "\u00e9\U0001f600"])
METADATA: st.SearchStrategy[Any] = st.sampled_from([None, "m", 0, False, {"deep": [1, None]}, []])
TTLS = st.sampled_from([None, 60, 61, 3600])
STEPS_MS = st.sampled_from([1, 999, 1_000, 59_000, 60_000, 61_000, 3_600_000])


@dataclass(frozen=True)
class Written:
    value: str
    metadata: Any
    expiration_s: int | None


class LocalMachine(RuleBasedStateMachine):
    """The rules do the same to a namespace and to a dictionary; what they are told must be equal."""

    @initialize()
    def start(self) -> None:
        self.clock = MovableClock.frozen_at(NOON_MS)
        self.service = KVService(MemoryStore(), clock=self.clock, profile=LOCAL)
        self.written: dict[str, Written] = {}
        self.calls = 0

    @property
    def kv(self) -> Binding:
        """Another location and another invocation at each call: it makes no difference."""
        self.calls += 1
        return Binding(self.service, ("SJC", "NRT")[self.calls % 2], Invocation(None))

    @property
    def live(self) -> dict[str, Written]:
        now_s = self.clock.now_ms() / 1000
        return {
            key: written
            for key, written in sorted(self.written.items(), key=lambda item: item[0].encode())
            if written.expiration_s is None or written.expiration_s > now_s
        }

    @rule(key=KEYS, value=VALUES, metadata=METADATA, ttl_s=TTLS)
    def put(self, key: str, value: str, metadata: Any, ttl_s: int | None) -> None:
        options = {} if ttl_s is None else {"expiration_ttl": ttl_s}
        run_now(self.kv.put(key, value, metadata=metadata, **options))
        self.written[key] = Written(value, metadata, None if ttl_s is None else self.clock.now_ms() // 1000 + ttl_s)

    @rule(key=KEYS, ahead_s=st.integers(60, 200))
    def put_until(self, key: str, ahead_s: int) -> None:
        expiration_s = self.clock.now_ms() // 1000 + ahead_s
        run_now(self.kv.put(key, b"bytes", expiration=expiration_s))
        self.written[key] = Written("bytes", None, expiration_s)

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        run_now(self.kv.delete(key))
        self.written.pop(key, None)

    @rule(key=KEYS)
    def get(self, key: str) -> None:
        expected = self.live.get(key)
        found = run_now(self.kv.get_with_metadata(key))
        assert found.cache_status is None
        assert (found.value, found.metadata) == ((expected.value, expected.metadata) if expected else (None, None))
        assert run_now(self.kv.get(key, "arrayBuffer")) == (expected.value.encode() if expected else None)

    @rule(keys=st.lists(KEYS, min_size=1, max_size=12))
    def get_bulk(self, keys: list[str]) -> None:
        found = run_now(self.kv.get_bulk(keys))
        live = self.live
        expected = {key: live[key].value if key in live else None for key in keys if key != "0"}
        assert found == expected  # the runtime loses a key that reads as an array index

    @rule(prefix=PREFIXES, limit=st.sampled_from([1, 2, 3, 1000]))
    def list_all_pages(self, prefix: str, limit: int) -> None:
        expected = [
            ListKey(key, written.expiration_s, written.metadata)
            for key, written in self.live.items()
            if key.startswith(prefix)
        ]
        listed: list[ListKey] = []
        cursor = None
        while True:
            page = run_now(self.kv.list(prefix=prefix, limit=limit, cursor=cursor))
            listed += page.keys
            cursor = page.cursor
            assert page.list_complete == (cursor is None)
            assert page.list_complete or len(page.keys) == limit
            if page.list_complete:
                break
        assert listed == expected

    @rule(by_ms=STEPS_MS)
    def time_passes(self, by_ms: int) -> None:
        self.clock.advance(by_ms)

    @invariant()
    def as_many_keys_live(self) -> None:
        assert run_now(self.service.count()) == len(self.live)


@pytest.mark.slow
def test_the_local_profile_is_a_dictionary_whose_keys_expire() -> None:
    run_state_machine_as_test(
        LocalMachine,
        settings=settings(
            max_examples=40, stateful_step_count=40, derandomize=True, deadline=None, database=None, print_blob=False
        ),
    )
