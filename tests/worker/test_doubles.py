"""The doubles do what a plain binding does, miss no operation, and interrupt where they are told to."""

from collections.abc import Callable

import pytest

from queue_emulator.core.errors import KVError
from queue_emulator.kv.binding import Binding
from queue_emulator.kv.service import KVService
from tests.worker.deployed import Centre
from tests.worker.doubles import WatchedBinding

pytestmark = pytest.mark.anyio

Watch = Callable[..., WatchedBinding]


async def use(binding: Binding) -> list[object]:
    await binding.put("a", '{"n":1}', expiration_ttl=90)
    await binding.put("b", "2", metadata={"m": 1})
    seen = [await binding.get("a", "json"), await binding.get("b"), await binding.get("c")]
    await binding.delete("b")
    return [*seen, await binding.list(prefix="a")]


async def test_a_watched_binding_answers_as_a_plain_one(service: KVService, watch: Watch) -> None:
    plain = await use(Binding(service, "NRT"))
    await service.reset()
    assert await use(watch("NRT")) == plain


async def test_a_watched_binding_writes_down_each_call_with_key_and_lifetime(watch: Watch) -> None:
    binding = watch()
    await use(binding)
    assert binding.calls[0] == ("put", "a", 90)
    assert [call[:2] for call in binding.calls[1:]] == [
        ("put", "b"),
        ("get", "a"),
        ("get", "b"),
        ("get", "c"),
        ("delete", "b"),
        ("list", "a"),
    ]


async def test_a_watched_binding_records_exactly_the_operations_that_are_counted(watch: Watch) -> None:
    binding = watch()
    await use(binding)
    assert len(binding.calls) == binding.invocation.operations


async def test_a_watched_binding_has_the_budget_of_its_profile(watch: Watch) -> None:
    assert watch().invocation.operations_max == 1000


async def test_a_call_that_fails_is_on_record(watch: Watch) -> None:
    binding = watch()
    with pytest.raises(KVError, match="at least 60"):
        await binding.put("a", "1", expiration_ttl=59)
    assert binding.calls == [("put", "a", 59)]


async def test_an_interruption_comes_once_and_before_the_call(watch: Watch, centre: Centre) -> None:
    binding = watch()
    seen: list[object] = []

    async def look() -> None:
        seen.append(await centre.keys())

    binding.before("put", "a", look)
    await binding.put("b", "1")
    assert seen == []
    assert binding.uninterrupted == 1
    await binding.put("a", "1")
    assert seen == [["b"]]
    await binding.delete("a")
    await binding.get("a")
    assert seen == [["b"]]
    assert binding.uninterrupted == 0


async def test_an_interruption_can_wait_for_a_later_call_of_its_kind(watch: Watch) -> None:
    binding = watch()
    seen: list[int] = []

    async def note() -> None:
        seen.append(len(binding.calls))

    binding.before_nth(3, "get", "a", note)
    for _ in range(4):
        await binding.get("a")
    assert seen == [2]


async def test_the_centre_is_seen_past_every_cache(service: KVService, centre: Centre) -> None:
    tokyo = Binding(service, "NRT")
    await tokyo.get("a")
    await centre.load({"a": [1], "b": b"not JSON"}, ttl_s=120)
    assert await centre.contents() == {"a": [1], "b": "not JSON"}
    assert await centre.lifetimes_s() == {"a": 120, "b": 120}
    assert await centre.value("a") == [1]
    await tokyo.delete("a")
    assert await centre.keys() == ["b"]
    assert await tokyo.get("a") is None
