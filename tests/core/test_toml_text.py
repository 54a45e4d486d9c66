"""TOML of somebody else: what would take a time that grows faster than its size is refused, the rest is read."""

import pytest

from queue_emulator.core.toml_text import NAMES_MAX, parse_toml

KEY = ".".join("a" * NAMES_MAX)
LONG = ".".join("a" * 200_000)


@pytest.mark.parametrize(
    "text",
    [
        f"{LONG} = 1",
        f"[{LONG}]",
        f"x = {{{LONG} = 1}}",
        f'x = {{y = """x"""", {LONG} = 1}}',
        f"x = '''\n'\n'''\n{LONG} = 1",
        " . ".join(['"a"'] * 200_000) + " = 1",
        f"{KEY}.a = 1",
    ],
)
def test_a_key_of_many_names_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"a key has at most {NAMES_MAX} names joined by dots, and one from"):
        parse_toml(text)


@pytest.mark.parametrize("text", [f"{KEY} = 1", f'x = "{LONG}"', f"x = '''\n{LONG}'''", f"# {LONG}\nx = 1"])
def test_names_in_a_string_or_a_comment_are_no_key(text: str) -> None:
    assert parse_toml(text)


def test_a_number_of_thousands_of_digits_is_refused_in_our_words() -> None:
    with pytest.raises(ValueError, match="a number has at most 4,300 digits"):
        parse_toml(f"x = {'1' * 5_000}")
