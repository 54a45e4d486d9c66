"""A side that is wrong somewhere is caught, and shown by no more than what it takes."""

from dataclasses import dataclass
from itertools import islice
from typing import Any

import pytest

from tests.differential.answers import Answer
from tests.differential.calls import delete, get, get_with_metadata, list_keys, put, value
from tests.differential.comparison import Comparison, Disagreement
from tests.differential.emulated import Emulated
from tests.differential.generated import START_MS, scripts_with_a_moving_clock
from tests.differential.operations import Advance, Buffer, Operation, Script, Step, javascript
from tests.differential.shrinking import TRIES_MAX, shrunk


@dataclass(slots=True)
class Mistaken:
    """The emulator, but for deletes of a key with metadata: they are forgotten."""

    side: Emulated
    kept: set[Any]

    def begin(self) -> None:
        self.side.begin()
        self.kept.clear()

    def answer(self, operation: Operation, now_ms: int, last_cursor: str | None) -> Answer:
        key = operation.arguments[0] if operation.arguments else None
        if operation.method == "put" and "metadata" in operation.options:
            self.kept.add(key)
        if operation.method == "delete" and key in self.kept:
            return value(None)
        return self.side.answer(operation, now_ms, last_cursor)


LONG: list[Step] = [
    *(put(key, "value", metadata=len(key), expiration_ttl=90) for key in ("one", "three")),
    *(get(key) for key in ("one", "two", "three")),
    Advance(1_000),
    put("one"),
    list_keys(limit=1),
    delete("two"),
    delete("three"),
    list_keys(prefix="o"),
    Advance(1_000),
    get_with_metadata("three", "text", cache_ttl=60),
    get("one"),
]


@pytest.mark.runtime
@pytest.mark.slow
def test_a_mistake_is_shown_on_the_three_operations_that_it_takes(comparison: Comparison) -> None:
    mistaken: list[Any] = [Mistaken(side, set()) for side in comparison.emulated]
    looking = Comparison(comparison.runtime, mistaken)
    comparison.check(Script(LONG, START_MS))
    with pytest.raises(Disagreement) as caught:
        looking.check(Script(LONG, START_MS))
    assert str(looking.shrunk(caught.value)).splitlines() == [
        f"they part at the last line, at {START_MS} ms (now = {START_MS // 1000}):",
        'await KV.put("three", "", {metadata: 5})',
        'await KV.delete("three")',
        'await KV.getWithMetadata("three")',
        "  there: (('value', None), ('metadata', None), ('cacheStatus', None))",
        "  here:  (('value', ''), ('metadata', Json(text='5')), ('cacheStatus', None))",
    ]


@pytest.mark.runtime
@pytest.mark.slow
def test_random_scripts_come_upon_it_and_go_on(comparison: Comparison) -> None:
    mistaken: list[Any] = [Mistaken(side, set()) for side in comparison.emulated[:1]]
    looking = Comparison(comparison.runtime, mistaken)
    found = islice(looking.disagreements(scripts_with_a_moving_clock("0"), 5_000), 2)
    assert all("await KV.delete(" in str(each) for each in found)
    assert 1 < looking.tally.scripts < looking.tally.operations < 5_000


def test_what_a_mistake_does_not_need_is_dropped_from_values_too() -> None:
    script = Script([put("a", "x" * 50 + "!" + "y" * 50, metadata=1), get("b"), get_with_metadata("a", "json")])
    assert [javascript(step) for step in shrunk(script, lambda small: "!" in str(list(small.steps))).steps] == [
        'await KV.put("", "!")'
    ]


def test_bytes_are_cut_as_well() -> None:
    script = Script([put("a", Buffer(bytes(range(100)), "DataView"))])
    small = shrunk(script, lambda small: any(b"\x32" in step.arguments[1].content for step in small.operations))
    assert small.steps == [put("", Buffer(b"\x32", "DataView"))]


def test_shrinking_ends_after_so_many_tries() -> None:
    tried: list[Script] = []

    def shows(small: Script) -> bool:
        tried.append(small)
        return len(tried) % 7 == 0

    shrunk(Script([put("k" * 5_000, "v" * 5_000)] * 500), shows)
    assert len(tried) <= TRIES_MAX
