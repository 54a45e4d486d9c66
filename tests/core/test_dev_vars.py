"""`.dev.vars` means here what it means to wrangler."""

import pytest

from queue_emulator.core.dev_vars import parse_dev_vars
from queue_emulator.core.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=plain", "plain"),
        ("  export A = spaced out  ", "spaced out"),
        ("A: colon", "colon"),
        ("A=", ""),
        ("A=abc#def", "abc"),
        ("A=abc # note", "abc"),
        ("A='abc#def' # note", "abc#def"),
        ('A="two\nlines"', "two\nlines"),
        ('A="tab \\t, line \\n, quote \\" and \\\\"', 'tab \\t, line \n, quote \\" and \\\\'),
        ("A='it\\'s \\n'", "it\\'s \\n"),
        ('A=`bt "x"`', 'bt "x"'),
        ('A={"a": 1, "b": "#x"}', '{"a": 1, "b": "'),
        ('A="never closed', '"never closed'),
        ("A=1\r\nA=2\r\n", "2"),
        ("\ufeffA=after a mark", "after a mark"),
        ("# A=0\n\n \t\nA=$HOME ${B}", "$HOME ${B}"),
    ],
)
def test_a_value_is_what_wrangler_makes_of_it(text: str, value: str) -> None:
    assert parse_dev_vars(text) == {"A": value}


def test_each_line_is_a_variable() -> None:
    assert parse_dev_vars("A=1\n\nB='2'\n# C=3\nD.e-f=4") == {"A": "1", "B": "2", "D.e-f": "4"}


@pytest.mark.parametrize(("text", "line"), [("secret words", 1), ("A=1\n\nNAME\nB=2", 3), ("A='1'\n=2", 2)])
def test_a_line_that_says_nothing_is_refused_and_not_shown(text: str, line: int) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_dev_vars(text)
    assert str(refused.value) == f"line {line}: must be NAME=VALUE, as in a .env file"
