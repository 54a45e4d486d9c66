"""With a replication lag a write reaches each other location later, in bounds, drawn by the seed; its own at once."""

import pytest

from queue_emulator.core.errors import SettingsError
from queue_emulator.core.javascript import Json, to_number
from queue_emulator.core.profiles import CLOUDFLARE, compose
from queue_emulator.testing import KV, Emulator, EmulatorClock
from tests.laboratory.looking import every_name, names

LAGGING = pytest.mark.queue_emulator(replication_lag_s=(2, 5))
KEYS = [f"k{number:02d}" for number in range(40)]


@LAGGING
def test_no_other_location_sees_a_write_before_the_least_lag_and_each_does_after_the_greatest(
    kv: KV, emulator_clock: EmulatorClock
) -> None:
    for key in KEYS:
        kv.put(key, "v")
    emulator_clock.advance(1.999)
    assert {location: names(kv.at(location)) for location in ("NRT", "LHR")} == {"NRT": [], "LHR": []}
    emulator_clock.advance(1.5)
    early = names(kv.at("NRT"), limit=999)
    assert 0 < len(early) < len(KEYS)
    emulator_clock.advance(1.501)
    assert names(kv.at("NRT"), limit=998) == names(kv.at("LHR"), limit=998) == KEYS


@LAGGING
def test_a_value_is_not_read_elsewhere_before_it_arrives_even_by_who_never_looked(
    kv: KV, emulator_clock: EmulatorClock
) -> None:
    kv.put("k", "v")
    assert (kv.get("k"), kv.at("NRT").get("k")) == ("v", None)
    emulator_clock.advance(5)
    assert kv.at("LHR").get("k") == "v"


def arrived(seed: int, location: str, keys: list[str] = KEYS) -> list[str]:
    """Which of forty writes have come to a location after half of the greatest lag."""
    emulator = Emulator(profile=compose("cloudflare", lag_ms=(0, 10_000)), seed=seed)
    kv = emulator.at("SJC").kv
    for key in keys:
        kv.put(key, "")
    emulator.clock.advance(5)
    return names(kv.at(location))


def test_lags_are_the_seed_s_and_differ_by_write_and_location() -> None:
    drawn = arrived(1, "NRT")
    assert 0 < len(drawn) < len(KEYS)
    assert drawn == arrived(1, "NRT")
    assert drawn != arrived(2, "NRT")
    assert drawn != arrived(1, "LHR")


def test_a_lag_belongs_to_the_write_not_to_the_key() -> None:
    backwards = arrived(1, "NRT", KEYS[::-1])
    assert [KEYS[-1 - KEYS.index(key)] for key in reversed(backwards)] == arrived(1, "NRT")


@LAGGING
def test_a_delete_lags_in_values_and_lists(kv: KV, emulator_clock: EmulatorClock) -> None:
    kv.put("k", "v", metadata="m")
    emulator_clock.advance(10)
    kv.delete("k")
    assert (kv.get("k"), names(kv)) == (None, [])
    emulator_clock.advance(1.999)
    tokyo = kv.at("NRT")
    assert (tokyo.get("k"), tokyo.get_with_metadata("k").metadata, names(tokyo)) == ("v", "m", ["k"])
    emulator_clock.advance(3.001)
    assert names(tokyo, limit=999) == []
    assert kv.at("LHR").get("k") is None


def test_the_location_of_the_write_sees_it_at_once_though_its_copy_is_gone() -> None:
    """Past the copy's minute the location asks the centre, and the write still has far to go to others."""
    emulator = Emulator(profile=compose("cloudflare", lag_ms=(600_000, 600_000)))
    kv = emulator.at("SJC").kv
    kv.put("k", "v")
    emulator.clock.advance(120)
    assert (kv.get_with_metadata("k").cache_status, kv.get("k"), names(kv)) == ("MISS", "v", ["k"])
    assert (kv.at("NRT").get("k"), names(kv.at("NRT"))) == (None, [])


@pytest.mark.parametrize("seed", range(8))
def test_overwritten_on_its_way_a_key_is_never_seen_to_go_back(seed: int) -> None:
    emulator = Emulator(profile=compose("cloudflare", lag_ms=(0, 20_000)), seed=seed)
    kv, tokyo = emulator.at("SJC").kv, emulator.at("NRT").kv
    seen: list[Json] = []
    for step in range(40):
        if step < 20:
            kv.put("k", "", metadata=step)
        seen += [key.metadata for key in tokyo.list(limit=1000 - step).keys]  # a list of its own each time: no copy
        emulator.clock.advance(1)
    assert seen == sorted(seen, key=to_number)
    assert len(set(seen)) > 2
    assert seen[-1] == 19


