"""The words of V8 for documents that are not JSON; none is too long or too deep to be explained."""

import json
import random
import time

import pytest

from queue_emulator.core.json_error import syntax_error_message

# Every pair below is recorded from workerd 1.20260730.1 (JSON.parse inside a Worker) on 2026-11-23.

END = [
    ("", "Unexpected end of JSON input"),
    ("   ", "Unexpected end of JSON input"),
    ("\n\t\r ", "Unexpected end of JSON input"),
    ("[", "Unexpected end of JSON input"),
    ('{"a":', "Unexpected end of JSON input"),
    ("[1,", "Unexpected end of JSON input"),
    ("t", "Unexpected end of JSON input"),
    ("tr", "Unexpected end of JSON input"),
    ("tru", "Unexpected end of JSON input"),
    ("nul", "Unexpected end of JSON input"),
    ("fals", "Unexpected end of JSON input"),
    ('"a\\', "Unexpected end of JSON input"),
    ("[1,\n\n", "Unexpected end of JSON input"),
]

STRUCTURE = [
    ("{", "Expected property name or '}' in JSON at position 1 (line 1 column 2)"),
    ('{"a"', "Expected ':' after property name in JSON at position 4 (line 1 column 5)"),
    ('{"a":1', "Expected ',' or '}' after property value in JSON at position 6 (line 1 column 7)"),
    ('{"a":1,', "Expected double-quoted property name in JSON at position 7 (line 1 column 8)"),
    ('{"a":1,}', "Expected double-quoted property name in JSON at position 7 (line 1 column 8)"),
    ("[1", "Expected ',' or ']' after array element in JSON at position 2 (line 1 column 3)"),
    ("[1,]", "Unexpected token ']', \"[1,]\" is not valid JSON"),
    ("[,1]", "Unexpected token ',', \"[,1]\" is not valid JSON"),
    ("[1 2]", "Expected ',' or ']' after array element in JSON at position 3 (line 1 column 4)"),
    ("[1,,2]", "Unexpected token ',', \"[1,,2]\" is not valid JSON"),
    ("{,}", "Expected property name or '}' in JSON at position 1 (line 1 column 2)"),
    ("{a:1}", "Expected property name or '}' in JSON at position 1 (line 1 column 2)"),
    ("{'a':1}", "Expected property name or '}' in JSON at position 1 (line 1 column 2)"),
    ('{"a" 1}', "Expected ':' after property name in JSON at position 5 (line 1 column 6)"),
    ('{"a"::1}', 'Unexpected token \':\', "{"a"::1}" is not valid JSON'),
    ('{"a":1 "b":2}', "Expected ',' or '}' after property value in JSON at position 7 (line 1 column 8)"),
    ("{1:2}", "Expected property name or '}' in JSON at position 1 (line 1 column 2)"),
    ('{"a":1,2:3}', "Expected double-quoted property name in JSON at position 7 (line 1 column 8)"),
    ('{"a":}', 'Unexpected token \'}\', "{"a":}" is not valid JSON'),
    ("}", "Unexpected token '}', \"}\" is not valid JSON"),
    ("]", "Unexpected token ']', \"]\" is not valid JSON"),
    ("[}", "Unexpected token '}', \"[}\" is not valid JSON"),
    ("{]", "Expected property name or '}' in JSON at position 1 (line 1 column 2)"),
    ("[1}", "Expected ',' or ']' after array element in JSON at position 2 (line 1 column 3)"),
    ('{"a":1]', "Expected ',' or '}' after property value in JSON at position 6 (line 1 column 7)"),
    ("[\n\r\n\rx]", "Unexpected token 'x', \"[\n\r\n\rx]\" is not valid JSON"),
]

