"""Bulk reads: up to a hundred keys in one operation, with the runtime's own losses."""

from collections.abc import Callable

import pytest

from queue_emulator.core.errors import KVError
from queue_emulator.core.profiles import CLOUDFLARE, LOCAL
from queue_emulator.kv.binding import Binding, ValueWithMetadata

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("profile", [CLOUDFLARE, LOCAL], ids=lambda profile: profile.name),
]


@pytest.fixture
async def cache(open_binding: Callable[..., Binding]) -> Binding:
    writer = open_binding()
    await writer.put("a", "A", metadata={"m": 1})
    await writer.put("one", "1")
    await writer.put("nothing", "null", metadata=2)
    await writer.put("42", "lost")
    return open_binding()


def refused(reason: str) -> "pytest.RaisesExc[KVError]":
    return pytest.RaisesExc(KVError, check=lambda error: str(error) == f"KV GET_BULK failed: {reason}")


async def test_each_key_has_its_value_or_null_in_the_order_first_named(cache: Binding) -> None:
    read = await cache.get_bulk(["one", "never", "a", "one"])
    assert list(read.items()) == [("one", "1"), ("never", None), ("a", "A")]


async def test_metadata_comes_with_the_value_and_a_miss_is_null_and_no_object(cache: Binding) -> None:
    read = await cache.get_bulk_with_metadata(["a", "one", "never"])
    assert read == {"a": ValueWithMetadata("A", {"m": 1}), "one": ValueWithMetadata("1", None), "never": None}


async def test_values_are_read_as_json_on_demand(cache: Binding) -> None:
    assert await cache.get_bulk(["one", "never"], "json") == {"one": 1, "never": None}
    assert await cache.get_bulk(["one"], ["json"]) == {"one": 1}
    assert await cache.get_bulk_with_metadata(["one"], "json") == {"one": ValueWithMetadata(1, None)}


async def test_a_json_null_is_taken_for_a_miss(cache: Binding) -> None:
    assert await cache.get_bulk_with_metadata(["nothing"], "json") == {"nothing": None}
    assert await cache.get_bulk_with_metadata(["nothing"]) == {"nothing": ValueWithMetadata("null", 2)}


@pytest.mark.parametrize("lost", ["0", "42", "4294967294", "__proto__"])
async def test_names_that_are_array_indexes_are_missing_from_the_answer(cache: Binding, lost: str) -> None:
    assert await cache.get_bulk([lost, "a"]) == {"a": "A"}
    assert list(await cache.get_bulk_with_metadata([lost, "a"])) == ["a"]


async def test_a_value_that_is_not_json_fails_the_whole_read_even_under_a_name_that_is_lost(cache: Binding) -> None:
    for keys in (["one", "a"], ["42"]):
        with refused("400 At least one of the requested keys corresponds to a non-json value"):
            await cache.get_bulk(keys, "json")


async def test_a_hundred_keys_are_accepted_and_one_more_is_not(cache: Binding) -> None:
    assert len(await cache.get_bulk([f"k{number}" for number in range(100)])) == 100
    with refused("400 You can request a maximum of 100 keys"):
        await cache.get_bulk(["same"] * 101)
    with refused("400 You must request a minimum of 1 key"):
        await cache.get_bulk([])


@pytest.mark.parametrize("type", ["arrayBuffer", "stream", "JSON", 5])
async def test_only_text_and_json_can_be_asked_for(cache: Binding, type: str | int) -> None:
    with refused(f'400 "{type}" is not a valid type. Use "json" or "text"'):
        await cache.get_bulk(["a"], type)


async def test_keys_are_refused_in_the_service_s_words(cache: Binding) -> None:
    with refused("400 Key names must not be empty"):
        await cache.get_bulk(["a", ""])
    with refused('400 Illegal key name "..". Please use a different name.'):
        await cache.get_bulk_with_metadata([".."])


async def test_a_cache_ttl_below_the_minimum_is_refused(cache: Binding) -> None:
    with refused("400 Invalid cache_ttl of 29. Cache TTL must be at least 30."):
        await cache.get_bulk(["a"], cache_ttl=29)


async def test_a_lone_surrogate_asks_for_the_key_of_three_replacement_characters(cache: Binding) -> None:
    await cache.put("\ufffd\ufffd\ufffd", "found")
    assert await cache.get_bulk(["\ud800"]) == {"\ufffd\ufffd\ufffd": "found"}


async def test_what_is_not_utf_8_is_read_with_replacement_characters(cache: Binding) -> None:
    await cache.put("k", b"a\xff\xe2\x82z")
    assert await cache.get_bulk(["k"]) == {"k": "a\ufffd\ufffdz"}
    assert await cache.get("k") == "a\ufffd\ufffdz"


async def test_a_byte_order_mark_is_stripped_here_and_only_here(cache: Binding) -> None:
    await cache.put("bom", b"\xef\xbb\xbf1")
    assert await cache.get_bulk(["bom"]) == {"bom": "1"}
    assert await cache.get_bulk(["bom"], "json") == {"bom": 1}
    assert await cache.get("bom") == "\ufeff1"


@pytest.mark.slow
async def test_the_values_together_have_at_most_25_mib_of_utf16_units(cache: Binding) -> None:
    half = 25 * 1024 * 1024 // 2
    await cache.put("half", b"a" * half)
    await cache.put("more", b"a" * (half + 1))
    assert len(await cache.get_bulk(["half", "half"])) == 1
    with refused("413 Total size of request exceeds the limit of 25MB"):
        await cache.get_bulk(["half", "more"])
    with refused("400 At least one of the requested keys corresponds to a non-json value"):
        await cache.get_bulk(["half", "more"], "json")


async def test_it_is_one_operation_however_many_keys(cache: Binding) -> None:
    await cache.get_bulk(["a", "one", "never"])
    await cache.get_bulk_with_metadata(["a"] * 100)
    assert cache.invocation.operations == 2
