"""Profile `cloudflare` is wrong within bounds: a state machine holds what locations are shown against the truth."""

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import KVError
from queue_emulator.core.journal import Event
from queue_emulator.core.profiles import compose
from queue_emulator.kv.binding import Binding, ListKey
from queue_emulator.kv.operation import Invocation
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.testing import NOON_MS, run_now
from tests.laboratory.truth import Truth

LOCATIONS = ("SJC", "NRT", "LHR")
LIST_TTL_S = 60
WHERE = st.sampled_from(LOCATIONS)
NAMES = ["t:1", "t:2", "t:3", "u"]
KEYS = st.sampled_from(NAMES)
CACHE_TTLS = st.sampled_from([30, 60, 60, 60, 300])
STEPS_MS = st.sampled_from([1, 500, 1_000, 5_000, 29_999, 30_000, 59_999, 60_000, 100_000, 300_000])


class CloudflareMachine(RuleBasedStateMachine):
    """Every value that is written is another, so that a read tells which write it saw."""

    def __init__(self, lag_ms: tuple[int, int], seed: int = 0) -> None:
        super().__init__()
        self.clock = MovableClock.frozen_at(NOON_MS)
        profile = compose("cloudflare", lag_ms=lag_ms, tombstone_life_ms=120_000)
        self.service = KVService(MemoryStore(), clock=self.clock, profile=profile, dice=Dice(seed))
        self.truth = Truth(lag_ms[1])
        self.last_put_ms: dict[str, int] = {}
        self.newest_seen: dict[tuple[str, str], int] = {}

    def at(self, location: str) -> Binding:
        return Binding(self.service, location, Invocation(None))

    @property
    def now_ms(self) -> int:
        return self.clock.now_ms()

    @rule(key=KEYS, location=WHERE, ttl_s=st.sampled_from([None, None, 60, 90]))
    def put(self, key: str, location: str, ttl_s: int | None) -> None:
        value = f"{key}={self.truth.last_version + 1}"
        options = {} if ttl_s is None else {"expiration_ttl": ttl_s}
        too_soon = self.now_ms - self.last_put_ms.get(key, 0) < 1_000
        try:
            run_now(self.at(location).put(key, value, **options))
        except KVError as error:
            assert (error.status, too_soon) == (429, True)
            return
        assert not too_soon
        self.last_put_ms[key] = self.now_ms
        expiration_s = None if ttl_s is None else self.now_ms // 1000 + ttl_s
        self.truth.wrote(key, self.now_ms, location, value, expiration_s)

    @rule(key=KEYS, location=WHERE)
    def delete(self, key: str, location: str) -> None:
        run_now(self.at(location).delete(key))
        self.truth.wrote(key, self.now_ms, location, None)

    @rule(by_ms=STEPS_MS)
    def time_passes(self, by_ms: int) -> None:
        self.clock.advance(by_ms)

    @rule(key=KEYS, location=WHERE, cache_ttl_s=CACHE_TTLS)
    def get(self, key: str, location: str, cache_ttl_s: int) -> None:
        value = run_now(self.at(location).get(key, cache_ttl=cache_ttl_s))
        self.check_read(key, location, cache_ttl_s, value, self.last_event())

    @rule(location=WHERE, cache_ttl_s=CACHE_TTLS)
    def get_bulk(self, location: str, cache_ttl_s: int) -> None:
        position = self.service.journal.last_position
        values = run_now(self.at(location).get_bulk(NAMES, "text", cache_ttl=cache_ttl_s))
        events = {event.key.decode(): event for event in self.service.journal.after(position)}
        for key in NAMES:
            self.check_read(key, location, cache_ttl_s, values[key], events[key])

    @rule(location=WHERE, prefix=st.sampled_from(["", "t:", "u"]), limit=st.sampled_from([1, 2, 3, 1000]))
    def list_all_pages(self, location: str, prefix: str, limit: int) -> None:
        listed: list[ListKey] = []
        cursor = None
        for _ in range(len(NAMES) + 1):
            page = run_now(self.at(location).list(prefix=prefix, limit=limit, cursor=cursor))
            assert len(page.keys) <= limit
            listed += page.keys
            cursor = page.cursor
            if page.list_complete:
                break
        assert cursor is None
        self.check_list(location, [key for key in NAMES if key.startswith(prefix)], listed)

    @rule()
    def quiet(self) -> None:
        """After a copy's life and the lag every location agrees with the truth, and nothing is stale."""
        self.clock.advance(60_000 + self.truth.lag_ms)
        expected = {key: self.truth.last(key).shows(self.now_ms) for key in NAMES}
        live = [key for key in NAMES if expected[key] is not None]
        for location in LOCATIONS:
            position = self.service.journal.last_position
            assert run_now(self.at(location).get_bulk(NAMES)) == expected
            assert [key.name for key in run_now(self.at(location).list()).keys] == live
            assert not any(event.stale for event in self.service.journal.after(position))
        assert run_now(self.service.count()) == len(live)

    def last_event(self) -> Event:
        (event,) = self.service.journal.after(self.service.journal.last_position - 1)
        return event

    def check_read(self, key: str, location: str, ttl_s: int, value: str | None, event: Event) -> None:
        """Something that was written, not overwritten too long ago, no older than what was written or seen here."""
        visible = self.truth.visible(key, location, ttl_s, self.now_ms)
        assert value in [write.shows(self.now_ms) for write in visible]
        assert event.newer_version in (None, self.truth.last(key).version)
        if value is None:
            assert event.version is None
            return
        (seen,) = [write for write in visible if write.value == value]
        assert event.version == seen.version
        assert event.stale == (seen is not self.truth.last(key))
        assert seen.version >= self.newest_seen.get((location, key), 0)
        self.newest_seen[location, key] = seen.version

    def check_list(self, location: str, asked: list[str], listed: list[ListKey]) -> None:
        """Each settled key once, in order; of the others only what a reader may see."""
        names = [key.name for key in listed]
        assert names == sorted(set(names))
        assert set(names) <= set(asked)
        expirations = {key.name: key.expiration for key in listed}
        for key in asked:
            visible = self.truth.visible(key, location, LIST_TTL_S, self.now_ms)
            if key in expirations:
                allowed = [write.expiration_s for write in visible if write.shows(self.now_ms) is not None]
                assert expirations[key] in allowed
            else:
                assert None in [write.shows(self.now_ms) for write in visible]
            if self.truth.settled(key, LIST_TTL_S, self.now_ms):
                assert (key in expirations) == (self.truth.last(key).shows(self.now_ms) is not None)


@pytest.mark.slow
@pytest.mark.parametrize("lag_ms", [(0, 0), (1_000, 40_000), (90_000, 90_000)], ids=["no lag", "some", "long"])
def test_what_locations_are_shown_is_stale_within_bounds_only(lag_ms: tuple[int, int]) -> None:
    machine: Callable[[], CloudflareMachine] = lambda: CloudflareMachine(lag_ms)  # noqa: E731
    run_state_machine_as_test(
        machine,  # type: ignore[arg-type]
        settings=settings(
            max_examples=40, stateful_step_count=50, derandomize=True, deadline=None, database=None, print_blob=False
        ),
    )
