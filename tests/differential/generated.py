"""Random scripts, biased to where implementations part: limits, odd names, odd options, few keys that collide.

A script follows from its kind, a seed and its number alone, so that any of a million is made again by itself.
"""

import base64
import json
import math
import struct
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from random import Random
from typing import Any

from queue_emulator.core.javascript import UNDEFINED
from queue_emulator.core.limits import BULK_GET_KEYS_MAX, VALUE_BYTES_MAX
from tests.differential.operations import Advance, Buffer, LastCursor, Operation, Repeat, Script, Seconds, Step

STEPS_MAX = 40
START_MS = 1_795_435_200_000  # 2026-11-23T12:00:00Z
_LARGE_STEPS_MAX = 8
_LARGE_ONE_IN = 128  # scripts: the largest values take a second each
_MOVED_TEXT_MAX = 200  # a bulk read of four such values stays below what a runtime with a moved clock allows
_FEW = 4

Draw = Callable[[Random], Any]

# fmt: off
_USUAL_NAMES = ["a", "ab", "a/b", "b", "é", "日本", "😀", "\ue000"]
_ODD_NAMES: list[Any] = [
    "\uffff", "\0", "a\0", "a\0b", " ", "a b", "?a#b", "%41", "a%2Fb", "+", "..a", "bulk/get", "0", "7", "007",
    "4294967294", "4294967295", "-1", "1.5", "__proto__", "constructor", "toString", "k" * 511, "k" * 512,
    "k" * 513, "é" * 256, "é" * 256 + "k", "😀" * 128, "😀" * 128 + "a", "\ud800", "a\udfffb", "\ud800" * 170,
    "\ud800" * 171, "", ".", "..", "...", 5, 1.5, -0.0, 1e21, True, None, math.nan, {},
]
_ODD_NUMBERS: list[Any] = [
    0, -1, 1, -0.0, 0.5, -0.9, None, math.nan, math.inf, -math.inf, "", "abc", " 61 ", "0x3c", "6e1", "61.5",
    "1_0", True, False, [], [60], [70, 80], {}, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 1e21, 4_294_967_356,
]
_TYPES: list[Any] = [
    "text", "json", "arrayBuffer", "stream", "json", "text", "bogus", "", "JSON", None, UNDEFINED, 5, True,
    ["json"], {},
]
_TEXTS = [
    "", "v", "0", "-0", "null", "true", "1e400", "NaN", "undefined", '"a"', '"\\ud83d"', '{"a":1}', '{"a":',
    '{"b":1,"1":2}', '{"a":1,"b":2,"a":3}', '{"__proto__":{"a":1}}', "[1, 2,]", "12345678901234567890", "1.0",
    "\ufeff{}", "[1,2,3,4,5,😀,6,7,8,9]", "é😀\u2028\0", "\ud800", "a\udfffb",
]
_BYTES = [
    b"", b"v", b"{}", b"\xef\xbb\xbf{}", b"\xff", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80", b"\xc0\x80", b"[1,\xff]", bytes(range(256))[:200],
]
_PRIMITIVES: list[Any] = [0, 5, -0.0, 1.5, 1e21, 1e-7, math.nan, math.inf, True, False, None, UNDEFINED, {}, [], [1]]
_GARBAGE_CURSORS: list[Any] = [
    "", "5", "%%%", "é", "\ud800", "garbage!", "ZQ==", "ZQ", "YQ", " YQ==", "YQ==YQ==", "/w==", "-_-_", "AA==",
    "4pi=", None, 5, True, {},
]
_LONG = ["m" * 1022, "m" * 1023, "é" * 511, "é" * 511 + "m", "\ud800" * 170, "\ud800" * 171, "\0" * 171]
_ODD_PREFIXES: list[Any] = ["", "k" * 512, "k" * 513, "é" * 257, "\ud800", "a\0", None, 5, True, {}]
# fmt: on

_VALUE_LENGTHS = [VALUE_BYTES_MAX - 1, VALUE_BYTES_MAX, VALUE_BYTES_MAX + 1]
_STEPS_MS = [1, 999, 1_000, 30_000, 59_999, 60_000, 60_000, 60_000, 60_001, 61_000]
_NUMBERS = [None, True, False, 0, -1, 1.5, -0.0, 1e21, 1e-7, 2**53 - 1, 0.1, 1e20]
_MEMBERS = ["a", "b", "1", "__proto__", "name", ""]
_KINDS = ["ArrayBuffer", "Uint8Array", "DataView", "ReadableStream"]
# Where the characters of texts come from: the usual ones most of all, then each length of UTF-8.
_CHARACTERS = [(0x20, 0x7E)] * 4 + [(0, 0x1F), (0x7F, 0xFF), (0x100, 0x7FF), (0x800, 0xD7FF), (0xE000, 0xFFFF)]
_CHARACTERS += [(0x10000, 0x10FFFF)]


