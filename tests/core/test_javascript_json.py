"""JSON.parse and JSON.stringify: what is read, what is written, and what is refused."""

import math
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_emulator.core.errors import JavaScriptError, KVSyntaxError
from queue_emulator.core.javascript import parse_json, stringify_json

SAFE = 2**53 - 1
TEXTS = st.text(st.characters(exclude_categories=[]), max_size=10).map(
    lambda text: text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")  # pairs are one letter
)
NUMBERS = st.integers(-SAFE, SAFE) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.slow
@given(VALUES)
def test_what_is_written_reads_back_as_itself(value: Any) -> None:
    assert as_doubles(parse_json(stringify_json(value))) == as_doubles(value)


@pytest.mark.slow
@given(VALUES)
def test_what_was_read_is_written_in_the_same_words_each_time(value: Any) -> None:
    text = stringify_json(value)
    assert stringify_json(parse_json(text)) == text


@pytest.mark.slow
@given(VALUES)
def test_what_is_written_can_be_encoded(value: Any) -> None:
    stringify_json(value).encode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, None, True, "é\u2028\u007f"]}, '{"a":[1,null,true,"é\u2028\u007f"]}'),
        ("\ud800", '"\\ud800"'),
        ({"\udc00": 1}, '{"\\udc00":1}'),
        ('\n\0"\\', '"\\n\\u0000\\"\\\\"'),
        ([1.0, -0.0, 1e16, 1e21], "[1,0,10000000000000000,1e+21]"),
        ([1.5e-7, 1e-6, 1e-5, 1.5], "[1.5e-7,0.000001,0.00001,1.5]"),
        (["1e-07", '"1.0', "\\", 1e-7], '["1e-07","\\"1.0","\\\\",1e-7]'),
        ({"1e-05": 1e-05}, '{"1e-05":0.00001}'),
        (2**53 - 1, "9007199254740991"),
    ],
)
def test_a_value_is_written_as_javascript_writes_it(value: Any, text: str) -> None:
    assert stringify_json(value) == text


def test_numbers_that_are_not_finite_are_written_as_null() -> None:
    assert stringify_json(math.nan) == "null"
    assert stringify_json({"a": [math.inf, {"b": -math.inf}], "c": 1.0}) == '{"a":[null,{"b":null}],"c":1}'


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.0", 1),
        ("1e3", 1000),
        ("-0", 0),
        ("-0.0", 0),
        ("9007199254740993", 9007199254740992),
        ("12345678901234567890", 12345678901234567000),
        ("1e400", math.inf),
        ("9" * 5000, math.inf),
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\ud800"', "\ud800"),
        ('{"a":1,"b":2,"a":3}', {"a": 3, "b": 2}),
        (" [ ] ", []),
    ],
)
def test_a_text_is_read_as_javascript_reads_it(text: str, value: Any) -> None:
    assert parse_json(text) == value


@pytest.mark.parametrize("text", ["1.0", "1e3", "100000000000000000000.0"])
def test_an_integral_number_is_given_as_an_int(text: str) -> None:
    assert type(parse_json(text)) is int


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Unexpected end of JSON input"),
        ("NaN", '"NaN" is not valid JSON'),
        ("-Infinity", "No number after minus sign in JSON at position 1 (line 1 column 2)"),
        ("[Infinity]", "Unexpected token 'I', \"[Infinity]\" is not valid JSON"),
        ("\ufeff1", "Unexpected token '\ufeff', \"\ufeff1\" is not valid JSON"),
        ("[1,]", "Unexpected token ']', \"[1,]\" is not valid JSON"),
        ("'a'", "Unexpected token ''', \"'a'\" is not valid JSON"),
        ("01", "Unexpected number in JSON at position 1 (line 1 column 2)"),
    ],
)
def test_what_is_not_json_is_refused_in_v8_s_words(text: str, message: str) -> None:
    with pytest.raises(KVSyntaxError) as caught:
        parse_json(text)
    assert (caught.value.name, str(caught.value)) == ("SyntaxError", message)


def test_a_text_nested_too_deep_to_read_is_refused() -> None:
    with pytest.raises(KVSyntaxError, match=r"^JSON nested deeper than this emulator reads$"):
        parse_json("[" * 200_000 + "]" * 200_000)


@pytest.mark.parametrize("innermost", [0, math.inf], ids=["finite", "infinite"])
def test_a_value_nested_too_deep_to_write_is_refused(innermost: float) -> None:
    value: Any = innermost
    for _ in range(100_000):
        value = [value]
    with pytest.raises(JavaScriptError, match=r"^JSON nested deeper than this emulator writes$"):
        stringify_json(value)


def test_an_infinity_nested_as_deep_as_can_be_read_is_written_or_refused_as_any_value() -> None:
    text = "[" * 700 + "1e999" + "]" * 700
    try:
        assert stringify_json(parse_json(text)) == text.replace("1e999", "null")
    except JavaScriptError as error:
        assert "JSON nested deeper than this emulator" in str(error)


def as_doubles(value: Any) -> Any:
    """Python's integers compare exactly, JavaScript's numbers as doubles."""
    match value:
        case bool():
            return value
        case int():
            return float(value)
        case list():
            return [as_doubles(item) for item in value]
        case dict():
            return {name: as_doubles(item) for name, item in value.items()}
    return value


def test_any_mapping_is_written_as_an_object_and_any_sequence_as_an_array() -> None:
    assert stringify_json(MappingProxyType({"a": range(2), "b": (True, None)})) == '{"a":[0,1],"b":[true,null]}'
    assert stringify_json(MappingProxyType({"a": (1.5, math.nan)})) == '{"a":[1.5,null]}'


@pytest.mark.parametrize("value", [b"a", bytearray(b"a"), {"nan": math.nan, "a": b"a"}, {1}], ids=str)
def test_what_json_has_no_form_for_is_refused_by_its_type(value: Any) -> None:
    with pytest.raises(TypeError, match=r"a value of type \w+ cannot be written as JSON"):
        stringify_json(value)
