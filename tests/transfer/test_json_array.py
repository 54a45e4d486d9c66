"""A JSON array read piece by piece: the same members and the same errors as when it is read as a whole."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from queue_emulator.core.bulk import parse_bulk
from queue_emulator.core.errors import BulkDataError
from queue_emulator.core.javascript import json_decoder
from queue_emulator.transfer.json_array import array_members

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def refusal(content: bytes, size: int) -> str:
    with pytest.raises(BulkDataError) as caught:
        list(array_members(pieces(content, size)))
    return str(caught.value)


@pytest.mark.slow
@given(st.lists(JSON, max_size=5), st.integers(1, 40), st.booleans(), st.sampled_from([None, 1, "\t"]))
@example(["é😀"], 1, True, None)
@example([12345678901234567, -1.5e-7, True, None], 1, False, None)
def test_members_are_those_of_the_whole_text(members: list[Any], size: int, ascii_only: bool, indent: Any) -> None:
    text = json.dumps(members, ensure_ascii=ascii_only, indent=indent)
    if any("\ud800" <= character <= "\udfff" for character in text):
        text = json.dumps(members, indent=indent)
    assert list(array_members(pieces(text.encode(), size))) == json_decoder().decode(text)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 4096])
@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"[", b"{}", b"null", b'"[]"', b"1", b"{", b"{} x", b"[,1]", b"[1,]", b"[1 2]", b"[1", b"[1,", b"[1,2"),
        *(b"[] []", b"[1]]", b"[1]\n\n x", b"[tru]", b"[-]", b"[01]", b"[1e]", b"[NaN]", b"[-Infinity]", b"[[1,[2,"),
        *(b'["abc', b'["a\nb"]', b'["\\x"]', b'["\\u12"]', b'[{"a":1,\n\n"b" 2}]', b"[\n1,\n2,\n x]", b"[" * 100_000),
        *(b"\xff[]", b'["\xc3"]', b'["\xc3', b'["\xc3\xa9",\n\xff]', b'["\xed\xa0\x80"]', b"\xef\xbb\xbf" * 2 + b"[]"),
    ],
)
def test_what_is_wrong_is_said_as_of_the_whole_text(content: bytes, size: int) -> None:
    with pytest.raises(BulkDataError) as whole:
        parse_bulk(content, 0)
    assert refusal(content, size) == str(whole.value)


@pytest.mark.parametrize("size", [1, 5, 4096])
def test_a_byte_order_mark_and_white_space_are_skipped(size: int) -> None:
    assert list(array_members(pieces(b"\xef\xbb\xbf \n[ 1 ,\t2 ]\r\n", size))) == [1, 2]


@pytest.mark.parametrize("wrong", [b'{"a" 1}', b"nul,", b'"\x01"', b"1 1"])
def test_a_wrong_member_is_refused_without_reading_on(wrong: bytes) -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        yield b"[1," + wrong + b","
        while True:
            read += 1
            yield b'"more",' * 1000

    with pytest.raises(BulkDataError):
        list(array_members(endless()))
    assert read <= 2


def test_only_the_largest_member_is_held() -> None:
    held = 0

    def measured() -> Iterator[bytes]:
        nonlocal held
        yield b"["
        for number in range(2000):
            held += 1
            yield b'"%04d%s",' % (number, b"x" * 1000)
        yield b"0]"

    for given_out, _ in enumerate(array_members(measured()), start=1):
        assert held - given_out <= 2  # members that were read and not yet given


@pytest.mark.parametrize("unit", [b"[]", b'{"a":1}', b"1"])
def test_a_member_of_too_many_values_is_refused_before_it_is_read_whole(unit: bytes) -> None:
    read = 0

    def chunks() -> Iterator[bytes]:
        nonlocal read
        yield b'[{"a":[0'
        for read in range(1_000):  # noqa: B007  what has been read so far
            yield (b"," + unit) * 10_000

    with pytest.raises(BulkDataError, match="more than 250,000 JSON values"):
        list(array_members(chunks()))
    assert read < 50


def test_a_long_text_with_many_commas_is_one_value() -> None:
    text = "[,{" * 400_000
    assert list(array_members([b'["', *[text[:300_000].encode()] * 3, b'"]'])) == [text[:300_000] * 3]
