"""What Workers KV is documented to do, one by one: the vendor's local runtime does it, and so does the emulator.

Sources: https://developers.cloudflare.com/kv/api/ and the texts of miniflare's validator. A script's last operation has
the answer that is written beside it.
"""

import math
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import pytest

from queue_emulator.core.javascript import UNDEFINED
from tests.differential.answers import Answer, Json, Long
from tests.differential.calls import (
    delete,
    get,
    get_bulk,
    get_bulk_with_metadata,
    get_with_metadata,
    json_value,
    list_keys,
    mapped,
    page,
    put,
    record,
    refusal,
    syntax_error,
    type_error,
    value,
)
from tests.differential.comparison import Comparison
from tests.differential.generated import START_MS
from tests.differential.operations import Advance, Buffer, LastCursor, Repeat, Script, Seconds, Step

pytestmark = pytest.mark.runtime

MIB = 1024 * 1024
NOW_S = START_MS // 1000

UNKNOWN_TYPE = type_error('Unknown response type. Possible types are "text", "arrayBuffer", "json", and "stream".')
NO_VALUE = type_error("KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and ReadableStreams as values.")
OUT_OF_RANGE = type_error("Value out of range. Must be between -2147483648 and 2147483647 (inclusive).")
EMPTY_KEY = type_error("Key name cannot be empty.")
NOT_JSON = refusal("GET_BULK failed: 400 At least one of the requested keys corresponds to a non-json value")
NOT_IN_THE_FUTURE = "Please specify integer greater than the current number of seconds since the UNIX epoch."
URL_DECODE = "failed: 400 Could not URL-decode key name"


def too_long(operation: str, length: int) -> Answer:
    return refusal(f"{operation} failed: 414 UTF-8 encoded length of {length} exceeds key length limit of 512.")


def wrong_ttl(text: str) -> Answer:
    return refusal(f"PUT failed: 400 Invalid expiration_ttl of {text}")


def wrong_expiration(text: str) -> Answer:
    return refusal(f"PUT failed: 400 Invalid expiration of {text}")


Case = tuple[str, Sequence[Step], Answer]
FALSE: list[Any] = [False, 0, "", [], {}]
NO_NUMBERS: list[Any] = [None, math.nan, math.inf, "", "abc", False, [], {}]

