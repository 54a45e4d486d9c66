"""Locations of a test: what switches change of their copies, and how they are named and asked."""

import pytest

from queue_emulator.core.errors import EmulatorError
from queue_emulator.testing import KV, Emulator, EmulatorClock
from tests.laboratory.looking import names


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