def scripts_on_the_real_clock(seed: str) -> Iterator[Script]:
    """With the real limits, hence the largest values; nothing expires while a script runs."""
    return (_script(Random(f"{seed} real {number}"), moves=False) for number in count())


def scripts_with_a_moving_clock(seed: str) -> Iterator[Script]:
    """With entries that expire between the steps; values are small."""
    return (_script(Random(f"{seed} moving {number}"), moves=True) for number in count())


def _script(dice: Random, *, moves: bool) -> Script:
    keys = [_key(dice) for _ in range(dice.randint(2, 5))]
    steps: Draw
    steps_max = STEPS_MAX
    if moves:
        operation = _short_life if dice.random() < 0.5 else _operations(keys, bulk_max=_FEW)
        steps = _one_of([operation] * 5 + [_advance])
    elif dice.randrange(_LARGE_ONE_IN) == 0:
        steps = _one_of([_operations(keys, bulk_max=_FEW)] * 9 + [_large_put(keys)])
        steps_max = _LARGE_STEPS_MAX
    else:
        steps = _operations(keys, bulk_max=BULK_GET_KEYS_MAX + 1)
    start_ms = START_MS + dice.choice([0, 0, 0, 1, 999]) if moves else None
    filled: list[Step] = [Operation("put", (key, _value(dice))) for key in keys if dice.random() < 0.5]
    return Script([*filled, *(steps(dice) for _ in range(dice.randint(1, steps_max)))], start_ms)


def _key(dice: Random) -> Any:
    return _one_of([_usual_name, _usual_name, _among(_ODD_NAMES), _texts(12)])(dice)


def _operations(keys: list[Any], *, bulk_max: int) -> Draw:
    key = _among(keys)

    def bulk_keys(dice: Random) -> list[Any]:
        if bulk_max > _FEW and dice.randrange(4) == 0:
            return (keys * BULK_GET_KEYS_MAX)[: dice.randint(BULK_GET_KEYS_MAX - 1, BULK_GET_KEYS_MAX + 1)]
        return [dice.choice(keys) for _ in range(dice.randint(0, _FEW))]

    types = _seldom(_among([()]), lambda dice: (dice.choice(_TYPES),))
    bulk_types = _seldom(_among([(), ("text",), ("json",)]), lambda dice: (dice.choice(_TYPES),))
    return _one_of(
        [
            lambda dice: Operation("put", (key(dice), _value(dice)), _put_options(dice)),
            lambda dice: Operation("put", (key(dice), _value(dice)), _some(dice, metadata=_metadata)),
            lambda dice: Operation("delete", (key(dice),)),
            lambda dice: Operation("get", (key(dice), *types(dice)), _read_options(dice)),
            lambda dice: Operation("get_with_metadata", (key(dice), *types(dice)), _read_options(dice)),
            lambda dice: Operation("get_bulk", (bulk_keys(dice), *bulk_types(dice)), _read_options(dice)),
            lambda dice: Operation("get_bulk_with_metadata", (bulk_keys(dice), *bulk_types(dice)), _read_options(dice)),
            lambda dice: Operation("list", (), {"limit": dice.randint(1, 2), "cursor": LastCursor()}),
            lambda dice: Operation("list", (), _list_options(dice, keys)),
        ]
    )


def _short_life(dice: Random) -> Operation:
    """A plain operation on keys that live for a minute or two."""
    key = dice.choice(_USUAL_NAMES[:3])
    text = _texts(3)(dice)
    match dice.randrange(8):
        case 0 | 1:
            return Operation("put", (key, text), {"expiration_ttl": dice.choice([60, 60, 61, 90, 120])})
        case 2:
            return Operation("put", (key, text))
        case 3:
            return Operation("delete", (key,))
        case 4:
            return Operation("get_with_metadata", (key,))
        case 5:
            return Operation("get_bulk", ([dice.choice(_USUAL_NAMES[:3]) for _ in range(dice.randint(1, _FEW))],))
    return Operation("list", (), _some(dice, limit=_among([1, 2]), cursor=_among([LastCursor()])))


def _advance(dice: Random) -> Step:
    return Advance(dice.choice(_STEPS_MS))


