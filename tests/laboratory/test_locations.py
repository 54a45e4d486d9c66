"""Each location answers from its own copies: of values, of misses and of lists, for as long as its reader allows."""

import pytest

from queue_emulator.core.errors import EmulatorError
from queue_emulator.testing import KV, Emulator, EmulatorClock
from tests.laboratory.looking import last_event, names


def test_another_location_reads_the_old_value_for_a_minute(kv: KV, emulator_clock: EmulatorClock) -> None:
    tokyo = kv.at("NRT")
    kv.put("k", "old")
    assert tokyo.get("k") == "old"
    emulator_clock.advance(10)
    kv.put("k", "new")
    assert (kv.get("k"), tokyo.get("k")) == ("new", "old")
    emulator_clock.advance(49.999)
    assert tokyo.get("k") == "old"
    emulator_clock.advance(0.001)
    assert tokyo.get("k") == "new"


def test_a_location_that_never_looked_reads_the_new_value_at_once(kv: KV) -> None:
    kv.put("k", "new")
    assert kv.at("NRT").get("k") == "new"
    assert kv.at("LHR").get("k") == "new"


def test_a_miss_is_remembered_too(kv: KV, emulator_clock: EmulatorClock) -> None:
    assert kv.at("NRT").get("k") is None
    kv.put("k", "v")
    emulator_clock.advance(59.999)
    assert kv.at("NRT").get("k") is None
    emulator_clock.advance(0.001)
    assert kv.at("NRT").get("k") == "v"


def test_a_deleted_key_is_read_elsewhere_until_the_copy_is_a_minute_old(kv: KV, emulator_clock: EmulatorClock) -> None:
    kv.put("k", "v")
    assert kv.at("NRT").get("k") == "v"
    kv.delete("k")
    assert (kv.get("k"), kv.at("NRT").get("k")) == (None, "v")
    emulator_clock.advance(60)
    assert kv.at("NRT").get("k") is None


def test_another_location_s_list_is_late(kv: KV, emulator_clock: EmulatorClock) -> None:
    tokyo = kv.at("NRT")
    kv.put("task:1", "")
    assert names(tokyo, prefix="task:") == ["task:1"]
    kv.put("task:2", "")
    kv.delete("task:1")
    assert (names(kv, prefix="task:"), names(tokyo, prefix="task:")) == (["task:2"], ["task:1"])
    emulator_clock.advance(60)
    assert names(tokyo, prefix="task:") == ["task:2"]


def test_a_list_that_differs_in_prefix_limit_or_cursor_has_a_copy_of_its_own(kv: KV) -> None:
    tokyo = kv.at("NRT")
    assert names(tokyo, prefix="task:") == []
    kv.put("task:1", "")
    assert names(tokyo, prefix="task:") == []
    assert names(tokyo, prefix="task") == names(tokyo, prefix="task:", limit=1) == ["task:1"]


def test_a_reader_with_a_lower_cache_ttl_ends_the_copy_sooner_for_all(kv: KV, emulator_clock: EmulatorClock) -> None:
    tokyo = kv.at("NRT")
    kv.put("k", "old")
    assert tokyo.get("k", cache_ttl=3600) == "old"
    emulator_clock.advance(1)
    kv.put("k", "new")
    emulator_clock.advance(28)
    assert tokyo.get("k", cache_ttl=30) == "old"
    emulator_clock.advance(1)
    assert tokyo.get("k", cache_ttl=3600) == "new"


def test_a_reader_with_a_longer_cache_ttl_keeps_the_old_value_longer(kv: KV, emulator_clock: EmulatorClock) -> None:
    tokyo = kv.at("NRT")
    kv.put("k", "old")
    assert tokyo.get("k", cache_ttl=600) == "old"
    emulator_clock.advance(1)
    kv.put("k", "new")
    emulator_clock.advance(598)
    assert tokyo.get("k", cache_ttl=600) == "old"
    emulator_clock.advance(1)
    assert tokyo.get("k", cache_ttl=600) == "new"


def test_expiration_beats_a_copy_that_is_still_fresh(kv: KV, emulator_clock: EmulatorClock) -> None:
    tokyo = kv.at("NRT")
    kv.put("k", "v", expiration_ttl=60)
    emulator_clock.advance(30)
    assert tokyo.get("k", cache_ttl=600) == "v"
    assert names(tokyo) == ["k"]
    emulator_clock.advance(30)
    assert tokyo.get("k", cache_ttl=600) is None
    assert names(tokyo) == []


def test_a_bulk_read_shares_its_copies_with_single_reads(kv: KV, emulator_clock: EmulatorClock) -> None:
    tokyo = kv.at("NRT")
    kv.put("a", "old")
    assert tokyo.get_bulk(["a", "b"]) == {"a": "old", "b": None}
    emulator_clock.advance(1)
    kv.put("a", "new")
    kv.put("b", "new")
    assert (tokyo.get("a"), tokyo.get("b")) == ("old", None)
    emulator_clock.advance(59)
    assert tokyo.get_bulk(["a", "b"]) == {"a": "new", "b": "new"}


