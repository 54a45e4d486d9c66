"""The clock's control: advance, set, freeze, resume; what cannot be is refused and moves nothing."""

from typing import Any

import pytest

from queue_emulator.testing import Emulator, EmulatorClock
from tests.laboratory.looking import CONTROL, control

NOON = "2026-01-01T12:00:00.000Z"


def test_it_shows_the_time_and_how_far_it_is_from_the_machine_s(emulator: Emulator) -> None:
    shown = emulator.get(f"{CONTROL}/clock").json()
    assert (shown["now"], shown["now_ms"], shown["frozen"]) == (NOON, 1_767_268_800_000, True)
    assert isinstance(shown["offset_ms"], int)
    assert shown["offset_ms"] < 0  # the machine's time is later than the test's noon
    emulator.clock.resume()
    assert emulator.get(f"{CONTROL}/clock").json()["frozen"] is False


@pytest.mark.parametrize(
    ("body", "now"),
    [
        ({"advance_s": 60}, "2026-01-01T12:01:00.000Z"),
        ({"advance_s": 0.5}, "2026-01-01T12:00:00.500Z"),
        ({"advance_s": 1e3}, "2026-01-01T12:16:40.000Z"),
        ({"advance_s": 0}, NOON),
        ({"set": "2040-01-01T00:00:00Z"}, "2040-01-01T00:00:00.000Z"),
        ({"set": "2001-09-09T03:46:40.123+02:00"}, "2001-09-09T01:46:40.123Z"),
        ({"set": 0}, "1970-01-01T00:00:00.000Z"),
        ({"set": 253_402_300_799_000}, "9999-12-31T23:59:59.000Z"),
        ({"advance_s": 60, "set": "2040-01-01T00:00:00Z"}, "2040-01-01T00:01:00.000Z"),
        ({"freeze": True}, NOON),
    ],
)
def test_it_is_moved_and_shows_where_it_stands(emulator: Emulator, body: dict[str, Any], now: str) -> None:
    reply = control(emulator, "clock", body)
    assert reply.status == 200
    assert reply.json()["now"] == now
    assert emulator.get(f"{CONTROL}/status").member("clock", "now") == now


def test_it_is_resumed_and_frozen(emulator: Emulator, emulator_clock: EmulatorClock) -> None:
    assert control(emulator, "clock", {"freeze": False}).json()["frozen"] is False
    assert not emulator.deployment.clock.frozen
    frozen = control(emulator, "clock", {"advance_s": 3600, "freeze": True}).json()
    assert frozen["frozen"] is True
    assert frozen["now"] == emulator_clock.now >= "2026-01-01T13:00:00.000Z"


def test_resumed_it_runs_on_from_where_it_stood(emulator: Emulator) -> None:
    control(emulator, "clock", {"set": "2040-01-01T00:00:00Z"})
    control(emulator, "clock", {"freeze": False})
    assert str(emulator.get(f"{CONTROL}/clock").member("now")).startswith("2040-01-01T00:0")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "the clock takes set, advance_s, freeze"),
        ({"advance": 60}, "unknown member 'advance'; allowed: set, advance_s, freeze"),
        ({"seconds": 60, "advance_s": 60}, "unknown member 'seconds'; allowed: set, advance_s, freeze"),
        ({"advance_s": -0.001}, "the clock can only be advanced by 0 or more, not by -1 ms"),
        ({"advance_s": -1}, "the clock can only be advanced by 0 or more, not by -1000 ms"),
        ({"advance_s": "60"}, 'advance_s must be a number of seconds, as in {"advance_s": 60}'),
        ({"advance_s": True}, 'advance_s must be a number of seconds, as in {"advance_s": 60}'),
        ({"advance_s": None}, 'advance_s must be a number of seconds, as in {"advance_s": 60}'),
        ({"advance_s": [60]}, 'advance_s must be a number of seconds, as in {"advance_s": 60}'),
        ({"advance_s": 1e12}, "a time must be 0 to 253402300799000 ms since 1970"),
        ({"advance_s": 1e300}, "a time must be 0 to 253402300799000 ms since 1970"),
        ({"set": "noon"}, "a time must look like 2026-11-23T17:00:00Z, not 'noon'"),
        ({"set": "2026-01-01T12:00:00"}, "a time must look like 2026-11-23T17:00:00Z, not '2026-01-01T12:00:00'"),
        ({"set": -1}, "a time must be 0 to 253402300799000 ms since 1970, not -1"),
        ({"set": 1.5}, "set must be ISO 8601, such as 2026-11-23T17:00:00Z, or milliseconds since 1970"),
        ({"set": True}, "set must be ISO 8601, such as 2026-11-23T17:00:00Z, or milliseconds since 1970"),
        ({"set": {}}, "set must be ISO 8601, such as 2026-11-23T17:00:00Z, or milliseconds since 1970"),
        ({"freeze": "yes"}, "freeze must be true or false"),
        ({"freeze": 1}, "freeze must be true or false"),
        ({"set": "2040-01-01T00:00:00Z", "advance_s": -1}, "the clock can only be advanced by 0 or more"),
        ({"set": "2040-01-01T00:00:00Z", "freeze": 0}, "freeze must be true or false"),
        ({"advance_s": 60, "set": "9999-12-31T23:59:59Z"}, "a time must be 0 to 253402300799000 ms"),
        ([60], "the request body must be a JSON object"),
    ],
)
def test_what_cannot_be_is_refused_and_moves_nothing(emulator: Emulator, body: Any, why: str) -> None:
    reply = control(emulator, "clock", body)
    assert reply.status == 400
    assert str(reply.json()["error"]).startswith(why)
    shown = emulator.get(f"{CONTROL}/clock").json()
    assert (shown["now"], shown["frozen"]) == (NOON, True)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"60", b"\xff", b'{"advance_s": NaN}', b'{"advance_s": Infinity}'),
        *(b'{"advance_s": 1e999}', b'{"advance_s": -1e999}', b'{"advance_s": ' + b"9" * 5_000 + b"}"),
    ],
)
def test_what_is_not_json_is_refused_and_moves_nothing(emulator: Emulator, content: bytes) -> None:
    reply = emulator.at("SJC").request("POST", f"{CONTROL}/clock", content=content)
    assert reply.status == 400
    assert emulator.get(f"{CONTROL}/clock").json()["now"] == NOON


def test_a_reset_shows_the_time_of_the_start_again(emulator: Emulator) -> None:
    control(emulator, "clock", {"advance_s": 60, "freeze": False})
    shown = control(emulator, "reset", {})
    assert (shown.member("clock", "now"), shown.member("clock", "frozen")) == (NOON, True)


def test_a_minute_on_the_clock_settles_every_location(emulator: Emulator) -> None:
    tokyo = emulator.at("NRT")
    assert tokyo.get("/api/queue").json()["pending"] == []
    emulator.enqueue({"id": "t1"})
    control(emulator, "clock", {"advance_s": 59.999})
    assert tokyo.get("/api/queue").json()["pending"] == []
    control(emulator, "clock", {"advance_s": 0.001})
    assert tokyo.get("/api/queue").json()["pending"] == ["t1"]