STRINGS = [
    ('"', "Unterminated string in JSON at position 1 (line 1 column 2)"),
    ('"abc', "Unterminated string in JSON at position 4 (line 1 column 5)"),
    ('"a\\"', "Unterminated string in JSON at position 4 (line 1 column 5)"),
    ('"\\x"', "Bad escaped character in JSON at position 2 (line 1 column 3)"),
    ('"\\u"', "Bad Unicode escape in JSON at position 3 (line 1 column 4)"),
    ('"\\u12"', "Bad Unicode escape in JSON at position 5 (line 1 column 6)"),
    ('"\\u12', "Bad Unicode escape in JSON at position 5 (line 1 column 6)"),
    ('"\\u', "Bad Unicode escape in JSON at position 3 (line 1 column 4)"),
    ('"\\uzzzz"', "Bad Unicode escape in JSON at position 3 (line 1 column 4)"),
    ('"\\u123g"', "Bad Unicode escape in JSON at position 6 (line 1 column 7)"),
    ('"\\U0041"', "Bad escaped character in JSON at position 2 (line 1 column 3)"),
    ('"a\nb"', "Bad control character in string literal in JSON at position 2 (line 1 column 3)"),
    ('"a\tb"', "Bad control character in string literal in JSON at position 2 (line 1 column 3)"),
    ('"a\x00b"', "Bad control character in string literal in JSON at position 2 (line 1 column 3)"),
    ('"a\x1fb"', "Bad control character in string literal in JSON at position 2 (line 1 column 3)"),
    ('"\\\n"', "Bad escaped character in JSON at position 2 (line 1 column 3)"),
    ("\"a' ", "Unterminated string in JSON at position 4 (line 1 column 5)"),
    ('["a', "Unterminated string in JSON at position 3 (line 1 column 4)"),
    ('["a\n', "Bad control character in string literal in JSON at position 3 (line 1 column 4)"),
    ('{"a\nb":1}', "Bad control character in string literal in JSON at position 3 (line 1 column 4)"),
    ('{"a', "Unterminated string in JSON at position 3 (line 1 column 4)"),
    ('{"a\\q":1}', "Bad escaped character in JSON at position 4 (line 1 column 5)"),
    ('"\\\u00ff"', "Bad escaped character in JSON at position 2 (line 1 column 3)"),
    ('"\\\u0100"', 'Unexpected token \'\u0100\', ""\\\u0100"" is not valid JSON'),
]

NUMBERS = [
    ("n1", "Unexpected number in JSON at position 1 (line 1 column 2)"),
    ("fals3", "Unexpected number in JSON at position 4 (line 1 column 5)"),
    ("-Infinity", "No number after minus sign in JSON at position 1 (line 1 column 2)"),
    ("-NaN", "No number after minus sign in JSON at position 1 (line 1 column 2)"),
    ("01", "Unexpected number in JSON at position 1 (line 1 column 2)"),
    ("00", "Unexpected number in JSON at position 1 (line 1 column 2)"),
    ("-01", "Unexpected number in JSON at position 2 (line 1 column 3)"),
    ("1.", "Unterminated fractional number in JSON at position 2 (line 1 column 3)"),
    ("1.e5", "Unterminated fractional number in JSON at position 2 (line 1 column 3)"),
    (".5", "Unexpected token '.', \".5\" is not valid JSON"),
    ("-", "No number after minus sign in JSON at position 1 (line 1 column 2)"),
    ("-a", "No number after minus sign in JSON at position 1 (line 1 column 2)"),
    ('-"', "No number after minus sign in JSON at position 1 (line 1 column 2)"),
    ("--1", "No number after minus sign in JSON at position 1 (line 1 column 2)"),
    ("+1", "Unexpected token '+', \"+1\" is not valid JSON"),
    ("1e", "Exponent part is missing a number in JSON at position 2 (line 1 column 3)"),
    ("1e+", "Exponent part is missing a number in JSON at position 3 (line 1 column 4)"),
    ("1e-x", "Exponent part is missing a number in JSON at position 3 (line 1 column 4)"),
    ("1E", "Exponent part is missing a number in JSON at position 2 (line 1 column 3)"),
    ("1ex", "Exponent part is missing a number in JSON at position 2 (line 1 column 3)"),
    ("1..2", "Unterminated fractional number in JSON at position 2 (line 1 column 3)"),
    ("-.5", "No number after minus sign in JSON at position 1 (line 1 column 2)"),
    ("[-]", "No number after minus sign in JSON at position 2 (line 1 column 3)"),
    ("[1.]", "Unterminated fractional number in JSON at position 3 (line 1 column 4)"),
    ("[1e]", "Exponent part is missing a number in JSON at position 3 (line 1 column 4)"),
    ("[01]", "Unexpected number in JSON at position 2 (line 1 column 3)"),
    ('{"a":-}', "No number after minus sign in JSON at position 6 (line 1 column 7)"),
    ("n-", "Unexpected number in JSON at position 1 (line 1 column 2)"),
    ("n9", "Unexpected number in JSON at position 1 (line 1 column 2)"),
]

