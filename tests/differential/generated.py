"""Random scripts, biased to where implementations part: limits, odd names, odd options, few keys that collide."""

import base64
import json
import math
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from queue_emulator.core.javascript import UNDEFINED
from queue_emulator.core.limits import BULK_GET_KEYS_MAX, VALUE_BYTES_MAX
from tests.differential.operations import Advance, Buffer, LastCursor, Operation, Repeat, Script, Seconds, Step

STEPS_MAX = 40
_LARGE_STEPS_MAX = 8
START_MS = 1_795_435_200_000  # 2026-11-23T12:00:00Z
_MOVED_TEXT_MAX = 200  # a bulk read of four such values stays below what a runtime with a moved clock allows
_FEW = 4

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
# fmt: on

_VALUE_LENGTHS = [VALUE_BYTES_MAX - 1, VALUE_BYTES_MAX, VALUE_BYTES_MAX + 1]
_STEPS_MS = [1, 999, 1_000, 30_000, 59_999, 60_000, 60_000, 60_000, 60_001, 61_000]


def scripts_on_the_real_clock() -> SearchStrategy[Script]:
    """With the real limits, hence the largest values; nothing expires while a script runs."""
    return _scripts(moves=False)


def scripts_with_a_moving_clock() -> SearchStrategy[Script]:
    """With entries that expire between the steps; values are small."""
    return _scripts(moves=True)


@st.composite
def _scripts(draw: DrawFn, *, moves: bool) -> Script:
    usual = st.sampled_from(_USUAL_NAMES)
    keys = draw(st.lists(usual | usual | st.sampled_from(_ODD_NAMES) | _texts(12), min_size=2, max_size=5))
    steps: SearchStrategy[Step]
    steps_max = STEPS_MAX
    if moves:
        moved = st.builds(Advance, st.sampled_from(_STEPS_MS))
        steps = (_short_lives() if draw(st.booleans()) else _operations(keys, bulk_max=_FEW)) | moved | moved
    elif draw(st.sampled_from([False] * 9 + [True])):
        steps = _operations(keys, bulk_max=_FEW) | _large_puts(keys)
        steps_max = _LARGE_STEPS_MAX
    else:
        steps = _operations(keys, bulk_max=BULK_GET_KEYS_MAX + 1)
    start_ms = START_MS + draw(st.sampled_from([0, 0, 0, 1, 999])) if moves else None
    filled: list[Step] = [Operation("put", (key, draw(_values()))) for key in keys if draw(st.booleans())]
    count = draw(st.integers(1, steps_max))
    return Script([*filled, *draw(st.lists(steps, min_size=count, max_size=count))], start_ms)


def _operations(keys: list[Any], *, bulk_max: int) -> SearchStrategy[Operation]:
    key = st.sampled_from(keys)
    few = st.lists(key, max_size=_FEW)
    many = st.integers(BULK_GET_KEYS_MAX - 1, BULK_GET_KEYS_MAX + 1).map(lambda count: (keys * count)[:count])
    several = few if bulk_max == _FEW else few | few | few | many
    cache_ttl: SearchStrategy[dict[str, Any]] = st.just({}) | _options(cache_ttl=_numbers(30, 31, 60, 30.9, 29, 29.9))
    types = _seldom(st.just(()), st.tuples(st.sampled_from(_TYPES)))
    bulk_types = _seldom(st.sampled_from([(), ("text",), ("json",)]), st.tuples(st.sampled_from(_TYPES)))
    page = st.fixed_dictionaries({"limit": st.integers(1, 2), "cursor": st.just(LastCursor())})
    return st.one_of(
        _calls("put", st.tuples(key, _values()), _put_options()),
        _calls("put", st.tuples(key, _values()), st.just({}) | _options(metadata=_metadata())),
        _calls("delete", st.tuples(key), st.just({})),
        _reads("get", key, types, cache_ttl),
        _reads("get_with_metadata", key, types, cache_ttl),
        _reads("get_bulk", several, bulk_types, cache_ttl),
        _reads("get_bulk_with_metadata", several, bulk_types, cache_ttl),
        _calls("list", st.just(()), page),
        _calls("list", st.just(()), _list_options(keys)),
    )


def _short_lives() -> SearchStrategy[Step]:
    """Plain operations on keys that live for a minute or two."""
    key = st.sampled_from(_USUAL_NAMES[:3])
    lives = st.fixed_dictionaries({"expiration_ttl": st.sampled_from([60, 60, 61, 90, 120])})
    page = st.fixed_dictionaries({}, optional={"limit": st.integers(1, 2), "cursor": st.just(LastCursor())})
    return st.one_of(
        _calls("put", st.tuples(key, _texts(3)), lives),
        _calls("put", st.tuples(key, _texts(3)), lives),
        _calls("put", st.tuples(key, _texts(3)), st.just({})),
        _calls("delete", st.tuples(key), st.just({})),
        _calls("get_with_metadata", st.tuples(key), st.just({})),
        _calls("get_bulk", st.tuples(st.lists(key, min_size=1, max_size=_FEW)), st.just({})),
        _calls("list", st.just(()), page),
        _calls("list", st.just(()), page),
    )


