"""A text of too many values is refused before it is parsed; brackets and commas inside of strings are none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_emulator.core.json_members import NotAnArray, array_members
from queue_emulator.core.json_size import (
    LARGE_CHARACTERS,
    LARGE_VALUES,
    JsonTooDeep,
    JsonTooLarge,
    check_json,
    check_json_array,
    large,
)
from queue_emulator.core.limits import BULK_JSON_VALUES_MAX, JSON_VALUES_MAX

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def of_values(count: int, value: str = "[]") -> str:
    """An array that is one value and holds the others."""
    return f"[{','.join([value] * (count - 1))}]"


@pytest.mark.no_cover
@pytest.mark.parametrize("value", ["0", "{}", '""', "null"])
def test_as_many_values_as_are_allowed_pass_and_one_more_does_not(value: str) -> None:
    each = 2 if value == "{}" else 1  # one for being there, one for what it may hold
    check_json(of_values(JSON_VALUES_MAX // each, value))
    with pytest.raises(JsonTooLarge, match=r"^more than 250,000 JSON values$"):
        check_json(of_values(JSON_VALUES_MAX // each + 2, value))


@pytest.mark.parametrize("filler", ["[,{" * JSON_VALUES_MAX, '\\"[,' * JSON_VALUES_MAX, "\\\\" * JSON_VALUES_MAX])
def test_what_is_inside_of_a_string_is_no_value(filler: str) -> None:
    check_json(f'{{"a":"{filler}","b":"{filler}"}}', depth_max=1)


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "text", ['["' + '\\"[,' * JSON_VALUES_MAX, "]" * 10 + "," * JSON_VALUES_MAX, '"' * JSON_VALUES_MAX]
)
def test_what_is_no_json_is_walked_once(text: str) -> None:
    try:
        check_json(text)
    except JsonTooLarge:
        return
    with pytest.raises(ValueError, match=r"(?i)expecting|unterminated|extra"):
        json.loads(text)


def test_depth_is_counted_where_it_is_limited() -> None:
    check_json("[" * 200 + "]" * 200, depth_max=200)
    check_json("[" * 201 + "]" * 201)
    check_json("[[],[],[]]", depth_max=2)
    with pytest.raises(JsonTooDeep, match=r"^nested deeper than 200$"):
        check_json("[" * 201 + "]" * 201, depth_max=200)


@pytest.mark.slow
@pytest.mark.no_cover  # ten million steps
def test_each_member_of_bulk_data_may_hold_as_much_as_a_body() -> None:
    member = of_values(JSON_VALUES_MAX // 4 - 2, "0")
    check_json_array(f"[{','.join([member] * 12)}]")
    with pytest.raises(JsonTooLarge, match=r"^more than 250,000 JSON values$"):
        check_json_array(f"[{','.join([member, of_values(JSON_VALUES_MAX + 1, '0'), member])}]")
    with pytest.raises(JsonTooLarge, match=r"^more than 5,000,000 JSON values$"):
        check_json_array(of_values(BULK_JSON_VALUES_MAX + 2, "0"))


@pytest.mark.no_cover
@given(st.lists(JSON), st.sampled_from(["", " ", "\n\t"]))
def test_members_are_those_of_the_whole_array(members: list[object], space: str) -> None:
    text = space + json.dumps(members, separators=(f"{space},{space}", ":")) + space
    assert list(array_members(text)) == members


@pytest.mark.parametrize(
    "text", ["", "[", "[1", "[1,", "[1,]", "[1 2]", "[1]]", "[]x", "{", "[NaN]", '["\x01"]', "[" * 9]
)
def test_what_is_no_array_is_refused_as_the_standard_library_does(text: str) -> None:
    with pytest.raises(ValueError) as ours:
        list(array_members(text))
    assert not isinstance(ours.value, (NotAnArray, JsonTooLarge))
    if "NaN" not in text:
        with pytest.raises(ValueError) as theirs:
            json.loads(text)
        assert str(ours.value).partition(":")[2] == str(theirs.value).partition(":")[2] or text == "[1,]"


@pytest.mark.parametrize("text", ["{}", "1", ' "[]" ', "null"])
def test_another_value_is_no_array(text: str) -> None:
    with pytest.raises(NotAnArray):
        list(array_members(text))


@pytest.mark.parametrize(
    ("value", "is_large"),
    [
        ({"id": "a", "metadata": {"b": ["c"] * 100}}, False),
        ("x" * (LARGE_CHARACTERS - 1), False),
        ({"a": [{"b": "x" * LARGE_CHARACTERS}]}, True),
        (["x" * 100] * 1_000, True),
        ([0] * LARGE_VALUES, True),
        ([[0] * 10] * LARGE_VALUES, True),
        ({str(number): None for number in range(LARGE_VALUES)}, True),
        (None, False),
    ],
)
def test_what_takes_long_to_write_is_known_without_writing_it(value: object, is_large: bool) -> None:
    assert large(value) is is_large
