"""Each difference from the vendor's local runtime that is intended, still there, as kv/DIFFERENCES.md has it.

One that is gone fails here: then its row and its predicate go too.
"""

from collections.abc import Callable

import pytest

from queue_emulator.kv.binding import Binding
from tests.differential.answers import DEEP_JSON, Answer, Json
from tests.differential.calls import (
    delete,
    get,
    get_bulk,
    get_bulk_with_metadata,
    get_with_metadata,
    list_keys,
    mapped,
    page,
    put,
    record,
    refusal,
    syntax_error,
    value,
)
from tests.differential.comparison import Comparison
from tests.differential.differences import intended
from tests.differential.generated import START_MS
from tests.differential.operations import Advance, Script, Step

pytestmark = pytest.mark.runtime

NOW_S = START_MS // 1000


def check(comparison: Comparison, row: str, steps: list[Step], *, there: Answer, here: Answer) -> None:
    """The last of the steps is answered so on either side, and the row named so intends it."""
    for side in comparison.emulated:
        last = comparison.exchanges(Script(steps, START_MS), side)[-1]
        assert (last.there, last.here) == (there, here)
        assert intended(last) == row


def test_a_prefix_with_nul_lists_what_starts_with_it(comparison: Comparison) -> None:
    steps: list[Step] = [put("a"), put("a\0"), put("a\0b"), list_keys(prefix="a\0")]
    check(comparison, "nul-in-prefix", steps, there=page(), here=page("a\0", "a\0b"))


def test_a_list_forgets_a_key_in_the_millisecond_in_which_it_expires(comparison: Comparison) -> None:
    steps: list[Step] = [put("a", expiration_ttl=60), put("b"), Advance(60_000), list_keys()]
    there = page({"name": "a", "expiration": NOW_S + 60}, "b")
    check(comparison, "last-millisecond", steps, there=there, here=page("b"))


def test_a_page_is_filled_with_keys_that_live_in_that_millisecond(comparison: Comparison) -> None:
    expiring = {"name": "a", "expiration": NOW_S + 60}
    before: list[Step] = [put("a", expiration_ttl=60), put("b"), put("c"), Advance(60_000)]
    steps = [*before, list_keys(limit=2)]
    check(comparison, "last-millisecond", steps, there=page(expiring, "b", cursor="Yg=="), here=page("b", "c"))
    steps = [put("c", expiration_ttl=60), put("a"), put("b"), Advance(60_000), list_keys(limit=2)]
    check(comparison, "last-millisecond", steps, there=page("a", "b", cursor="Yg=="), here=page("a", "b"))


def test_json_nested_deeper_than_python_reads_is_refused(comparison: Comparison) -> None:
    steps: list[Step] = [put("k", "[" * 400 + "]" * 400), get("k", "json")]
    for side in comparison.emulated:
        last = comparison.exchanges(Script(steps), side)[-1]
        assert last.here == last.there
    exchanges = [put("k", "[" * 200_000 + "]" * 200_000), get("k", "json")]
    for side in comparison.emulated:
        last = comparison.exchanges(Script(exchanges), side)[-1]
        assert last.there == value(DEEP_JSON)
        assert last.here == syntax_error("JSON nested deeper than this emulator reads")
        assert intended(last) == "deep-json"


def test_members_named_like_array_indexes_stay_where_they_were_written(comparison: Comparison) -> None:
    written = '{"b": 1, "7": 2, "3": 3}'
    ordered = '{"3": 3, "7": 2, "b": 1}'
    steps: list[Step] = [put("k", written), get("k", "json")]
    check(comparison, "order-of-members", steps, there=value(Json(ordered)), here=value(Json(written)))
    steps = [put("k", metadata={"b": 1, "7": 2}), get_with_metadata("k")]
    there = record("v", {"7": 2, "b": 1})
    check(comparison, "order-of-members", steps, there=there, here=record("v", {"b": 1, "7": 2}))


def test_a_bulk_read_refuses_names_before_it_reads_values(comparison: Comparison) -> None:
    steps: list[Step] = [put("k", "not JSON"), get_bulk(["k", ""], "json")]
    there = refusal("GET_BULK failed: 400 At least one of the requested keys corresponds to a non-json value")
    here = refusal("GET_BULK failed: 400 Key names must not be empty")
    check(comparison, "name-after-value", steps, there=there, here=here)


def test_a_bulk_read_gives_a_number_beyond_doubles_as_infinity(comparison: Comparison) -> None:
    steps: list[Step] = [put("k", "[1e400]"), get_bulk(["k"], "json")]
    there, here = mapped(("k", Json("[null]"))), mapped(("k", Json("[Infinity]")))
    check(comparison, "infinity-in-bulk", steps, there=there, here=here)
    steps = [put("k", "1e400"), put("l", '{"b": 1, "1": 2}'), get_bulk(["k", "l"], "json")]
    there, here = (
        mapped(("k", None), ("l", Json('{"1": 2, "b": 1}'))),
        mapped(("k", Json("Infinity")), ("l", Json('{"b": 1, "1": 2}'))),
    )
    check(comparison, "infinity-in-bulk", steps, there=there, here=here)
    single = Script([put("k", "[1e400]"), get("k", "json")])
    for side in comparison.emulated:
        last = comparison.exchanges(single, side)[-1]
        assert last.here == last.there == value(Json("[Infinity]"))


def test_a_key_named_proto_is_never_in_the_map_of_a_bulk_read(comparison: Comparison) -> None:
    steps: list[Step] = [get_bulk(["__proto__", "a", "__proto__"])]
    there = mapped(("a", None), ("__proto__", None))
    check(comparison, "proto-missed-twice", steps, there=there, here=mapped(("a", None)))
    steps = [delete("a"), get_bulk_with_metadata(["__proto__", "__proto__"])]
    check(comparison, "proto-missed-twice", steps, there=mapped(("__proto__", None)), here=mapped())
    steps = [put("__proto__", '{"__proto__": 1}'), get_bulk(["__proto__", "__proto__"], "json")]
    check(comparison, "proto-missed-twice", steps, there=mapped(("__proto__", Json('{"__proto__": 1}'))), here=mapped())


def test_arguments_that_the_signature_does_not_have_are_python_s_own_type_error(comparison: Comparison) -> None:
    told = comparison.runtime.told([("get", []), ("get", ["k", "text", {"$": "object", "members": [["cacheTtl", 1]]}])])
    assert told[0]["error"] == [
        "TypeError",
        "Failed to execute 'get' on 'KvNamespace': parameter 1 is not of type 'string or Array'.",
    ]
    assert told[1]["value"] is None
    read: Callable[..., object] = Binding.get
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        read(None)
    with pytest.raises(TypeError, match="takes from 2 to 3 positional arguments"):
        read(None, "k", "text", {})
