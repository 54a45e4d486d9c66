"""Wrangler configs in JSON: comments and trailing commas are read, and what is wrong is told with its line."""

import json

import pytest

from queue_emulator.workerd.jsonc import parse_jsonc


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1, /* x */ "b": [2, // y\n], }', {"a": 1, "b": [2]}),
        ('{"//": "/* , ] */", "b": "\\",}"}', {"//": "/* , ] */", "b": '",}'}),
        ("/* a */// b\r\n1", 1),
        ("{'a': 1}", {"a": 1}),
        ('[1, /* x */ ]', [1]),
    ],
)  # fmt: skip
def test_comments_and_trailing_commas_are_read_outside_of_strings(text: str, value: object) -> None:
    assert parse_jsonc(text) == value


def test_a_large_text_is_read_as_a_small_one() -> None:
    assert parse_jsonc("[" + "1, // one\n" * 100_000 + "]") == [1] * 100_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[\n" + "{'a': 1},\n" * 50_000 + "]", "line 2 column 2"),
        ("[1, /* x\n */ " + "2, " * 20_000 + "x]", "line 2"),
        ("[" + "1, " * 20_000 + "/* no end", "Expecting value"),
        ('["' + '\\"' * 100_000, "Unterminated string"),
    ],
)
def test_what_is_wrong_in_a_large_text_is_told_with_its_place(text: str, said: str) -> None:
    with pytest.raises(json.JSONDecodeError, match=said):
        parse_jsonc(text)
