"""Bulk data: read as the format says, or refused as a whole with every wrong entry named."""

import json
from typing import Any

import pytest

from queue_emulator.core.bulk import BulkData, parse_bulk
from queue_emulator.core.errors import BulkDataError
from queue_emulator.core.options import PutRequest
from queue_emulator.core.put_requests import PutRequests

NOW_S = 1_795_435_200


def parsed(entries: Any) -> BulkData:
    return parse_bulk(json.dumps(entries).encode(), NOW_S * 1000)


def refusal(content: bytes) -> str:
    with pytest.raises(BulkDataError) as caught:
        parse_bulk(content, NOW_S * 1000)
    return str(caught.value)


def wrong(entry: Any) -> str:
    return refusal(json.dumps([entry]).encode())


def test_entries_become_writes_in_their_order() -> None:
    entries = [
        {"key": "b", "value": "é"},
        {"key": "a", "value": "", "metadata": {"m": 1.0}, "expiration": NOW_S + 60},
        {"key": "b", "value": "AAH/", "base64": True, "expiration_ttl": 60, "metadata": None},
    ]
    assert tuple(parsed(entries).requests) == (
        PutRequest(b"b", b"\xc3\xa9"),
        PutRequest(b"a", b"", NOW_S + 60, '{"m":1}'),
        PutRequest(b"b", b"\x00\x01\xff", NOW_S + 60, None, 60),
    )


def test_nothing_to_write_is_no_error() -> None:
    assert parse_bulk(b" [] ", 0) == BulkData(PutRequests(), {})


def test_a_byte_order_mark_is_skipped() -> None:
    assert parse_bulk(b"\xef\xbb\xbf[]", 0) == BulkData(PutRequests(), {})


@pytest.mark.parametrize("absent", ["expiration", "expiration_ttl", "metadata", "base64"])
def test_a_field_that_is_null_is_a_field_that_is_not_there(absent: str) -> None:
    assert [*parsed([{"key": "k", "value": "v", absent: None}]).requests] == [PutRequest(b"k", b"v")]


@pytest.mark.parametrize("metadata", [False, 0, "", [], {}])
def test_metadata_that_is_false_is_metadata(metadata: Any) -> None:
    (request,) = parsed([{"key": "k", "value": "v", "metadata": metadata}]).requests
    assert request.metadata == json.dumps(metadata)


def test_fields_that_are_not_in_the_format_are_counted_and_ignored() -> None:
    data = parsed([{"key": "a", "value": "", "note": 1}, {"key": "b", "value": "", "note": 2, "Expiration": 5}])
    assert data.unknown_fields == {"note": 2, "Expiration": 1}
    assert len(data.requests) == 2


def test_of_many_fields_that_are_not_in_the_format_some_are_named() -> None:
    data = parsed([{"key": "a", "value": "", "x" * 100_000: 1, **{f"n{number}": 1 for number in range(1_000)}}])
    assert data.unknown_fields == {"x" * 80: 1, **{f"n{number}": 1 for number in range(49)}, "(others)": 951}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\xff[]", "not UTF-8 at byte 0"),
        (b'["\xc3"]', "not UTF-8 at byte 2"),
        (b"[" * 20_000, "JSON nested too deep"),
        (b"[" * 100_000, "JSON nested too deep"),
        (b"", "not JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"[NaN]", "not JSON: NaN is not JSON"),
        (b"[] []", "not JSON: Extra data: line 1 column 4 (char 3)"),
    ],
)
def test_what_is_not_json_is_refused(content: bytes, text: str) -> None:
    assert refusal(content) == text


