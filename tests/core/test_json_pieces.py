"""Large values are written piece by piece, and nobody sees where one ends."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_emulator.core.errors import JavaScriptError
from queue_emulator.core.javascript import Json, stringify_json
from queue_emulator.core.json_pieces import stringify_in_pieces

TEXTS = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from('"\\\n\x00\ud800\udfff\U0001f600')), max_size=9)
NUMBERS = st.one_of(st.integers(-(2**53), 2**53), st.floats())
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
VALUES = st.recursive(
    LEAVES, lambda each: st.one_of(st.lists(each, max_size=7), st.dictionaries(TEXTS, each, max_size=7))
)


@given(VALUES, st.integers(1, 4), st.integers(1, 4))
def test_pieces_make_the_same_text(value: Json, characters: int, members: int) -> None:
    assert stringify_in_pieces(value, characters=characters, members=members) == stringify_json(value).encode()


LONG = "x" * 100_000


@pytest.mark.parametrize(
    "value",
    [
        LONG + '"\ud83d',
        {LONG: [LONG, {"a": LONG, "b": []}], "c": 1e21},
        [*range(2_500), LONG, 0.1, *["y"] * 2_000],
        {str(number): number for number in range(2_500)},
        [[LONG], (1, 2, LONG), {}],
    ],
    ids=["a-string", "an-object", "an-array", "many-members", "arrays"],
)
def test_what_is_large_inside_is_taken_apart(value: Any) -> None:
    assert stringify_in_pieces(value) == stringify_json(value).encode()


@pytest.mark.no_cover
def test_what_is_nested_too_deep_is_refused_as_elsewhere() -> None:
    value: Json = LONG
    for _ in range(2_000):
        value = [value]
    with pytest.raises(JavaScriptError, match="nested deeper"):
        stringify_in_pieces(value)


def test_what_is_no_json_is_refused_as_elsewhere() -> None:
    with pytest.raises(TypeError, match="bytes"):
        stringify_in_pieces([LONG, b"x"])