TOKENS = [
    ("trux", "Unexpected token 'x', \"trux\" is not valid JSON"),
    ("nulL", "Unexpected token 'L', \"nulL\" is not valid JSON"),
    ('n"', "Unexpected string in JSON at position 1 (line 1 column 2)"),
    ("True", "Unexpected token 'T', \"True\" is not valid JSON"),
    ("None", "Unexpected token 'N', \"None\" is not valid JSON"),
    ("Inf", "Unexpected token 'I', \"Inf\" is not valid JSON"),
    ("'a'", "Unexpected token ''', \"'a'\" is not valid JSON"),
    ("`a`", "Unexpected token '`', \"`a`\" is not valid JSON"),
    ("// c\n1", "Unexpected token '/', \"// c\n1\" is not valid JSON"),
    ("/* c */1", "Unexpected token '/', \"/* c */1\" is not valid JSON"),
    ("#", "Unexpected token '#', \"#\" is not valid JSON"),
    ("<html>", "Unexpected token '<', \"<html>\" is not valid JSON"),
    ("hello", "Unexpected token 'h', \"hello\" is not valid JSON"),
    ("\x00", "Unexpected token '\x00', \"\x00\" is not valid JSON"),
    ("\x00{}", "Unexpected token '\x00', \"\x00{}\" is not valid JSON"),
    ("\x0b1", "Unexpected token '\x0b', \"\x0b1\" is not valid JSON"),
    ("\u00a01", "Unexpected token '\u00a0', \"\u00a01\" is not valid JSON"),
    ("\u20281", "Unexpected token '\u2028', \"\u20281\" is not valid JSON"),
    ("\n\nx", "Unexpected token 'x', \"\n\nx\" is not valid JSON"),
    ("a\n", "Unexpected token 'a', \"a\n\" is not valid JSON"),
]

NOT_SERIALISED = [
    ("undefined", '"undefined" is not valid JSON'),
    ("NaN", '"NaN" is not valid JSON'),
    ("Infinity", '"Infinity" is not valid JSON'),
    ("[object Object]", '"[object Object]" is not valid JSON'),
    (" undefined", "Unexpected token 'u', \" undefined\" is not valid JSON"),
    ("undefined ", "Unexpected token 'u', \"undefined \" is not valid JSON"),
    ("[undefined]", "Unexpected token 'u', \"[undefined]\" is not valid JSON"),
    ("[NaN]", "Unexpected token 'N', \"[NaN]\" is not valid JSON"),
]

