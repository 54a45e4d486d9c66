"""What JavaScript does to values on their way through a Worker: JSON, numbers, strings, truth.

The emulated Worker is JavaScript; its answers keep the marks of that. Rules from ECMA-262,
https://tc39.es/ecma262/ : ToNumber 7.1.4, ToString 7.1.17, JSON.parse 25.5.1, JSON.stringify 25.5.2.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import Final, TypeAlias

from queue_emulator.core.errors import JavaScriptError, KVSyntaxError, KVTypeError
from queue_emulator.core.json_error import syntax_error_message
from queue_emulator.core.json_size import JsonTooLarge, check_json
from queue_emulator.core.json_text import JsonText
from queue_emulator.core.limits import INT32_MAX, INT32_MIN

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
"""A JSON value as it is read: what `parse_json` and Python's json module give."""

ToJson: TypeAlias = Mapping[str, "ToJson"] | Sequence["ToJson"] | JsonText | str | int | float | bool | None
"""A value that can be written as JSON; a JsonText only in pieces. To a type checker bytes are among them too."""


class Undefined(Enum):
    """JavaScript's `undefined`, an option that was not given; None is its `null`."""

    UNDEFINED = "undefined"

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED: Final = Undefined.UNDEFINED

JavaScript: TypeAlias = ToJson | Undefined
"""A value that code of a Worker hands over, and the runtime converts."""

SAFE_INTEGER_MAX = 2**53 - 1
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?)\Z", re.ASCII)
_RADIX = {"0x": 16, "0o": 8, "0b": 2}
_WHITE_SPACE = " \t\n\r\v\f\ufeff\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


def parse_json(text: str) -> Json:
    """JSON.parse: raises KVSyntaxError with V8's text; numbers are doubles, integral ones given as int."""
    try:
        check_json(text)
        parsed: Json = _DECODER.decode(text)
    except RecursionError:
        raise KVSyntaxError("JSON nested deeper than this emulator reads") from None
    except JsonTooLarge as error:
        raise KVSyntaxError(f"JSON of {error}, which this emulator does not read") from None
    except ValueError:
        raise KVSyntaxError(syntax_error_message(text)) from None
    return parsed


def stringify_json(value: ToJson) -> str:
    """JSON.stringify without spaces: lone surrogates escaped, numbers that are not finite as null."""
    try:
        text = _encode(value)
    except RecursionError:
        raise JavaScriptError("JSON nested deeper than this emulator writes") from None
    if not text.isascii() and _SURROGATE.search(text):
        text = _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    if (".0" in text or "e+" in text or "e-" in text) and _PYTHONS_NUMBER.search(text):
        text = _STRING_OR_FLOAT.sub(lambda match: _number_text(float(match[1])) if match[1] else match[0], text)
    return text


def writable(value: object) -> ToJson:
    """The `default` of json.dumps: a Mapping as an object, a Sequence as an array; raises TypeError for all else."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview)):
        return list(value)
    raise TypeError(f"a value of type {type(value).__name__} cannot be written as JSON")


def truthy(value: JavaScript) -> bool:
    """Whether `if (value)` takes the branch: unlike Python's, [] and {} are true."""
    if isinstance(value, float) and math.isnan(value):
        return False
    return value not in (None, UNDEFINED, False, "") if not isinstance(value, (list, dict)) else True


def to_string(value: JavaScript) -> str:
    """What `${value}` gives."""
    if isinstance(value, str):
        return value
    if value is None or value is UNDEFINED:
        return "null" if value is None else "undefined"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _number_text(value)
    if isinstance(value, (list, tuple)):
        return ",".join("" if item is None or item is UNDEFINED else to_string(item) for item in value)
    return "[object Object]"


def spread(value: JavaScript) -> dict[str, Json]:
    """What `{...value}` gives."""
    if isinstance(value, (list, str)):
        items = value if isinstance(value, list) else _code_units(value)
        return {str(index): item for index, item in enumerate(items)}
    return dict(value) if isinstance(value, dict) else {}