@pytest.mark.queue_emulator(replication_lag_s=(5, 5))
def test_what_has_arrived_everywhere_is_seen_until_the_next_write_arrives(
    kv: KV, emulator_clock: EmulatorClock
) -> None:
    for number in (1, 2, 3):
        kv.put("k", "", metadata=number)
        emulator_clock.advance(4)
    seen = {}
    for limit in range(5):
        seen[emulator_clock.now[-7:-1]] = [key.metadata for key in kv.at("NRT").list(limit=1000 - limit).keys]
        emulator_clock.advance(0.5)
    assert seen == {"12.000": [2], "12.500": [2], "13.000": [3], "13.500": [3], "14.000": [3]}


@pytest.mark.queue_emulator(replication_lag_s=(5, 5))
def test_a_third_write_does_not_hide_the_first_while_the_second_is_on_its_way(
    kv: KV, emulator_clock: EmulatorClock
) -> None:
    kv.put("k", "first")
    emulator_clock.advance(4)
    kv.put("k", "second")
    emulator_clock.advance(2)
    kv.put("k", "third")
    assert kv.at("NRT").get("k") == "first"


@LAGGING
def test_what_two_locations_write_reaches_both_and_the_last_write_wins(kv: KV, emulator_clock: EmulatorClock) -> None:
    tokyo = kv.at("NRT")
    kv.put("k", "from San Jose")
    emulator_clock.advance(1)
    tokyo.put("k", "from Tokyo")
    assert (kv.get("k"), tokyo.get("k")) == ("from San Jose", "from Tokyo")
    emulator_clock.advance(65)
    assert (kv.get("k"), tokyo.get("k")) == ("from Tokyo", "from Tokyo")


@LAGGING
def test_a_copy_made_during_the_lag_outlives_it(kv: KV, emulator_clock: EmulatorClock) -> None:
    """What is written is seen elsewhere after the lag and a copy's life, at the latest."""
    kv.put("k", "v")
    emulator_clock.advance(1.999)
    assert kv.at("NRT").get("k") is None
    emulator_clock.advance(59.999)
    assert kv.at("NRT").get("k") is None
    emulator_clock.advance(0.001)
    assert kv.at("NRT").get("k") == "v"


@LAGGING
def test_pages_show_a_location_what_it_can_see_each_key_once(kv: KV, emulator_clock: EmulatorClock) -> None:
    for key in ("a", "b", "c", "d", "e"):
        kv.put(key, "")
    emulator_clock.advance(5)
    kv.delete("a")
    kv.delete("d")
    kv.put("bb", "")
    kv.put("z", "")
    assert every_name(kv, limit=1) == ["b", "bb", "c", "e", "z"]
    assert every_name(kv.at("NRT"), limit=1) == every_name(kv.at("NRT"), limit=2) == ["a", "b", "c", "d", "e"]


@pytest.mark.queue_emulator(replication_lag_s=(30, 30), tombstone_life_s=10)
def test_a_location_lists_a_deleted_key_that_it_can_still_see_though_its_tombstone_is_forgotten(
    kv: KV, emulator_clock: EmulatorClock
) -> None:
    kv.put("k", "")
    emulator_clock.advance(30)
    kv.delete("k")
    emulator_clock.advance(11)
    assert (names(kv.at("NRT")), names(kv)) == (["k"], [])
    emulator_clock.advance(19)
    assert names(kv.at("NRT"), limit=999) == []


@LAGGING
def test_when_the_clock_goes_back_behind_a_write_all_see_it(kv: KV, emulator_clock: EmulatorClock) -> None:
    kv.put("k", "v")
    emulator_clock.set("2026-01-01T11:00:00Z")
    assert [kv.at(location).get("k") for location in ("SJC", "NRT")] == ["v", "v"]
    assert names(kv.at("NRT")) == ["k"]


@pytest.mark.parametrize("lag_ms", [(5, 4), (-1, 4)])
def test_a_lag_has_its_bounds_in_order(lag_ms: tuple[int, int]) -> None:
    with pytest.raises(
        SettingsError, match=rf"^a replication lag must be MIN\.\.MAX .* not {lag_ms[0]}\.\.{lag_ms[1]} ms$"
    ):
        compose(CLOUDFLARE.name, lag_ms=lag_ms)


@pytest.mark.parametrize(("name", "without"), [("local", []), ("cloudflare", ["caches"])])
def test_without_copies_there_is_no_lag(name: str, without: list[str]) -> None:
    with pytest.raises(SettingsError, match="without caches at the locations, replication lag"):
        compose(name, without=without, lag_ms=(0, 1))
