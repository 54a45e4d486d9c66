"""Text of somebody else's is shown without anything that a terminal would obey, and never as a line of ours."""

import json
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from queue_emulator.core.shown import block, json_value, one_line

OBEYED = {"Cc", "Cs", "Zl", "Zp"}
REORDERING = set("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def obeyed(text: str) -> set[str]:
    """The characters of a text that a terminal would obey; a tab may stay."""
    return {each for each in text if (unicodedata.category(each) in OBEYED and each != "\t") or each in REORDERING}


@given(st.text())
@example("\x1b]0;title\x07\x9b2J\r\n\x85\u2028\ud800\u202e")
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    assert obeyed(one_line(text)) == set()
    assert obeyed(block(text)) <= {"\n"}


@given(st.text())
@example("first\n  GET / 200\n\n    fourth\n")
def test_a_line_inside_of_a_message_never_looks_like_a_message(text: str) -> None:
    assert all(line.startswith("    ") for line in block(text).split("\n")[1:])


@given(st.text())
def test_what_is_shown_already_stays_as_it_is(text: str) -> None:
    assert one_line(one_line(text)) == one_line(text)
    assert block(block(text)) == block(text)


@given(st.dictionaries(st.text(), st.text()))
def test_json_that_is_shown_line_by_line_is_the_same_json(value: dict[str, str]) -> None:
    lines = json.dumps(value, indent=2, ensure_ascii=False).split("\n")
    assert json.loads("\n".join(map(one_line, lines))) == value


@pytest.mark.parametrize("text", ["plain", "a\tb \\ é 👩\u200d🚀", "नमस्\u200dते", "日本語の長い文" * 9, "שִׁ֑בְּ", ""])
def test_text_for_people_stays_as_it_is(text: str) -> None:
    assert (one_line(text), block(text)) == (text, text)


def test_what_unicode_calls_ignorable_is_seen_wherever_it_is_printable_to_python() -> None:
    hidden = "\u034f\u115f\u1160\u17b4\u180b\u180f\u3164\ufe00\uffa0\ufff8\U0001bca0\U0001d173\U000e0100\U000e01ef"
    assert all(one_line(f"a{each}b") == block(f"a{each}b") == f"a{json.dumps(each)[1:-1]}b" for each in hidden)
    assert len(hidden) == 14


@pytest.mark.parametrize("mark", ["\u0301", "\u0323", "\u0e47", "\u20dd", "\u200d", "\ufe0f", "\U0001d167"])
def test_a_flood_of_marks_covers_no_other_line(mark: str) -> None:
    escape = json.dumps(mark)[1:-1]
    assert one_line(f"a{mark * 1_000}b") == block(f"a{mark * 1_000}b") == f"a{mark * 8}{escape * 992}b"
    assert one_line(f"a{mark * 8}b" * 2) == f"a{mark * 8}b" * 2


def test_escapes_are_those_of_json() -> None:
    assert one_line("a\nb\r\x1b[31m\x7f\U000e0041") == r"a\nb\r\u001b[31m\u007f\udb40\udc41"
    assert block("one\r\ntwo\n") == "one\n    two"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        (True, "true"),
        ([None, {"a": False}], '[null, {"a": false}]'),
        ("text", "'text'"),
        ({"é": "\u202e\ud800"}, '{"é": "\\u202e\\ud800"}'),
        (1.5, "1.5"),
        (["x" * 100], '["' + "x" * 78),
    ],
)
def test_a_value_of_json_is_shown_in_json_s_own_words(value: object, shown: str) -> None:
    assert json_value(value) == shown