AFTER = [
    ("true1", "Unexpected non-whitespace character after JSON at position 4 (line 1 column 5)"),
    ("truefalse", "Unexpected non-whitespace character after JSON at position 4 (line 1 column 5)"),
    ("1.2.3", "Unexpected non-whitespace character after JSON at position 3 (line 1 column 4)"),
    ("0x10", "Unexpected non-whitespace character after JSON at position 1 (line 1 column 2)"),
    ("1a", "Unexpected non-whitespace character after JSON at position 1 (line 1 column 2)"),
    ("1_000", "Unexpected non-whitespace character after JSON at position 1 (line 1 column 2)"),
    ("1,2", "Unexpected non-whitespace character after JSON at position 1 (line 1 column 2)"),
    ("1 2", "Unexpected non-whitespace character after JSON at position 2 (line 1 column 3)"),
    ('1 "a"', "Unexpected non-whitespace character after JSON at position 2 (line 1 column 3)"),
    ('"a" "b"', "Unexpected non-whitespace character after JSON at position 4 (line 1 column 5)"),
    ('"a"1', "Unexpected non-whitespace character after JSON at position 3 (line 1 column 4)"),
    ("{}{}", "Unexpected non-whitespace character after JSON at position 2 (line 1 column 3)"),
    ("[][]", "Unexpected non-whitespace character after JSON at position 2 (line 1 column 3)"),
    ("{} x", "Unexpected non-whitespace character after JSON at position 3 (line 1 column 4)"),
    ("null null", "Unexpected non-whitespace character after JSON at position 5 (line 1 column 6)"),
    ('"a\x7fb"x', "Unexpected non-whitespace character after JSON at position 5 (line 1 column 6)"),
    ("1 // c", "Unexpected non-whitespace character after JSON at position 2 (line 1 column 3)"),
    ('{"a":1} // comment', "Unexpected non-whitespace character after JSON at position 8 (line 1 column 9)"),
    ("{}\x00", "Unexpected non-whitespace character after JSON at position 2 (line 1 column 3)"),
    ("1\x00", "Unexpected non-whitespace character after JSON at position 1 (line 1 column 2)"),
    ("1\u2029", "Unexpected non-whitespace character after JSON at position 1 (line 1 column 2)"),
]

CUT = [
    (
        "<!DOCTYPE html><html><head></head></html>",
        "Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
    ),
    ("hello world, this is a long text", "Unexpected token 'h', \"hello worl\"... is not valid JSON"),
    (
        '{"a":1,"b":hello world, this is long}',
        'Unexpected token \'h\', ...""a":1,"b":hello worl"... is not valid JSON',
    ),
    ("x" * 20, "Unexpected token 'x', \"xxxxxxxxxxxxxxxxxxxx\" is not valid JSON"),
    ("x" * 21, "Unexpected token 'x', \"xxxxxxxxxx\"... is not valid JSON"),
    ("x" * 22, "Unexpected token 'x', \"xxxxxxxxxx\"... is not valid JSON"),
    ("[1,2,3,4,5,6,7,8,x]", "Unexpected token 'x', \"[1,2,3,4,5,6,7,8,x]\" is not valid JSON"),
    ("[1,2,3,4,5,6,7,8,9,x]", "Unexpected token 'x', ...\"5,6,7,8,9,x]\" is not valid JSON"),
    ("[1,2,3,4,x,5,6,7,8,9]", "Unexpected token 'x', \"[1,2,3,4,x,5,6,7,8,\"... is not valid JSON"),
    ("[1,2,3,4, x,5,6,7,8,]", "Unexpected token 'x', ...\"[1,2,3,4, x,5,6,7,8,\"... is not valid JSON"),
    ("[1,2,3,4,x,5,6,7,8]", "Unexpected token 'x', \"[1,2,3,4,x,5,6,7,8]\" is not valid JSON"),
    ('["abcdefgh",x, 123456789]', 'Unexpected token \'x\', ..."abcdefgh",x, 1234567"... is not valid JSON'),
    ('["abcdefg",x, 1234567890]', 'Unexpected token \'x\', ...""abcdefg",x, 1234567"... is not valid JSON'),
    ('["abcdef",x, 12345678901]', 'Unexpected token \'x\', ..."["abcdef",x, 1234567"... is not valid JSON'),
    ('["abcdefg",x, 12345]', 'Unexpected token \'x\', "["abcdefg",x, 12345]" is not valid JSON'),
    ('["abcdefg",x, 1234567]', 'Unexpected token \'x\', ...""abcdefg",x, 1234567"... is not valid JSON'),
    ('["abcdefghijklmnop",x, 1]', 'Unexpected token \'x\', ..."ijklmnop",x, 1]" is not valid JSON'),
    ('["abcdefghijklmnop",x, 12345]', 'Unexpected token \'x\', ..."ijklmnop",x, 12345]" is not valid JSON'),
    ('["abcdefghijklmnop",x, 123456]', 'Unexpected token \'x\', ..."ijklmnop",x, 123456]" is not valid JSON'),
    (
        '["abcdefghijklmnop",x, 1234567]',
        'Unexpected token \'x\', ..."ijklmnop",x, 1234567"... is not valid JSON',
    ),
    (
        '{"key": "value", "other": tralse, "more": [1,2,3]}',
        'Unexpected token \'a\', ..."other": tralse, "mor"... is not valid JSON',
    ),
    (
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[}",
        "Unexpected token '}', ...\"[[[[[[[[[[}\" is not valid JSON",
    ),
    (
        '{\n  "key": // ],\n  "long": 1}',
        'Unexpected token \'/\', ..."\n  "key": // ],\n  "l"... is not valid JSON',
    ),
    (
        "123456789\n  x, 2345678901234567",
        "Unexpected non-whitespace character after JSON at position 12 (line 2 column 3)",
    ),
]

