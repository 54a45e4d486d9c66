"""What has another form is refused in one line: where it stands, what is allowed there, and what was given."""

from typing import Annotated, Literal

import msgspec
import pytest

from queue_emulator.core.errors import ShapeError
from queue_emulator.core.shapes import shaped


class Part(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    kind: Literal["b", "a"] = "a"


class Whole(msgspec.Struct, forbid_unknown_fields=True):
    text: Annotated[str, msgspec.Meta(min_length=1)] = "x"
    short: Annotated[str, msgspec.Meta(max_length=2)] = ""
    number: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1
    least: Annotated[int, msgspec.Meta(ge=1)] | None = None
    share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1
    above: Annotated[float, msgspec.Meta(gt=0)] = 1
    any_number: float = 0
    flag: bool = False
    only: Literal["one"] | None = None
    parts: list[Part] = []
    few: Annotated[list[str], msgspec.Meta(min_length=1, max_length=2)] = []
    pair: tuple[int, ...] = ()
    by_name: dict[str, Part | None] = {}
    either: int | str | None = None
    said: Annotated[int | None, msgspec.Meta(description="the number of a house")] = None


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([], "must be an object, not []"),
        ({"colour": 1}, "unknown member 'colour'; allowed: text, short, number, least, "),
        ({"\ud800": 1}, r"unknown member '\ud800'"),
        ({"x - at `$.y": 1}, "unknown member 'x - at `$.y'; allowed: text, "),
        ({"x` - at `$.text": 1}, "unknown member 'x` - at `$.text'; allowed: text, "),
        ({" - at `$[...]": 1}, "unknown member ' - at `$[...]'; allowed: text, "),
        ({"only": "x - at `$.y"}, "only must be 'one', not 'x - at `$.y'"),
        ({"parts": [{"x - at `$.y": 1}]}, "unknown member 'x - at `$.y' in parts[0]; allowed: name, kind"),
        ({"parts": [{"x` - at `$.text": 1}]}, "unknown member 'x` - at `$.text' in parts[0]; allowed: name, kind"),
        ({"by_name": {"k": {"x - at `$.y": 1}}}, "unknown member 'x - at `$.y' in by_name.k; allowed: name, kind"),
        ({"text": 5}, "text must be a string that is not empty, not 5"),
        ({"text": ""}, "text must be a string that is not empty, not ''"),
        ({"text": None}, "text must be a string that is not empty, not null"),
        ({"short": "abc"}, "short must be a string of 0 to 2 characters, not 'abc'"),
        ({"number": 6}, "number must be a whole number from 1 to 5, not 6"),
        ({"number": True}, "number must be a whole number from 1 to 5, not true"),
        ({"number": 1.0}, "number must be a whole number from 1 to 5, not 1.0"),
        ({"number": 10**30}, f"number must be a whole number from 1 to 5, not {10**30}"),
        ({"least": 0}, "least must be a whole number of 1 or more, not 0"),
        ({"share": 0}, "share must be a number above 0 and at most 1, not 0"),
        ({"above": -1}, "above must be a number above 0, not -1"),
        ({"any_number": "x" * 100}, f"any_number must be a number, not '{'x' * 79}"),
        ({"flag": 1}, "flag must be true or false, not 1"),
        ({"only": "two"}, "only must be 'one', not 'two'"),
        ({"parts": {}}, "parts must be an array, not {}"),
        ({"parts": [{"name": "a"}, 5]}, "parts[1] must be an object, not 5"),
        ({"parts": [{}]}, "parts[0].name is missing"),
        ({"parts": [{"name": "a", "b": 1}]}, "unknown member 'b' in parts[0]; allowed: name, kind"),
        ({"parts": [{"name": "a", "kind": "c"}]}, "parts[0].kind must be one of b, a, not 'c'"),
        ({"few": []}, "few must be an array of 1 to 2 items, not []"),
        ({"few": "abc"}, "few must be an array of 1 to 2 items, not 'abc'"),
        ({"pair": [1, "2"]}, "pair[1] must be a whole number, not '2'"),
        ({"by_name": {"x.y [0]": None, "z": {"name": 1}}}, "by_name.z.name must be a string, not 1"),
        ({"by_name": {"x.y [0]": 1}}, "by_name.x.y [0] must be an object, not 1"),
        ({"either": 1.5}, "either must be a whole number or a string, not 1.5"),
        ({"said": "5"}, "said must be the number of a house, not '5'"),
    ],
)
def test_what_has_another_form_is_refused_with_its_place_and_value(given: object, why: str) -> None:
    with pytest.raises(ShapeError) as refused:
        shaped(given, Whole)
    assert str(refused.value).startswith(why)
    assert len(str(refused.value)) < 250


def test_an_object_is_called_what_its_language_calls_it() -> None:
    with pytest.raises(ShapeError, match=r"^parts\[0\] must be a table, not 5$"):
        shaped({"parts": [5]}, Whole, an_object="a table")


def test_a_part_is_named_with_the_place_of_the_whole() -> None:
    with pytest.raises(ShapeError, match=r"^task\.parts\[0\]\.name is missing$"):
        shaped({"parts": [{}]}, Whole, place="task")
    with pytest.raises(ShapeError, match=r"^unknown member 'x' in task; allowed: text, "):
        shaped({"x": 1}, Whole, place="task")


def test_what_fits_is_taken_as_it_is() -> None:
    given = {"parts": [{"name": "\ud800"}], "any_number": 1, "by_name": {"x": None}}
    assert shaped(given, Whole) == Whole(parts=[Part("\ud800")], any_number=1, by_name={"x": None})
