"""A large object is read in parts, and nobody sees where one ends: what is in it, and what is refused."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_emulator.core.javascript import Json, json_decoder, stringify_json
from queue_emulator.core.json_pieces import stringify_in_pieces
from queue_emulator.core.json_rewriting import read_object
from queue_emulator.core.json_size import JsonTooDeep, JsonTooLarge
from queue_emulator.core.json_text import JsonText
from queue_emulator.core.limits import JSON_VALUES_MAX
from queue_emulator.worker.bodies import BodyError, parse_body

TEXTS = st.text(st.characters(codec="utf-8") | st.sampled_from('"\\,:[]{}\n\U0001f600'), max_size=9)
LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
)
VALUES = st.recursive(
    LEAVES, lambda each: st.lists(each, max_size=7) | st.dictionaries(TEXTS, each, max_size=7), max_leaves=25
)
WRITTEN: list[Callable[[object], str]] = [
    json.dumps,
    lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
    lambda value: json.dumps(value, indent=1),
]
decode = json_decoder().decode


def read(text: str, part_bytes: int) -> Json:
    """As the Worker's answer would have it."""
    members = read_object(text.encode(), decode=decode, part_bytes=part_bytes)
    assert members is not None
    parsed: Json = json.loads(stringify_in_pieces(members))
    return parsed


@pytest.mark.no_cover
@given(st.dictionaries(TEXTS, VALUES, max_size=7), st.sampled_from(WRITTEN), st.integers(12, 60))
def test_the_members_are_those_of_the_whole_text(
    value: dict[str, Json], written: Callable[[object], str], part_bytes: int
) -> None:
    text = written(value)
    members = read_object(text.encode(), decode=decode, part_bytes=part_bytes)
    assert members is not None
    assert stringify_in_pieces(members) == stringify_json(decode(text)).encode()
    assert list(members) == list(decode(text))


@given(
    st.dictionaries(TEXTS, VALUES, min_size=1, max_size=7).map(json.dumps), st.data(), st.integers(12, 60),
    st.sampled_from([*'",:[]{}\\1 ', ""]),
)  # fmt: skip
def test_a_text_that_is_no_json_is_refused_and_one_that_is_one_is_read(
    text: str, data: st.DataObject, part_bytes: int, instead: str
) -> None:
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + instead + text[at + 1 :]
    try:
        expected = _without_two_of_one_name(changed)
    except ValueError:
        with pytest.raises(ValueError, match=r".+"):
            read_object(changed.encode(), decode=_without_two_of_one_name, part_bytes=part_bytes)
        return
    members = read_object(changed.encode(), decode=_without_two_of_one_name, part_bytes=part_bytes)
    assert (members is None) is not isinstance(expected, dict)
    if members is not None:
        assert stringify_in_pieces(members) == stringify_json(expected).encode()


def _without_two_of_one_name(text: str) -> Json:
    def members(pairs: list[tuple[str, Json]]) -> Json:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("twice")
        return dict(pairs)

    parsed: Json = json_decoder(members).decode(text)
    json.dumps(parsed, ensure_ascii=False).encode()  # half of a surrogate pair is refused too
    return parsed


def test_what_is_large_stays_json_and_what_is_small_is_parsed() -> None:
    long = "\U0001f600\n\\" * 30_000
    members = read_object(json.dumps({"a": 1, "b": long, "c": [long], "d": {"e": "f"}}).encode(), decode=decode)
    assert members is not None
    assert (members["a"], members["d"]) == (1, {"e": "f"})
    text, in_array = members["b"], members["c"]
    assert isinstance(text, JsonText)
    assert isinstance(in_array, JsonText)
    assert (text.is_string, text.text()) == (True, long)
    assert json.loads(in_array.content) == [long]


LONG = "x" * 100_000
MANY = ",".join(["1"] * 50_000)
REFUSED = {
    "a name twice": f'{{"a":[{MANY}],"a":1}}',
    "a name twice inside": json.dumps({"a": dict.fromkeys(map(str, range(20_000)))})[:-2] + ',"7":1}}',
    "half a pair": f'{{"a":"{LONG}\\ud800"}}',
    "half a pair at a cut": f'{{"a":"{LONG[:65_530]}\\ud800x{LONG}"}}',
    "no end": f'{{"a":"{LONG}',
    "a comma too many": f'{{"a":[{MANY},]}}',
    "a comma too few": f'{{"a":[{MANY} "b"]}}',
    "no comma behind what is large": f'{{"a":["{LONG}" "b"]}}',
    "two values": f'{{"a":"{LONG}"}}{{}}',
    "a control character": f'{{"a":"{LONG}\t"}}',
}


@pytest.mark.no_cover
@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_a_large_body_is_refused_for_what_a_small_one_is(body: str) -> None:
    with pytest.raises(BodyError) as refused:
        parse_body(body.encode(), {})
    assert refused.value.answer.status == 400


@pytest.mark.parametrize("content", [b'{"a":"' + b"x" * 70_000 + b'\xff"}', b"[" + b"1," * 50_000 + b"1]"])
def test_bytes_that_are_no_utf8_and_an_array_are_no_body(content: bytes) -> None:
    with pytest.raises(BodyError) as refused:
        parse_body(content, {})
    assert refused.value.answer.status == 400


@pytest.mark.no_cover
def test_values_and_depth_are_bounded() -> None:
    many = json.dumps({"a": [1] * (JSON_VALUES_MAX + 1)})
    with pytest.raises(JsonTooLarge, match=r"^more than 250,000 JSON values$"):
        read_object(many.encode(), decode=decode)
    with pytest.raises(JsonTooDeep, match="deeper than 3"):
        read_object(b'{"a":[[["%b"]]]}' % (b"x" * 70_000), decode=decode, depth_max=3)
    assert read('{"a":[["%s"]]}' % ("x" * 70_000), 65_536) == {"a": [["x" * 70_000]]}


@pytest.mark.parametrize("count", [1_999, 2_001, 9_000])
def test_of_many_names_one_that_stands_twice_is_refused(count: int) -> None:
    members = [f'"{number}":0' for number in range(count)]
    assert read(f'{{"a":{{{",".join(members)}}}}}', 500) is not None
    with pytest.raises(ValueError, match="stands twice"):
        read(f'{{"a":{{{",".join([*members, members[0]])}}}}}', 500)