# fmt: off
METHODS_AND_RESULTS: list[Case] = [
    ("a miss is null", [get("k")], value(None)),
    ("a miss with metadata is three times null", [get_with_metadata("k")], record(None)),
    ("put resolves to undefined", [put("k")], value(None)),
    ("delete resolves to undefined", [put("k"), delete("k")], value(None)),
    ("deleting an absent key succeeds", [delete("k")], value(None)),
    ("a deleted key is a miss", [put("k"), delete("k"), get("k")], value(None)),
    ("the default type is text", [put("k", '{"a":1}'), get("k")], value('{"a":1}')),
    ("text", [put("k", "é😀"), get("k", "text")], value("é😀")),
    ("json", [put("k", '{"a":[1,null]}'), get("k", "json")], json_value({"a": [1, None]})),
    ("arrayBuffer", [put("k", "é"), get("k", "arrayBuffer")], value(b"\xc3\xa9")),
    ("stream", [put("k", "é"), get("k", "stream")], value(("stream", b"\xc3\xa9"))),
    ("a type in options", [put("k", "{}"), get("k", "json", cache_ttl=60)], json_value({})),
    ("an unknown type is refused on a hit", [put("k"), get("k", "bogus")], UNKNOWN_TYPE),
    ("an unknown type passes on a miss", [get("k", "bogus")], value(None)),
    ("a type is taken as it is written", [put("k", "1"), get("k", "JSON")], UNKNOWN_TYPE),
    ("bad JSON is V8's SyntaxError", [put("k", "v"), get("k", "json")],
     syntax_error("Unexpected token 'v', \"v\" is not valid JSON")),
    ("no JSON at all", [put("k", ""), get("k", "json")], syntax_error("Unexpected end of JSON input")),
    ("what is not UTF-8 is replaced", [put("k", Buffer(b"a\xff\xe2\x82z")), get("k")], value("a\ufffd\ufffdz")),
    ("a byte order mark is kept", [put("k", "\ufeffv"), get("k")], value("\ufeffv")),
    ("an ArrayBuffer", [put("k", Buffer(b"\0\xff")), get("k", "arrayBuffer")], value(b"\0\xff")),
    ("a view", [put("k", Buffer(b"\0\xff", "DataView")), get("k", "arrayBuffer")], value(b"\0\xff")),
    ("a stream", [put("k", Buffer(b"\0\xff", "ReadableStream")), get("k", "arrayBuffer")], value(b"\0\xff")),
    ("an object is no value", [put("k", {"a": 1})], NO_VALUE),
    ("an array is no value", [put("k", [1])], NO_VALUE),
    ("a number is written as text", [put("k", 123), get("k")], value("123")),
    ("null is written as text", [put("k", None), get("k")], value("null")),
    ("undefined is written as text", [put("k", UNDEFINED), get("k")], value("undefined")),
    ("true is written as text", [put("k", True), get("k")], value("true")),
    ("a number as a key", [put(5), get("5")], value("v")),
    ("an empty value is a value", [put("k", ""), get("k")], value("")),
    ("an empty value has metadata", [put("k", "", metadata=1), get_with_metadata("k")], record("", 1)),
]
KEYS: list[Case] = [
    ("512 bytes are a key", [put("k" * 512), get("k" * 512)], value("v")),
    ("513 bytes are refused in put", [put("k" * 513)], too_long("PUT", 513)),
    ("513 bytes are refused in get", [get("k" * 513)], too_long("GET", 513)),
    ("513 bytes are refused in delete", [delete("k" * 513)], too_long("DELETE", 513)),
    ("513 bytes are refused in a bulk read", [get_bulk(["k" * 513])], too_long("GET_BULK", 513)),
    ("bytes count, not characters", [get("é" * 257)], too_long("GET", 514)),
    ("256 characters of two bytes are a key", [get("é" * 256)], value(None)),
    ("a lone surrogate counts three bytes", [get("\ud800" * 171)], too_long("GET", 513)),
    ("the empty key", [get("")], EMPTY_KEY),
    ("one dot", [put(".")], type_error('"." is not allowed as a key name.')),
    ("two dots", [delete("..")], type_error('".." is not allowed as a key name.')),
    ("three dots are a key", [put("..."), get("...")], value("v")),
    ("the empty key in a bulk read", [get_bulk([""])], refusal("GET_BULK failed: 400 Key names must not be empty")),
    ("a dot in a bulk read", [get_bulk(["."])],
     refusal('GET_BULK failed: 400 Illegal key name ".". Please use a different name.')),
    *((f"{key!r} is a key", [put(key), list_keys()], page(key)) for key in
      ["a/b", "/", "?", "#", "a%2Fb", "%", "+", " ", "\0", "\n", "é", "😀", "\uffff", "__proto__", "7", "bulk/get"]),
    ("a lone surrogate is refused in put", [put("\ud800")], refusal(f"PUT {URL_DECODE}")),
    ("a lone surrogate is refused in get", [get("\ud800")], refusal(f"GET {URL_DECODE}")),
    ("a lone surrogate is refused in delete", [delete("\ud800")], refusal(f"DELETE {URL_DECODE}")),
    ("but a value of the wrong type is refused first", [put("\ud800", [])], NO_VALUE),
    ("and a key that is too long before that", [put("\ud800" * 171, [])], too_long("PUT", 513)),
    ("a lone surrogate is replaced in a bulk read", [get_bulk(["\ud800"])], mapped(("\ufffd" * 3, None))),
    ("names like those of objects are keys", [put("constructor"), get_bulk(["constructor", "toString"])],
     mapped(("constructor", "v"), ("toString", None))),
]
VALUES_AND_METADATA: list[Case] = [
    ("25 MiB are a value", [put("k", Repeat("v", 25 * MIB))], value(None)),
    ("25 MiB and a byte are not", [put("k", Repeat("v", 25 * MIB + 1))],
     refusal("PUT failed: 413 Value length of 26214401 exceeds limit of 26214400.")),
    ("a value's bytes count", [put("k", Repeat("é", 25 * MIB // 2 + 1))],
     refusal("PUT failed: 413 Value length of 26214402 exceeds limit of 26214400.")),
    ("a refused value leaves the one before", [put("k"), put("k", Repeat("v", 25 * MIB + 1)), get("k")], value("v")),
    ("1,024 bytes are metadata", [put("k", metadata="m" * 1022), get_with_metadata("k")], record("v", "m" * 1022)),
    ("1,025 bytes are not", [put("k", metadata="m" * 1023)],
     refusal("PUT failed: 413 Metadata length of 1025 exceeds limit of 1024.")),
    ("metadata's bytes count", [put("k", metadata="é" * 512)],
     refusal("PUT failed: 413 Metadata length of 1026 exceeds limit of 1024.")),
    ("metadata is JSON", [put("k", metadata={"a": [1.5, None, "é"]}), get_with_metadata("k")],
     record("v", {"a": [1.5, None, "é"]})),
    *((f"metadata {kept!r} is kept", [put("k", metadata=kept), get_with_metadata("k")], record("v", kept))
      for kept in FALSE),
    *((f"metadata {none!r} is none", [put("k", metadata=none), list_keys()], page("k")) for none in (None, UNDEFINED)),
    ("metadata NaN is null", [put("k", metadata=math.nan), get_with_metadata("k")], record("v")),
    ("put without metadata clears it", [put("k", metadata=1), put("k"), get_with_metadata("k")], record("v")),
    ("put without expiration clears it", [put("k", expiration_ttl=60), put("k"), list_keys()], page("k")),
    ("metadata is sized before the value", [put("k", Repeat("v", 25 * MIB + 1), metadata="m" * 1023)],
     refusal("PUT failed: 413 Metadata length of 1025 exceeds limit of 1024.")),
    ("a lifetime is looked at before the value", [put("k", Repeat("v", 25 * MIB + 1), expiration_ttl=1)],
     wrong_ttl("1. Expiration TTL must be at least 60.")),
]
EXPIRATION: list[Case] = [
    ("a ttl counts from now", [put("k", expiration_ttl=60), list_keys()],
     page({"name": "k", "expiration": NOW_S + 60})),
    ("an expiration is unix seconds", [put("k", expiration=Seconds(60)), list_keys()],
     page({"name": "k", "expiration": NOW_S + 60})),
    ("a ttl wins over an expiration", [put("k", expiration=1, expiration_ttl=90), list_keys()],
     page({"name": "k", "expiration": NOW_S + 90})),
    *((f"a ttl of {ttl}", [put("k", expiration_ttl=ttl)], wrong_ttl(f"{ttl}. Please specify integer greater than 0."))
      for ttl in (0, -1, -2147483648)),
    *((f"a ttl of {ttl}", [put("k", expiration_ttl=ttl)], wrong_ttl(f"{ttl}. Expiration TTL must be at least 60."))
      for ttl in (1, 59)),
    *((f"a ttl of {ttl!r} is nought", [put("k", expiration_ttl=ttl)],
       wrong_ttl("0. Please specify integer greater than 0."))
      for ttl in NO_NUMBERS),
    *((f"an expiration {after} s from now", [put("k", expiration=Seconds(after))],
       wrong_expiration(f"{NOW_S + after}. {NOT_IN_THE_FUTURE}"))
      for after in (-1, 0)),
    *((f"an expiration {after} s from now", [put("k", expiration=Seconds(after))],
       wrong_expiration(f"{NOW_S + after}. Expiration times must be at least 60 seconds in the future."))
      for after in (1, 59)),
    *((f"a ttl of {ttl}", [put("k", expiration_ttl=ttl)], OUT_OF_RANGE) for ttl in (2**31, -(2**31) - 1, 1e21)),
    ("an expiration in milliseconds", [put("k", expiration=START_MS + 60_000)], OUT_OF_RANGE),
    *((f"a ttl of {ttl!r} is {seconds}", [put("k", expiration_ttl=ttl), list_keys()],
       page({"name": "k", "expiration": NOW_S + seconds}))
      for ttl, seconds in ((60.9, 60), ("120", 120), (" 0x78 ", 120), ([70], 70))),
    ("the last expiration of 32 bits", [put("k", expiration=2**31 - 1), list_keys()],
     page({"name": "k", "expiration": 2**31 - 1})),
    ("a value lives to the last millisecond", [put("k", expiration_ttl=60), Advance(59_999), get("k")], value("v")),
    ("and no longer", [put("k", expiration_ttl=60), Advance(60_000), get("k")], value(None)),
    ("in bulk too", [put("k", expiration_ttl=60), Advance(60_000), get_bulk(["k"])], mapped(("k", None))),
    ("a list names it to the last millisecond", [put("k", expiration_ttl=60), Advance(59_999), list_keys()],
     page({"name": "k", "expiration": NOW_S + 60})),
    ("and not a millisecond after its end", [put("k", expiration_ttl=60), Advance(60_001), list_keys()], page()),
    ("a ttl is cut to the second it was given in",
     [Advance(999), put("k", expiration_ttl=60), Advance(59_001), get("k")], value(None)),
    ("expiration beats cacheTtl", [put("k", expiration_ttl=60), get("k", cache_ttl=3600), Advance(60_000),
                                   get("k", cache_ttl=3600)], value(None)),
    ("an expired key can be written again",
     [put("k", expiration_ttl=60), Advance(60_000), put("k", "again"), Advance(60_000), get("k")], value("again")),
    ("an expired key can be deleted", [put("k", expiration_ttl=60), Advance(60_000), delete("k")], value(None)),
]
CACHE_TTL: list[Case] = [
    ("30 s is allowed", [put("k"), get("k", cache_ttl=30)], value("v")),
    ("29 s is not", [put("k"), get("k", cache_ttl=29)],
     refusal("GET failed: 400 Invalid cache_ttl of 29. Cache TTL must be at least 30.")),
    ("nor on a miss", [get_with_metadata("k", cache_ttl=29)],
     refusal("GET failed: 400 Invalid cache_ttl of 29. Cache TTL must be at least 30.")),
    ("nor in bulk", [get_bulk(["k"], cache_ttl=29)],
     refusal("GET_BULK failed: 400 Invalid cache_ttl of 29. Cache TTL must be at least 30.")),
    ("null is nought", [get("k", cache_ttl=None)],
     refusal("GET failed: 400 Invalid cache_ttl of 0. Cache TTL must be at least 30.")),
    ("it is a number of 32 bits", [get("k", cache_ttl=2**31)], OUT_OF_RANGE),
    ("it is checked and otherwise ignored", [put("k", "old"), get("k", cache_ttl=3600), put("k", "new"),
                                              get("k", cache_ttl=3600)], value("new")),
]
THREE: list[Step] = [put("a"), put("b"), put("c")]
LIST: list[Case] = [
    ("an empty namespace", [list_keys()], page()),
    ("keys come in order", [put("b"), put("a"), list_keys()], page("a", "b")),
    ("the order is that of UTF-8 bytes", [put("😀"), put("\uffff"), put("\ue000"), put("z"), list_keys()],
     page("z", "\ue000", "\uffff", "😀")),
    ("expiration and metadata are listed", [put("k", metadata={"m": 1}, expiration_ttl=60), list_keys()],
     page({"name": "k", "expiration": NOW_S + 60, "metadata": {"m": 1}})),
    ("a limit cuts, with a cursor", [*THREE, list_keys(limit=2)], page("a", "b", cursor="Yg==")),
    ("a limit that is just enough has no cursor", [*THREE, list_keys(limit=3)], page("a", "b", "c")),
    ("a cursor goes on", [*THREE, list_keys(limit=2), list_keys(cursor=LastCursor())], page("c")),
    *((f"a limit of {limit!r} is none", [*THREE, list_keys(limit=limit)], page("a", "b", "c"))
      for limit in (0, -1, None, math.nan, "abc", UNDEFINED, 1000)),
    ("a limit of 1001", [list_keys(limit=1001)],
     refusal("GET failed: 400 Invalid key_count_limit of 1001. Please specify an integer less than 1000.")),
    ("a limit beyond 32 bits", [list_keys(limit=2**31)], OUT_OF_RANGE),
    ("a prefix", [put("a"), put("ab"), put("b"), list_keys(prefix="a")], page("a", "ab")),
    ("a prefix of null is none", [put("a"), list_keys(prefix=None)], page("a")),
    ("a prefix is no pattern", [put("a_b"), put("axb"), put("a%"), list_keys(prefix="a_")], page("a_b")),
    ("case counts", [put("A"), put("a"), list_keys(prefix="a")], page("a")),
    ("a prefix of 512 bytes", [list_keys(prefix="p" * 512)], page()),
    ("a prefix of 513 bytes", [list_keys(prefix="p" * 513)], too_long("GET", 513)),
    ("a lone surrogate in a prefix is three times U+FFFD", [put("\ufffd" * 3), list_keys(prefix="\ud800")],
     page("\ufffd" * 3)),
    ("of nine bytes", [list_keys(prefix="\ud800" * 57)], too_long("GET", 513)),
    ("the limit is checked before the prefix", [list_keys(prefix="p" * 513, limit=1001)],
     refusal("GET failed: 400 Invalid key_count_limit of 1001. Please specify an integer less than 1000.")),
    ("a cursor needs its prefix again", [*THREE, put("ab"), list_keys(prefix="a", limit=1),
                                          list_keys(prefix="a", cursor=LastCursor())], page("ab")),
    ("without it the cursor serves all keys", [*THREE, put("ab"), list_keys(prefix="a", limit=1),
                                                list_keys(cursor=LastCursor())], page("ab", "b", "c")),
    ("a key put behind the cursor meanwhile is seen", [*THREE, list_keys(limit=1), put("aa"),
                                                       list_keys(cursor=LastCursor())], page("aa", "b", "c")),
    ("a key deleted meanwhile does no harm", [*THREE, list_keys(limit=1), delete("a"), delete("b"),
                                               list_keys(cursor=LastCursor())], page("c")),
    ("the empty cursor is the beginning", [*THREE, list_keys(cursor="")], page("a", "b", "c")),
    ("garbage as a cursor is not refused", [*THREE, list_keys(cursor="%%%")], page("a", "b", "c")),
    ("garbage decodes to some key", [*THREE, list_keys(cursor="garbage!")], page()),
    ("a cursor without its padding", [*THREE, list_keys(cursor="YQ")], page("b", "c")),
    ("a cursor of letters whose low bytes count", [*THREE, list_keys(cursor="\u0159\u0151\u013d")], page("b", "c")),
    ("a page is never empty before the last", [*THREE, delete("a"), delete("b"), list_keys(limit=1)], page("c")),
]
BULK: list[Case] = [
    ("values by key, null for a miss", [put("a", "1"), get_bulk(["a", "b"])], mapped(("a", "1"), ("b", None))),
    ("in the order asked", [*THREE, get_bulk(["c", "a", "b"])], mapped(("c", "v"), ("a", "v"), ("b", "v"))),
    ("a duplicate once, at its first place", [*THREE, get_bulk(["b", "a", "b"])], mapped(("b", "v"), ("a", "v"))),
    ("as JSON", [put("a", "[1]"), get_bulk(["a", "b"], "json")], mapped(("a", Json("[1]")), ("b", None))),
    ("with metadata, null for a miss", [put("a", metadata=1), get_bulk_with_metadata(["a", "b"])],
     mapped(("a", (("value", "v"), ("metadata", Json("1")))), ("b", None))),
    ("no key", [get_bulk([])], refusal("GET_BULK failed: 400 You must request a minimum of 1 key")),
    ("101 keys", [get_bulk([f"k{number}" for number in range(101)])],
     refusal("GET_BULK failed: 400 You can request a maximum of 100 keys")),
    ("duplicates count", [get_bulk(["k"] * 101)],
     refusal("GET_BULK failed: 400 You can request a maximum of 100 keys")),
    ("100 keys", [get_bulk(["k"] * 100)], mapped(("k", None))),
    ("a type that is not text or json", [get_bulk(["k"], "arrayBuffer")],
     refusal('GET_BULK failed: 400 "arrayBuffer" is not a valid type. Use "json" or "text"')),
    ("the type is checked first", [get_bulk([], "stream")],
     refusal('GET_BULK failed: 400 "stream" is not a valid type. Use "json" or "text"')),
    ("a value that is not JSON", [put("a", "1"), put("b", "v"), get_bulk(["a", "b"], "json")], NOT_JSON),
    ("JSON null is as a miss", [put("a", "null"), get_bulk(["a"], "json")], mapped(("a", None))),
    ("a byte order mark is dropped", [put("a", "\ufeffv"), get_bulk(["a"])], mapped(("a", "v"))),
    ("keys that are array indexes are lost", [put("7"), put("007"), get_bulk(["7", "4294967294", "4294967295", "007"])],
     mapped(("4294967295", None), ("007", "v"))),
    ("a key __proto__ is lost", [put("__proto__"), get_bulk(["__proto__", "a"])], mapped(("a", None))),
    ("more than 25 MiB together", [put("a", Repeat("v", 13 * MIB)), get_bulk(["a", "a"])],
     refusal("GET_BULK failed: 413 Total size of request exceeds the limit of 25MB")),
    ("values are parsed before they are counted", [put("a", Repeat("v", 13 * MIB)), get_bulk(["a", "a"], "json")],
     NOT_JSON),
    ("the total counts UTF-16 units, not bytes", [put("a", Repeat("é", 8 * MIB)), get_bulk(["a", "a"])],
     mapped(("a", Long("text", 8 * MIB, sha256("é".encode() * 8 * MIB).hexdigest())))),
]
# fmt: on

CASES = [
    pytest.param(steps, expected, id=f"{topic}: {sentence}")
    for topic, cases in {
        "methods": METHODS_AND_RESULTS,
        "keys": KEYS,
        "values": VALUES_AND_METADATA,
        "expiration": EXPIRATION,
        "cacheTtl": CACHE_TTL,
        "list": LIST,
        "bulk": BULK,
    }.items()
    for sentence, steps, expected in cases
]
assert len({case.id for case in CASES}) == len(CASES)


@pytest.mark.parametrize(("steps", "expected"), CASES)
def test_it_is_as_documented_on_both_sides(comparison: Comparison, steps: Sequence[Step], expected: Answer) -> None:
    script = Script(steps, None if any(map(_large, steps)) else START_MS)
    for side in comparison.emulated:
        last = comparison.exchanges(script, side)[-1]
        assert last.there == expected
        assert last.here == expected


def _large(step: Any) -> bool:
    """Whether it needs the real limits, which a clock that is moved has not."""
    return not isinstance(step, Advance) and any(isinstance(argument, Repeat) for argument in step.arguments)