LINES = [
    ("[\n1,\n2\n3]", "Expected ',' or ']' after array element in JSON at position 7 (line 4 column 1)"),
    (
        '{\n  "a": 1,\n  b: 2\n}',
        "Expected double-quoted property name in JSON at position 14 (line 3 column 3)",
    ),
    ('{\r\n"a": 1,\r\n}', "Expected double-quoted property name in JSON at position 12 (line 3 column 1)"),
    ("[\r1\r2]", "Expected ',' or ']' after array element in JSON at position 4 (line 3 column 1)"),
    ('[\n"a\r\nb"]', "Bad control character in string literal in JSON at position 4 (line 2 column 3)"),
    ("[1,\r\n\r\n\r2 3]", "Expected ',' or ']' after array element in JSON at position 10 (line 4 column 3)"),
]

UTF16 = [
    ("\ufeff{}", "Unexpected token '\ufeff', \"\ufeff{}\" is not valid JSON"),
    ("\ufeff", "Unexpected token '\ufeff', \"\ufeff\" is not valid JSON"),
    ("😀", "Unexpected token '\ud83d', \"😀\" is not valid JSON"),
    ("[😀]", "Unexpected token '\ud83d', \"[😀]\" is not valid JSON"),
    ('"😀', "Unterminated string in JSON at position 3 (line 1 column 4)"),
    ('"😀"x', "Unexpected non-whitespace character after JSON at position 4 (line 1 column 5)"),
    ('["😀" 1]', "Expected ',' or ']' after array element in JSON at position 6 (line 1 column 7)"),
    ("aaaaaaaaa😀aaaaaaaaaaaaaaaaaaaaaaaa", "Unexpected token 'a', \"aaaaaaaaa\ud83d\"... is not valid JSON"),
    (
        "[1,2,3,4,5,😀,6,7,8,9,10,11]",
        "Unexpected token '\ud83d', ...\"1,2,3,4,5,😀,6,7,8,9\"... is not valid JSON",
    ),
    (
        '["😀😀😀😀😀",x,"😀😀😀😀😀"]',
        'Unexpected token \'x\', ..."😀😀😀😀",x,"😀😀😀\ud83d"... is not valid JSON',
    ),
    (
        '["a😀😀😀😀😀",x,"a😀😀😀😀😀"]',
        'Unexpected token \'x\', ..."😀😀😀😀",x,"a😀😀😀"... is not valid JSON',
    ),
    ("\ud800", "Unexpected token '\ud800', \"\ud800\" is not valid JSON"),
    ('["\ud800",x]', 'Unexpected token \'x\', "["\ud800",x]" is not valid JSON'),
    ("\udc00", "Unexpected token '\udc00', \"\udc00\" is not valid JSON"),
    ('"\\😀"', 'Unexpected token \'\ud83d\', ""\\😀"" is not valid JSON'),
]


@pytest.mark.parametrize(("text", "message"), END)
def test_a_document_that_stops_where_more_must_come_says_the_input_ended(text: str, message: str) -> None:
    assert syntax_error_message(text) == message


@pytest.mark.parametrize(("text", "message"), STRUCTURE)
def test_a_wrong_character_between_values_says_what_was_expected_or_quotes_the_text(text: str, message: str) -> None:
    assert syntax_error_message(text) == message


