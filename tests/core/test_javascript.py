"""Numbers, strings and truth as JavaScript makes them of other values; recorded from workerd on 2026-11-23."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_emulator.core import javascript
from queue_emulator.core.errors import KVTypeError
from queue_emulator.core.javascript import UNDEFINED, to_int32, to_number, to_string

NAN = math.nan
INT32 = st.integers(-(2**31), 2**31 - 1)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *[(None, 0), (UNDEFINED, NAN), (True, 1), (False, 0), ({}, NAN), ({"a": 1}, NAN)],
        *[([], 0), ([70], 70), ([[7]], 7), ([70, 80], NAN), (["x"], NAN), ([None], 0), ((5,), 5)],
        *[("", 0), ("  ", 0), (" 120\n", 120), ("\ufeff1", 1), ("\u20281", 1), ("\u0085 1", NAN), ("\u180e1", NAN)],
        *[("0x78", 120), ("0X1F", 31), ("0o17", 15), ("0b12", NAN), ("-0x10", NAN), ("+0x1", NAN), ("0x", NAN)],
        *[("5.", 5), (".5", 0.5), (".", NAN), ("1e2", 100), ("1e", NAN), ("1_000", NAN), ("٣", NAN), ("+-1", NAN)],
        *[("Infinity", math.inf), ("-Infinity", -math.inf), ("+Infinity", math.inf), ("infinity", NAN), ("NaN", NAN)],
        *[("1e1000", math.inf), ("0x" + "f" * 300, math.inf), (10**400, math.inf), (-(10**400), -math.inf)],
    ],
)
def test_a_value_as_a_number(value: Any, number: float) -> None:
    assert to_number(value) == pytest.approx(number, abs=0, nan_ok=True)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (None, 0),
        (NAN, 0),
        (math.inf, 0),
        (-math.inf, 0),
        ("abc", 0),
        (-0.9, 0),
        (60.9, 60),
        (-60.9, -60),
        ("120.7", 120),
    ],
)
def test_an_option_is_cut_to_an_integer_and_what_is_no_number_is_nought(value: Any, number: int) -> None:
    assert to_int32(value) == number


@given(INT32, st.floats(0, 0.999))
def test_an_option_of_32_bits_is_taken_as_it_is(number: int, fraction: float) -> None:
    assert to_int32(number) == to_int32(str(number)) == number
    assert to_int32(number + math.copysign(fraction, number)) == number


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 1e21, "2147483648", [2**31]])
def test_an_option_beyond_32_bits_is_refused(value: Any) -> None:
    with pytest.raises(KVTypeError) as caught:
        to_int32(value)
    assert str(caught.value) == "Value out of range. Must be between -2147483648 and 2147483647 (inclusive)."


@pytest.mark.parametrize(
    ("number", "text"),
    [
        *[
            (0.0, "0"),
            (-0.0, "0"),
            (100, "100"),
            (-1.5, "-1.5"),
            (1e16, "10000000000000000"),
            (0.1 + 0.2, "0.30000000000000004"),
        ],
        *[(123456789012345680000, "123456789012345680000"), (10**20, "100000000000000000000"), (1e21, "1e+21")],
        *[(1e-4, "0.0001"), (1e-5, "0.00001"), (1e-6, "0.000001"), (1.5e-6, "0.0000015"), (-1e-6, "-0.000001")],
        *[(9.99e-7, "9.99e-7"), (1.5e-7, "1.5e-7"), (-1.5e-9, "-1.5e-9"), (123e-20, "1.23e-18"), (5e-324, "5e-324")],
        *[(1.7976931348623157e308, "1.7976931348623157e+308"), (2**53 + 1, "9007199254740992")],
        *[(NAN, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity")],
    ],
)
def test_a_number_is_printed_as_javascript_prints_it(number: float, text: str) -> None:
    assert to_string(number) == text


@given(st.floats(allow_nan=False))
def test_a_printed_number_reads_back_as_itself(number: float) -> None:
    assert to_number(to_string(number)) == number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *[
            ("x", "x"),
            (None, "null"),
            (UNDEFINED, "undefined"),
            (True, "true"),
            (False, "false"),
            ({}, "[object Object]"),
        ],
        *[
            ([], ""),
            (["a", "b"], "a,b"),
            ([UNDEFINED, None, [1, [2]]], ",,1,2"),
            ([{}], "[object Object]"),
            ((1, 2), "1,2"),
        ],
    ],
)
def test_a_value_as_a_text(value: Any, text: str) -> None:
    assert to_string(value) == text


@pytest.mark.parametrize("value", [None, UNDEFINED, False, 0, 0.0, -0.0, NAN, ""])
def test_what_is_false(value: Any) -> None:
    assert not javascript.truthy(value)


@pytest.mark.parametrize("value", [True, 1, -1, 0.5, math.inf, "0", "false", " ", [], {}, [0]])
def test_what_is_true(value: Any) -> None:
    assert javascript.truthy(value)


@pytest.mark.parametrize(
    ("value", "copied"),
    [
        ({"a": 1}, {"a": 1}),
        (["x", None], {"0": "x", "1": None}),
        ("ab", {"0": "a", "1": "b"}),
        ("😀a", {"0": "\ud83d", "1": "\ude00", "2": "a"}),
        (None, {}),
        (UNDEFINED, {}),
        (7, {}),
        (True, {}),
    ],
)
def test_what_spreading_into_an_object_copies(value: Any, copied: dict[str, Any]) -> None:
    assert javascript.spread(value) == copied


def test_spreading_copies() -> None:
    original = {"a": 1}
    javascript.spread(original)["a"] = 2
    assert original == {"a": 1}


@pytest.mark.parametrize(
    ("text", "content"), [("\ud800", b"\xed\xa0\x80"), ("a\udc00b", b"a\xed\xb0\x80b"), ("é😀", "é😀".encode())]
)
def test_a_lone_surrogate_is_encoded_as_three_bytes(text: str, content: bytes) -> None:
    assert javascript.utf8(text) == content


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        (b"\xff\xfea", "\ufffd\ufffda"),
        (b"\xe2\x82", "\ufffd"),
        (b"\xf0\x9f\x98A", "\ufffdA"),
        (b"\xc0\xaf", "\ufffd\ufffd"),
        (b"\xef\xbb\xbfa", "\ufeffa"),
    ],
)
def test_what_is_not_utf8_is_decoded_to_replacement_characters(content: bytes, text: str) -> None:
    assert javascript.from_utf8(content) == text


@pytest.mark.parametrize("name", ["0", "7", "42", "4294967294"])
def test_an_array_index(name: str) -> None:
    assert javascript.is_array_index(name)


@pytest.mark.parametrize(
    "name", ["", "00", "007", "-1", "-0", "1.5", " 1", "1e3", "4294967295", "9007199254740993", "٣", "1\n", "9" * 5_000]
)
def test_not_an_array_index(name: str) -> None:
    assert not javascript.is_array_index(name)


def test_undefined_is_not_null_and_says_its_name() -> None:
    assert UNDEFINED is not None
    assert repr(UNDEFINED) == "undefined"