def _large_put(keys: list[Any]) -> Draw:
    def large(dice: Random) -> Operation:
        multi_byte = Repeat("é", VALUE_BYTES_MAX // 2 + 1)
        plain = Repeat("v", dice.choice(_VALUE_LENGTHS))
        return Operation("put", (dice.choice(keys), dice.choice([plain, multi_byte])))

    return large


def _read_options(dice: Random) -> dict[str, Any]:
    numbers = _numbers(30, 31, 60, 30.9, 29, 29.9)
    return _some(dice, cache_ttl=numbers) if dice.random() < 0.5 else {}


def _put_options(dice: Random) -> dict[str, Any]:
    expiration = _numbers(*map(Seconds, (-1, 0, 1, 59, 60, 61, 90)), 1_795_435_260)
    return _some(dice, expiration_ttl=_numbers(59, 60, 61, 90, 59.9, 60.9), expiration=expiration, metadata=_metadata)


def _list_options(dice: Random, keys: list[Any]) -> dict[str, Any]:
    texts = [key for key in keys if isinstance(key, str)] or ["a"]
    prefixes = [*texts, *(text[:1] for text in texts), *_ODD_PREFIXES]
    cursors = [*_GARBAGE_CURSORS, *map(_cursor, texts)]
    return _some(
        dice,
        limit=_one_of([_numbers(1, 2, 3, 1.9, 1000, 1001), _among([1, 2])]),
        prefix=_among(prefixes),
        cursor=_one_of([_among([LastCursor()]), _among(cursors), _texts(8), _base64_like]),
    )


def _some(dice: Random, **draws: Draw) -> dict[str, Any]:
    """Each option, or undefined in its place, or nothing of it."""
    chosen = {name: dice.random() for name in draws}
    return {
        name: UNDEFINED if chosen[name] < 0.1 else draw(dice) for name, draw in draws.items() if chosen[name] < 0.55
    }


def _value(dice: Random) -> Any:
    match dice.randrange(5):
        case 0:
            return dice.choice(_TEXTS)
        case 1:
            return _texts(30)(dice)
        case 2:
            return _document(dice)
        case 3:
            content = dice.choice(_BYTES) if dice.random() < 0.5 else dice.randbytes(dice.randint(0, 20))
            return Buffer(content, dice.choice(_KINDS))
    return dice.choice(_PRIMITIVES)


def _document(dice: Random) -> str:
    """JSON, half of it with one character cut out."""
    text = json.dumps(_json(dice), ensure_ascii=False)
    at = dice.randint(0, 30)
    return _as_utf16((text if dice.random() < 0.5 else text[:at] + text[at + 1 :])[:_MOVED_TEXT_MAX])


def _metadata(dice: Random) -> Any:
    return dice.choice([None, math.nan, -0.0, math.inf, False, "", 0, *_LONG]) if dice.random() < 0.5 else _json(dice)


def _json(dice: Random, depth_max: int = 3) -> Any:
    if depth_max == 0 or dice.random() < 0.5:
        return _leaf(dice)
    members = [_json(dice, depth_max - 1) for _ in range(dice.randint(0, 3))]
    if dice.random() < 0.5:
        return members
    name = _one_of([_among(_MEMBERS), _texts(4)])
    return {name(dice): member for member in members}


def _leaf(dice: Random) -> Any:
    match dice.randrange(4):
        case 0:
            return dice.choice(_NUMBERS)
        case 1:
            return dice.randint(-1000, 1000)
        case 2:
            return _double(dice)
    return _texts(10)(dice)


def _double(dice: Random) -> float:
    """Any finite one, each exponent as often as another, or one with few digits."""
    if dice.random() < 0.5:
        return dice.randint(-10_000, 10_000) / 10.0 ** dice.randint(0, 9)
    number: float = struct.unpack("<d", dice.randbytes(8))[0]
    return number if math.isfinite(number) else 0.5


def _texts(units_max: int) -> Draw:
    def text(dice: Random) -> str:
        ranges = [dice.choice(_CHARACTERS) for _ in range(dice.randint(0, units_max))]
        return "".join(chr(dice.randint(*each)) for each in ranges)

    return text


def _base64_like(dice: Random) -> str:
    return "".join(dice.choices("aAZ09+/-_= =\u0161\u013d\u4e2b\n", k=dice.randint(0, 9)))


def _numbers(*usual: Any) -> Draw:
    return _seldom(_among(usual), _among(_ODD_NUMBERS))


def _usual_name(dice: Random) -> str:
    return dice.choice(_USUAL_NAMES)


def _among(values: Sequence[Any]) -> Draw:
    return lambda dice: dice.choice(values)


def _one_of(draws: Sequence[Draw]) -> Draw:
    return lambda dice: dice.choice(draws)(dice)


def _seldom(usual: Draw, odd: Draw) -> Draw:
    return _one_of([usual, usual, odd])


def _as_utf16(text: str) -> str:
    """As JavaScript has it: two halves of a pair that meet are one character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _cursor(key: str) -> str:
    return base64.b64encode(key.encode("utf-8", "replace")).decode()