@pytest.mark.parametrize(("text", "message"), STRINGS)
def test_a_broken_string_says_what_is_wrong_with_it_and_where(text: str, message: str) -> None:
    assert syntax_error_message(text) == message


@pytest.mark.parametrize(("text", "message"), NUMBERS)
def test_a_broken_number_says_which_part_is_missing(text: str, message: str) -> None:
    assert syntax_error_message(text) == message


@pytest.mark.parametrize(("text", "message"), TOKENS)
def test_a_character_that_starts_no_value_is_quoted_with_the_whole_short_text(text: str, message: str) -> None:
    assert syntax_error_message(text) == message


@pytest.mark.parametrize(("text", "message"), NOT_SERIALISED)
def test_a_value_that_was_stringified_and_not_serialised_is_quoted_whole_only_when_it_is_all_there_is(
    text: str, message: str
) -> None:
    assert syntax_error_message(text) == message


@pytest.mark.parametrize(("text", "message"), AFTER)
def test_anything_after_the_document_is_reported_at_its_position(text: str, message: str) -> None:
    assert syntax_error_message(text) == message


@pytest.mark.parametrize(("text", "message"), CUT)
def test_a_text_of_more_than_twenty_units_is_quoted_only_around_the_character(text: str, message: str) -> None:
    assert syntax_error_message(text) == message


@pytest.mark.parametrize(("text", "message"), LINES)
def test_the_position_comes_with_a_line_and_column_and_a_carriage_return_with_line_feed_is_one_break(
    text: str, message: str
) -> None:
    assert syntax_error_message(text) == message


@pytest.mark.parametrize(("text", "message"), UTF16)
def test_positions_and_quotes_count_utf_16_units_so_a_pair_can_be_cut_in_half(text: str, message: str) -> None:
    assert syntax_error_message(text) == message


DEEP = 100_000


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * DEEP, "Unexpected end of JSON input"),
        ('{"a":' * DEEP, "Unexpected end of JSON input"),
        (
            "[" * DEEP + "]" * (DEEP - 1),
            "Expected ',' or ']' after array element in JSON at position 199999 (line 1 column 200000)",
        ),
        ("[" * DEEP + "x", "Unexpected token 'x', ...\"[[[[[[[[[[x\" is not valid JSON"),
    ],
    ids=["arrays", "objects", "one bracket short", "a letter at the bottom"],
)
def test_a_document_nested_a_hundred_thousand_deep_is_explained(text: str, message: str) -> None:
    assert syntax_error_message(text) == message


@pytest.mark.no_cover
@pytest.mark.parametrize("text", ["[" * DEEP + "]" * DEEP, "1" * 5000, ' {"a": [1, null, "\\u00e9"]}\n'])
def test_a_text_that_v8_accepts_has_no_message_even_where_python_gives_up(text: str) -> None:
    assert syntax_error_message(text) == ""


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "text",
    [
        '"' + "a" * 2_000_000,
        '"' + "\\n" * 1_000_000,
        "1" * 2_000_000 + "x",
        " " * 2_000_000,
        '["' + "\U0001f600" * 300_000,
    ],
    ids=["plain string", "escapes", "digits", "spaces", "pairs"],
)
def test_a_long_document_is_explained_in_time_that_grows_with_its_length_alone(text: str) -> None:
    started = time.process_time()
    assert syntax_error_message(text)
    # A scan that started over at every character would need hours here.
    assert time.process_time() - started < 10


def test_damage_at_any_place_never_raises_and_never_disagrees_with_python_on_what_is_json() -> None:
    whole = json.dumps({"name": "caf\u00e9 \U0001f600", "n": [0, -1.5e9, True, None], "deep": {"a\n": [{}]}})
    dice = random.Random(20261123)
    for _ in range(3000):
        at = dice.randrange(len(whole) + 1)
        inserted = dice.choice(["", '"', "\\", "{", "]", ",", "0", "-", ".", "e", "\n", "\x00", "\ud83d", "x"])
        text = whole[:at] + inserted + whole[at + dice.randrange(4) :]
        try:
            json.loads(text)
        except ValueError:
            refused = True
        else:
            refused = False
        assert bool(syntax_error_message(text)) is refused, text