@pytest.mark.parametrize("content", [b"{}", b"null", b'"[]"', b"1"])
def test_what_is_not_an_array_is_refused(content: bytes) -> None:
    text = "must be a JSON array of {key, value, expiration?, expiration_ttl?, metadata?, base64?}"
    assert refusal(content) == text


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (1, "entry 0: must be an object with key and value"),
        (["key", "value"], "entry 0: must be an object with key and value"),
        ({"value": "v"}, "entry 0: key is missing"),
        ({"key": 5, "value": "v"}, "entry 0: key must be a string"),
        ({"key": None, "value": "v"}, "entry 0: key must be a string"),
        ({"key": "k"}, "entry 0 (key 'k'): value is missing"),
        ({"key": "k", "value": {"a": 1}}, "entry 0 (key 'k'): value must be a string"),
        (
            {"key": "\ud800", "value": "v"},
            "entry 0 (key '\\ud800'): key holds a lone surrogate, which UTF-8 cannot encode",
        ),
        ({"key": "k", "value": "\ud800"}, "entry 0 (key 'k'): value holds a lone surrogate, which UTF-8 cannot encode"),
        ({"key": "", "value": "v"}, "entry 0 (key ''): KV PUT failed: 400 Key names must not be empty"),
    ],
)
def test_an_entry_without_a_proper_key_and_value_is_named(entry: Any, text: str) -> None:
    assert wrong(entry) == text


@pytest.mark.parametrize("flag", [1, 0, 1.0, "true", "", [], {}])
def test_the_base64_flag_is_true_or_false(flag: Any) -> None:
    assert wrong({"key": "k", "value": "", "base64": flag}) == "entry 0 (key 'k'): base64 must be true or false"


@pytest.mark.parametrize("value", ["é", "a", "YQ=", "Y Q==", "YQ==\n", "-_-_"])
def test_a_value_that_is_not_the_base64_it_says_is_refused(value: str) -> None:
    entry = {"key": "k", "value": value, "base64": True}
    assert wrong(entry) == "entry 0 (key 'k'): value is not base64, although its base64 field is true"


@pytest.mark.parametrize("name", ["expiration", "expiration_ttl"])
@pytest.mark.parametrize("seconds", ["60", 60.5, True, [], 1e400])
def test_a_lifetime_is_an_integer(name: str, seconds: Any) -> None:
    content = json.dumps([{"key": "k", "value": "v", name: seconds}]).replace("Infinity", "1e400").encode()
    assert refusal(content) == f"entry 0 (key 'k'): {name} must be an integer, in seconds"


@pytest.mark.parametrize("name", ["expiration", "expiration_ttl"])
def test_a_lifetime_beyond_what_a_store_can_hold_is_refused(name: str) -> None:
    for seconds in (2**53, 10**20):
        text = f"entry 0 (key 'k'): {name} of {seconds} is more than 9007199254740991 seconds"
        assert wrong({"key": "k", "value": "v", name: seconds}) == text
    (request,) = parsed([{"key": "k", "value": "v", name: 2**53 - 1}]).requests
    assert request.expiration_s == 2**53 - 1


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ({"expiration_ttl": 59}, "400 Invalid expiration_ttl of 59. Expiration TTL must be at least 60."),
        (
            {"expiration": NOW_S + 1},
            f"400 Invalid expiration of {NOW_S + 1}. Expiration times must be at least 60 seconds in the future.",
        ),
        ({"metadata": "x" * 1023}, "413 Metadata length of 1025 exceeds limit of 1024."),
        ({"key": "k" * 513}, "414 UTF-8 encoded length of 513 exceeds key length limit of 512."),
    ],
)
def test_what_kv_would_refuse_is_refused_in_its_words(field: dict[str, Any], text: str) -> None:
    assert wrong({"key": "k", "value": "v", **field}).endswith(f"): KV PUT failed: {text}")


def test_every_wrong_entry_is_named_up_to_five() -> None:
    good = {"key": "good", "value": "v"}
    two = refusal(json.dumps([good, {"key": "a"}, good, 7]).encode())
    assert two == "entry 1 (key 'a'): value is missing; entry 3: must be an object with key and value"
    many = refusal(json.dumps([{"key": "a"}] * 7).encode())
    assert many.count("value is missing") == 5
    assert many.endswith("entry 4 (key 'a'): value is missing; and 2 more")


def test_a_long_key_is_named_by_its_beginning() -> None:
    assert wrong({"key": "k" * 200}) == f"entry 0 (key '{'k' * 80}'): value is missing"