def to_number(value: JavaScript) -> float:
    """What `Number(value)` gives; NaN where it gives NaN."""
    if isinstance(value, (bool, int, float)):
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    if value is None or value is UNDEFINED:
        return 0.0 if value is None else math.nan
    if isinstance(value, (list, tuple)):
        return to_number(to_string(value))
    return _text_number(value) if isinstance(value, str) else math.nan


def to_int32(value: JavaScript) -> int:
    """How the runtime takes a numeric option: what is not finite is 0, fractions are cut, 32 bits or a KVTypeError."""
    number = to_number(value)
    if not math.isfinite(number):
        return 0
    if INT32_MIN <= math.trunc(number) <= INT32_MAX:
        return math.trunc(number)
    raise KVTypeError(f"Value out of range. Must be between {INT32_MIN} and {INT32_MAX} (inclusive).")


def utf8(text: str) -> bytes:
    """How the runtime encodes a string: a lone surrogate as three bytes, which are not UTF-8."""
    return text.encode("utf-8", "surrogatepass")


def well_formed(text: str) -> bool:
    """String.prototype.isWellFormed: without lone surrogates, which JSON can spell and UTF-8 cannot."""
    return text == text.encode("utf-8", "replace").decode()


def utf16_length(text: str) -> int:
    """What `text.length` gives."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def from_utf8(content: bytes) -> str:
    """How the runtime decodes text: U+FFFD for what is not UTF-8."""
    return content.decode("utf-8", "replace")


def is_array_index(name: str) -> bool:
    """Whether a property of this name is an array index, "0" to "4294967294"."""
    return len(name) <= 10 and bool(_INDEX.fullmatch(name)) and int(name) < 2**32 - 1


_INDEX = re.compile("0|[1-9][0-9]*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_PYTHONS_NUMBER = re.compile(r"\d(\.0(?!\d)|e[+-])")  # how Python writes floats that JavaScript writes otherwise
_STRING_OR_FLOAT = re.compile(r'"(?:[^"\\]++|\\.)*+"|(-?\d++(?:\.\d++)?+(?:e[+-]?\d++)?+)')


def _text_number(text: str) -> float:
    text = text.strip(_WHITE_SPACE)
    if text == "":
        return 0.0
    if text in ("Infinity", "+Infinity", "-Infinity"):
        return -math.inf if text[0] == "-" else math.inf
    if text[:2].lower() in _RADIX and re.fullmatch(r"[0-9a-fA-F]+", text[2:]):
        try:
            return float(int(text[2:], _RADIX[text[:2].lower()]))
        except ValueError:
            return math.nan
        except OverflowError:
            return math.inf
    return float(text) if _DECIMAL.match(text) else math.nan


def _number_text(value: int | float) -> str:
    number = to_number(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "0"
    if number.is_integer() and abs(number) < 1e21:
        return str(int(Decimal(repr(number))))
    if 1e-6 <= abs(number) < 1e-4:
        return f"{Decimal(repr(number)):f}"
    return re.sub(r"e([+-])0+", r"e\1", repr(number))


def _json_float(text: str) -> int | float:
    number = float(text)
    return int(Decimal(repr(number))) if number.is_integer() and abs(number) < 1e21 else number


def _json_int(text: str) -> int | float:
    return int(text) if len(text) < 16 else _json_float(text)


def _refuse_constant(text: str) -> Json:
    raise ValueError(f"{text} is not JSON")


def _encode(value: ToJson) -> str:
    try:
        return _ENCODER(value)
    except ValueError:
        return _ENCODER(_finite(value))


def _code_units(text: str) -> list[str]:
    units = text.encode("utf-16-le", "surrogatepass")
    return [units[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(units), 2)]


def _finite(value: ToJson) -> ToJson:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (str, bytes, bytearray)):
        return value
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, Sequence) else value


def json_decoder(
    object_pairs_hook: Callable[[list[tuple[str, Json]]], Json] | None = None,
) -> json.JSONDecoder:
    """A decoder that reads numbers as JavaScript does and refuses NaN and Infinity."""
    return json.JSONDecoder(
        parse_float=_json_float,
        parse_int=_json_int,
        parse_constant=_refuse_constant,
        object_pairs_hook=object_pairs_hook,
    )


_DECODER = json_decoder()
_ENCODER: Callable[[ToJson], str] = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False, default=writable
).encode
