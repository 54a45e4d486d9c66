"""What others wrote, in the shape that is needed: checked by msgspec, refused in one line with its place and value.

A shape is a `msgspec.Struct`. Bounds stand in its annotations; where these do not say all that is allowed, a
`msgspec.Meta(description=…)` does: https://jcristharif.com/msgspec/constraints.html
"""

import re
from collections.abc import Callable, Mapping, Sequence
from types import NoneType
from typing import Annotated, Literal, TypeVar, cast, get_args, get_origin

import msgspec
from msgspec import inspect

from queue_emulator.core.errors import ShapeError
from queue_emulator.core.shown import json_value

Shape = TypeVar("Shape")

_SHOWN_CHARACTERS_MAX = 80
# A name or a value in it may look like a path: the last one counts, of which nothing is anybody's own text.
_ERROR = re.compile(r"(?P<why>.*?)(?: - at `\$(?P<path>[\w.\[\]]*)`)?", re.DOTALL)
_STEP = re.compile(r"\.(?P<name>\w+)|\[(?P<number>\d+)\]|\[\.\.\.\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>.*)`")


def shaped(
    given: object,
    shape: type[Shape],
    *,
    place: str = "",
    an_object: str = "an object",
    shown: Callable[[object], str] = json_value,
) -> Shape:
    """`given` as a `shape`; raises ShapeError for anything else.

    place      where it stands in what was read, if not at the top
    an_object  what its language calls an object, such as "a table"
    shown      how its language writes a value
    """
    try:
        return msgspec.convert(given, shape)
    except UnicodeEncodeError as error:  # half of a surrogate pair in the name of a member, as JSON can have it
        raise ShapeError(f"unknown member {error.object[:_SHOWN_CHARACTERS_MAX]!r}") from None
    except msgspec.ValidationError as error:
        why, path = _said(str(error), given)
        place, value, kind = _followed(path, place, given, shape)
        raise ShapeError(_words(why, place, shown(value), kind, an_object)) from None


def _said(text: str, given: object) -> tuple[str, str]:
    """What is wrong, and msgspec's path to it: none for an unknown member at the top, whatever its name looks like."""
    unknown = _UNKNOWN.fullmatch(text)
    if unknown and isinstance(given, Mapping) and unknown["name"] in given:
        return text, ""
    said = _ERROR.fullmatch(text)
    assert said is not None, "it matches anything"
    return said["why"], said["path"] or ""


def _words(why: str, place: str, value: str, kind: object, an_object: str) -> str:
    if unknown := _UNKNOWN.fullmatch(why):
        named, inside = unknown["name"][:_SHOWN_CHARACTERS_MAX], f" in {place}" if place else ""
        return f"unknown member {named!r}{inside}; allowed: {', '.join(_members(kind))}"
    if missing := _MISSING.fullmatch(why):
        return f"{_below(place, missing['name'])} is missing"
    bare = _bare(kind)  # msgspec's own view of a Literal is sorted
    allowed = _one_of(get_args(bare)) if get_origin(bare) is Literal else _allowed(inspect.type_info(kind), an_object)
    return f"{place} must be {allowed}, not {value}".lstrip()


def _followed(path: str, place: str, value: object, kind: object) -> tuple[str, object, object]:
    """Where msgspec's path leads: the place as people write it, what stands there, and its type."""
    for step in _STEP.finditer(path):
        kind = _bare(kind)
        if step["number"] is not None:
            value, kind = cast("Sequence[object]", value)[int(step["number"])], get_args(kind)[0]
            place = f"{place}[{step['number']}]"
            continue
        members = cast("Mapping[str, object]", value)
        if step["name"] is not None:
            name, kind = step["name"], _members(kind)[step["name"]]
        else:  # msgspec does not say which member of a dict it is
            kind = get_args(kind)[1]
            name = next(name for name, each in members.items() if not _fits(each, kind))
        value, place = members[name], _below(place, name)
    return place, value, kind


def _below(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _members(shape: object) -> dict[str, object]:
    """The members of a struct, with their types."""
    return {each.encode_name: each.type for each in msgspec.structs.fields(cast("type[msgspec.Struct]", _bare(shape)))}


def _bare(kind: object) -> object:
    """A type without bounds and without null."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    others = [each for each in get_args(kind) if each is not NoneType]
    return _bare(others[0]) if len(others) == 1 and NoneType in get_args(kind) else kind


def _fits(value: object, kind: object) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _allowed(kind: inspect.Type, an_object: str) -> str:
    match kind:
        case inspect.Metadata(extra_json_schema={"description": str(said)}):
            return said
        case inspect.Metadata(type=of):
            return _allowed(of, an_object)
        case inspect.UnionType(types=types):
            return " or ".join(_allowed(each, an_object) for each in types if not isinstance(each, inspect.NoneType))
        case inspect.LiteralType(values=values):
            return _one_of(values)
        case inspect.IntType() | inspect.FloatType():
            return _NAMES[type(kind)] + _range(kind)
        case inspect.StrType() | inspect.ListType() | inspect.VarTupleType():
            return _NAMES[type(kind)] + _length(kind)
    return _NAMES.get(type(kind), an_object)


def _one_of(values: Sequence[object]) -> str:
    return f"one of {', '.join(map(str, values))}" if len(values) > 1 else repr(values[0])


_NAMES: dict[type[inspect.Type], str] = {
    inspect.BoolType: "true or false",
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.StrType: "a string",
    inspect.ListType: "an array",
    inspect.VarTupleType: "an array",
}


def _range(kind: inspect.IntType | inspect.FloatType) -> str:
    match kind.ge, kind.gt, kind.le:
        case None, None, None:
            return ""
        case None, above, None:
            return f" above {above}"
        case None, above, most:
            return f" above {above} and at most {most}"
        case least, _, None:
            return f" of {least} or more"
        case least, _, most:
            return f" from {least} to {most}"


def _length(kind: inspect.StrType | inspect.ListType | inspect.VarTupleType) -> str:
    of = "characters" if isinstance(kind, inspect.StrType) else "items"
    match kind.min_length, kind.max_length:
        case None, None:
            return ""
        case _, None:
            return " that is not empty"
        case least, most:
            return f" of {least or 0} to {most} {of}"
