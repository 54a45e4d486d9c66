"""The calls whose recorded answers tests/kv holds the emulator to, made once more on both sides.

As the emulator still gives the recorded answers, so does the runtime that they were recorded from.
"""

import base64
import json
import math
from pathlib import Path
from typing import Any

import pytest

from queue_emulator.core.javascript import UNDEFINED
from tests.differential.comparison import Comparison
from tests.differential.operations import Buffer, Operation, Script, Seconds, javascript

pytestmark = pytest.mark.runtime

MIB = 1024 * 1024
RECORDED = Path(__file__).parents[1] / "kv" / "recorded_answers.json"


def operations(row: Any) -> list[Operation]:
    return [
        Operation(method, tuple(map(given, arguments)), {name: given(value) for name, value in options.items()})
        for method, arguments, options in row["calls"]
    ]


def given(value: Any) -> Any:
    """An argument of the table."""
    match value:
        case list():
            return [given(item) for item in value]
        case {"$": "undefined"}:
            return UNDEFINED
        case {"$": "nan" | "inf" | "-inf" as name}:
            return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[name]
        case {"$": "bytes", "base64": text}:
            return Buffer(base64.b64decode(text))
        case {"$": "repeat", "text": text, "times": times}:
            return text * times
        case {"$": "now", "plus_s": plus_s}:
            return Seconds(plus_s)
        case {"$": kind}:
            raise AssertionError(f"no argument is a {kind}")
        case dict():
            return {name: given(member) for name, member in value.items()}
    return value


def title(steps: list[Operation]) -> str:
    text = "; ".join(map(javascript, steps)).replace("await KV.", "")
    return text if len(text) < 100 else text[:97] + "..."


def is_long(value: Any) -> bool:
    """Whether there is a value of many MiB in it; such calls are made by test_documented.py, on both sides as well."""
    match value:
        case {"$": "repeat", "text": text, "times": times}:
            return bool(len(text) * times > MIB)
        case list():
            return any(map(is_long, value))
    return False


ROWS = json.loads(RECORDED.read_text("utf-8"))["answers"]
SCRIPTS = [operations(row) for row in ROWS if not is_long(row["calls"])]


@pytest.mark.parametrize("steps", SCRIPTS, ids=title)
def test_calls_with_a_recorded_answer_are_answered_alike(comparison: Comparison, steps: list[Operation]) -> None:
    comparison.check(Script(steps))
