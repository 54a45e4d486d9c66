"""A large array is decoded member by member, and its members are those of the whole text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_emulator.core.bulk import parse_bulk
from queue_emulator.core.errors import BulkDataError
from queue_emulator.core.javascript import json_decoder, stringify_json
from queue_emulator.core.json_members import NotAnArray, members_of
from queue_emulator.core.json_pieces import stringify_in_pieces
from queue_emulator.core.json_size import JsonTooLarge
from queue_emulator.core.limits import JSON_VALUES_MAX

TEXTS = st.text(st.characters(codec="utf-8") | st.sampled_from('"\\,[]{}\U0001f600'), max_size=9)
MEMBERS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda each: st.lists(each, max_size=4) | st.dictionaries(TEXTS, each, max_size=4),
    max_leaves=10,
)


@pytest.mark.no_cover
@given(st.lists(MEMBERS, max_size=6).map(json.dumps), st.sampled_from(["", "\ufeff", " \n"]))
def test_the_members_are_those_of_the_whole_text(text: str, before: str) -> None:
    found = list(members_of((before + text).encode(), large_bytes=0))
    assert list(map(stringify_in_pieces, found)) == [
        stringify_json(each).encode() for each in json_decoder().decode(text)
    ]


@given(st.lists(MEMBERS, min_size=1, max_size=6).map(json.dumps), st.data(), st.sampled_from([*'",[]{}\\1 ', ""]))
def test_a_text_that_is_no_array_is_refused_and_one_that_is_one_is_read(
    text: str, data: st.DataObject, instead: str
) -> None:
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + instead + text[at + 1 :]
    try:
        expected = json_decoder().decode(changed)
    except ValueError:
        expected = None
    if isinstance(expected, list):
        found = list(members_of(changed.encode(), large_bytes=0))
        assert list(map(stringify_in_pieces, found)) == [stringify_json(each).encode() for each in expected]
    else:
        with pytest.raises(ValueError, match=r".+"):
            list(members_of(changed.encode(), large_bytes=0))


def test_what_is_no_array_is_told_from_what_is_no_json() -> None:
    with pytest.raises(NotAnArray):
        list(members_of(b'{"a":1}', large_bytes=0))
    with pytest.raises(ValueError, match="Expecting value in the member that begins at byte 3"):
        list(members_of(b"[1,x]", large_bytes=0))
    with pytest.raises(UnicodeDecodeError) as refused:
        list(members_of(b'[1,"\xff"]', large_bytes=0))
    assert refused.value.start == 4


@pytest.mark.parametrize("text", [b"[\x0b]", b"[\x0c]", b"\x0b[]", b"[]\x0c", b"[1,\x0b]"])
@pytest.mark.parametrize("large_bytes", [0, 1 << 20])
def test_what_is_no_space_in_json_is_refused_in_a_large_text_as_in_a_small_one(text: bytes, large_bytes: int) -> None:
    with pytest.raises(ValueError, match=r".+"):
        list(members_of(text, large_bytes=large_bytes))


@pytest.mark.no_cover  # the tracer would be at it for seconds
def test_one_member_may_hold_as_much_as_another_text() -> None:
    member = json.dumps([1] * (JSON_VALUES_MAX - 10))
    assert len(list(members_of(f"[{member},{member}]".encode()))) == 2
    with pytest.raises(JsonTooLarge, match="more than 250,000"):
        list(members_of(f"[{member},{json.dumps([1] * JSON_VALUES_MAX)}]".encode()))


def test_a_large_value_is_what_a_small_one_is() -> None:
    long = "\U0001f600\n\\\u00e9" * 200_000
    entries = [
        {"key": "a", "value": long, "metadata": {"m": 1}},
        {"key": "b", "value": "v", "metadata": "x" * 70_000},
        {"key": "c", "value": "eHh4" * 20_000, "base64": True},
    ]
    with pytest.raises(BulkDataError, match="Metadata length of 70002"):
        parse_bulk(json.dumps(entries).encode(), 0)
    del entries[1]
    one, other = parse_bulk(json.dumps(entries).encode(), 0).requests
    assert (one.key, one.value, one.metadata) == (b"a", long.encode(), '{"m":1}')
    assert other.value == b"xxx" * 20_000


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"key": "k" * 70_000, "value": "v"}, "exceeds key length limit"),
        ({"key": "k", "value": ["v" * 70_000]}, "value must be a string"),
        ({"key": "k", "value": "v", "expiration": "9" * 70_000}, "expiration must be an integer"),
        ({"key": "k", "value": "v" * 70_000 + "\ud800"}, "not JSON|lone surrogate"),
        (["v" * 70_000], "must be an object"),
    ],
)
def test_what_is_large_in_the_wrong_place_is_refused_for_it(entry: object, why: str) -> None:
    padding = {"key": "padding", "value": "p" * (1 << 20)}
    with pytest.raises(BulkDataError, match=why):
        parse_bulk(json.dumps([padding, entry]).encode(), 0)
