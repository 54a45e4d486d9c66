"""Numbers that an option takes, and what it says of others."""

from argparse import ArgumentTypeError
from collections.abc import Callable

import pytest

from queue_contracts.arguments import count, rate, whole


@pytest.mark.parametrize(
    ("parse", "text", "number"), [(rate, "45/min", 45), (rate, "6000", 6000), (whole, "0", 0), (count, "1", 1)]
)
def test_a_number_is_read(parse: Callable[[str], int], text: str, number: int) -> None:
    assert parse(text) == number


@pytest.mark.parametrize(
    ("parse", "text", "said"),
    [
        (rate, "0/min", "must be from 1/min to 6000/min, not '0/min'"),
        (rate, "6001", "must be from 1/min"),
        (rate, "5/h", "must be from 1/min"),
        (whole, "-1", "must be a whole number, not '-1'"),
        (whole, "1.5", "must be a whole number"),
        (whole, "٣", "must be a whole number"),
        (whole, "9" * 7, "must be a whole number"),
        (count, "0", "must be a whole number above zero, not '0'"),
    ],
)
def test_another_text_is_refused_with_what_is_allowed(parse: Callable[[str], int], text: str, said: str) -> None:
    with pytest.raises(ArgumentTypeError, match=said):
        parse(text)