def _calls(method: str, arguments: SearchStrategy[Any], options: SearchStrategy[Any]) -> SearchStrategy[Operation]:
    return st.builds(Operation, st.just(method), arguments, options)


def _reads(
    method: str, key: SearchStrategy[Any], types: SearchStrategy[Any], options: SearchStrategy[Any]
) -> SearchStrategy[Operation]:
    arguments = st.tuples(key, types).map(lambda drawn: (drawn[0], *drawn[1]))
    return _calls(method, arguments, options)


def _large_puts(keys: list[Any]) -> SearchStrategy[Operation]:
    large = st.builds(Repeat, st.just("v"), st.sampled_from(_VALUE_LENGTHS))
    multi_byte = st.builds(Repeat, st.just("é"), st.just(VALUE_BYTES_MAX // 2 + 1))
    return _calls("put", st.tuples(st.sampled_from(keys), large | multi_byte), st.just({}))


def _put_options() -> SearchStrategy[dict[str, Any]]:
    ttl = _numbers(59, 60, 61, 90, 59.9, 60.9)
    expiration = _numbers(*map(Seconds, (-1, 0, 1, 59, 60, 61, 90))) | st.just(1_795_435_260)
    return _options(expiration_ttl=ttl, expiration=expiration, metadata=_metadata())


def _list_options(keys: list[Any]) -> SearchStrategy[dict[str, Any]]:
    texts = [key for key in keys if isinstance(key, str)] or ["a"]
    prefixes: list[Any] = [
        *texts,
        *(text[:1] for text in texts),
        "",
        "k" * 512,
        "k" * 513,
        "é" * 257,
        "\ud800",
        "a\0",
        None,
        5,
        True,
        {},
    ]
    cursors = [*_GARBAGE_CURSORS, *(_cursor(text) for text in texts)]
    return _options(
        limit=_numbers(1, 2, 3, 1.9, 1000, 1001) | st.integers(1, 2),
        prefix=st.sampled_from(prefixes),
        cursor=st.just(LastCursor()) | st.sampled_from(cursors) | _texts(8) | _base64_like(),
    )


def _seldom(usual: SearchStrategy[Any], odd: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.sampled_from([usual, usual, odd]).flatmap(lambda chosen: chosen)


def _base64_like() -> SearchStrategy[str]:
    return st.text(alphabet="aAZ09+/-_= =\u0161\u013d\u4e2b\n", max_size=9)


def _options(**strategies: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={name: each | st.just(UNDEFINED) for name, each in strategies.items()})


def _numbers(*usual: Any) -> SearchStrategy[Any]:
    return _seldom(st.sampled_from(usual), st.sampled_from(_ODD_NUMBERS))


def _values() -> SearchStrategy[Any]:
    documents = st.tuples(_json(), st.integers(0, 30), st.booleans()).map(_damaged)
    buffers = st.builds(
        Buffer,
        st.sampled_from(_BYTES) | st.binary(max_size=20),
        st.sampled_from(["ArrayBuffer", "Uint8Array", "DataView", "ReadableStream"]),
    )
    return st.one_of(st.sampled_from(_TEXTS), _texts(30), documents, buffers, st.sampled_from(_PRIMITIVES))


def _metadata() -> SearchStrategy[Any]:
    return st.sampled_from([None, math.nan, -0.0, math.inf, False, "", 0, *_LONG]) | _json()


def _json() -> SearchStrategy[Any]:
    leaves = st.one_of(
        st.sampled_from([None, True, False, 0, -1, 1.5, -0.0, 1e21, 1e-7, 2**53 - 1, 0.1, 1e20]),
        st.integers(-1000, 1000),
        st.floats(allow_nan=False, allow_infinity=False),
        _texts(10),
    )
    names = st.sampled_from(["a", "b", "1", "__proto__", "name", ""]) | _texts(4)
    return st.recursive(
        leaves,
        lambda children: st.lists(children, max_size=3) | st.dictionaries(names, children, max_size=3),
        max_leaves=6,
    )


def _texts(size_max: int) -> SearchStrategy[str]:
    return st.text(max_size=size_max).map(_as_utf16)


def _damaged(drawn: tuple[Any, int, bool]) -> str:
    """JSON, half of it with one character cut out."""
    value, at, whole = drawn
    text = json.dumps(value, ensure_ascii=False)
    return _as_utf16((text if whole else text[:at] + text[at + 1 :])[:_MOVED_TEXT_MAX])


def _as_utf16(text: str) -> str:
    """As JavaScript has it: two halves of a pair that meet are one character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _cursor(key: str) -> str:
    return base64.b64encode(key.encode("utf-8", "replace")).decode()