def test_own_writes_are_read_at_once_whatever_was_read_before(kv: KV, emulator_clock: EmulatorClock) -> None:
    assert kv.get("k", cache_ttl=600) is None
    assert names(kv) == []
    kv.put("k", "1")
    assert (kv.get("k", cache_ttl=600), names(kv)) == ("1", ["k"])
    emulator_clock.advance(1)
    kv.put("k", "2")
    assert kv.get("k") == "2"
    kv.delete("k")
    assert (kv.get("k"), names(kv)) == (None, [])


@pytest.mark.queue_emulator(without=["read-your-writes"])
def test_own_writes_are_read_late_where_that_is_switched_off(kv: KV, emulator_clock: EmulatorClock) -> None:
    assert kv.get("k") is None
    assert names(kv) == []
    kv.put("k", "v")
    assert (kv.get("k"), names(kv)) == (None, [])
    assert kv.at("NRT").get("k") == "v"
    emulator_clock.advance(60)
    assert (kv.get("k"), names(kv)) == ("v", ["k"])


@pytest.mark.queue_emulator(without=["caches"])
def test_without_caches_every_location_reads_the_same(kv: KV) -> None:
    assert kv.at("NRT").get("k") is None
    kv.put("k", "v")
    assert kv.at("NRT").get_with_metadata("k").value == "v"
    assert kv.at("NRT").get_with_metadata("k").cache_status is None


def test_the_cache_status_says_where_an_answer_came_from(kv: KV, emulator: Emulator) -> None:
    tokyo = kv.at("NRT")
    assert [tokyo.get_with_metadata("k").cache_status for _ in range(2)] == ["MISS", "HIT"]
    assert [tokyo.list().cache_status for _ in range(2)] == ["MISS", "HIT"]
    kv.put("k", "v")
    assert (kv.get_with_metadata("k").cache_status, kv.list().cache_status) == ("HIT", "MISS")
    kv.get_bulk(["k"])
    assert last_event(emulator).cache_status == "HIT"


@pytest.mark.queue_emulator(profile="local")
def test_the_local_runtime_names_no_cache_status(kv: KV) -> None:
    assert (kv.get_with_metadata("k").cache_status, kv.list().cache_status) == (None, None)


def test_the_last_write_wins_wherever_it_was_made(kv: KV, emulator_clock: EmulatorClock) -> None:
    kv.put("k", "from San Jose")
    emulator_clock.advance(1)
    kv.at("NRT").put("k", "from Tokyo")
    assert kv.get("k") == "from San Jose"
    emulator_clock.advance(60)
    assert [kv.at(location).get("k") for location in ("SJC", "NRT", "LHR")] == ["from Tokyo"] * 3


def test_a_location_comes_to_be_when_it_is_named_and_has_one_code_in_any_case(emulator: Emulator) -> None:
    emulator.at("nrt").kv.put("k", "v")
    assert emulator.at("NRT").kv.get("k") == "v"
    assert emulator.get("/cdn-cgi/emulator/status").json()["locations"] == ["SJC", "NRT"]


@pytest.mark.queue_emulator(locations=["SJC", "NRT"])
def test_where_a_test_says_which_locations_there_are_there_are_no_others(emulator: Emulator) -> None:
    with pytest.raises(EmulatorError, match="unknown location 'ZZZ'; this emulator has SJC, NRT"):
        emulator.at("ZZZ")
    with pytest.raises(EmulatorError, match="unknown location 'LHR'; this emulator has SJC, NRT"):
        emulator.at("SJC").kv.at("LHR")


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("Tokyo", "a location must be an airport code of three letters, such as SJC or NRT, not 'Tokyo'"),
        ("", "a location must be an airport code of three letters, such as SJC or NRT, not ''"),
        ("ÖÄÜ", "a location must be an airport code of three letters, such as SJC or NRT, not 'ÖÄÜ'"),
        ("api", "API is the name of Cloudflare's API in faults and journal: choose another location"),
    ],
)
def test_what_cannot_be_a_location_is_told_in_one_line(emulator: Emulator, named: str, why: str) -> None:
    with pytest.raises(EmulatorError) as told:
        emulator.at(named)
    assert str(told.value) == why


@pytest.mark.parametrize(
    ("path", "id_"),
    [
        ("/api/result/té", "té"),
        ("/api/result/t%C3%A9", "té"),
        ("/api/result/任 务", "任 务"),
        ("/api/result/\ud800", "\ufffd"),
    ],
)
def test_a_path_that_is_no_url_yet_is_sent_with_its_escapes(emulator: Emulator, path: str, id_: str) -> None:
    assert emulator.post(path, {"success": True}).status == 200
    assert emulator.journal()[0].key.decode() == f"orchestrator:result:{id_}"
    assert emulator.get(path).json() == {"success": True}
    assert emulator.get(f"{path}?x=café").status == 200


@pytest.mark.parametrize("path", ["", "api/queue", "http://127.0.0.1/api/queue"])
def test_a_path_without_a_slash_is_told_in_one_line(emulator: Emulator, path: str) -> None:
    with pytest.raises(EmulatorError, match="a path begins with a slash, such as /api/queue, not "):
        emulator.get(path)
