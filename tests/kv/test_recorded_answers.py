"""The binding in profile `local` gives the answers that the vendor's own runtime gave to the same calls."""

import base64
import json
import math
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from queue_emulator.core.errors import JavaScriptError
from queue_emulator.core.javascript import UNDEFINED
from queue_emulator.core.profiles import LOCAL
from queue_emulator.kv.binding import Binding, ListResult, ValueWithMetadata

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("profile", [LOCAL], ids=["local"])]

ROWS = json.loads(Path(__file__).with_name("recorded_answers.json").read_text())["answers"]


def title(row: Any) -> str:
    *before, (method, arguments, chosen) = row["calls"]
    written = [json.dumps(each) for each in arguments] + [f"{name}={json.dumps(chosen[name])}" for name in chosen]
    text = f"{method}({', '.join(written)})" + (f" after {json.dumps(before)}" if before else "")
    return text if len(text) < 100 else text[:97] + "..."


@pytest.mark.parametrize("row", ROWS, ids=title)
async def test_a_call_is_answered_as_recorded(row: Any, open_binding: Callable[..., Binding]) -> None:
    binding = open_binding()
    now_s = binding.service.clock.now_ms() // 1000
    *before, last = row["calls"]
    for call in before:
        await answer(binding, call, now_s)
    if "error" in row:
        with pytest.raises(JavaScriptError) as caught:
            await answer(binding, last, now_s)
        assert [caught.value.name, str(caught.value)] == [row["error"][0], dated(row["error"][1], now_s)]
    else:
        assert await answer(binding, last, now_s) == decoded(row["answer"], now_s)


async def answer(binding: Binding, call: list[Any], now_s: int) -> Any:
    method, arguments, chosen = decoded(call, now_s)
    found = await getattr(binding, method)(*arguments, **chosen)
    if not method.startswith("get_bulk"):
        return await plain(found)
    return ("map", [[name, without_cache_status(await plain(each))] for name, each in found.items()])


async def plain(value: Any) -> Any:
    """As the answers are written in the table: absent where there is nothing."""
    match value:
        case ValueWithMetadata(inner, metadata, cache_status):
            return {"value": await plain(inner), "metadata": metadata, "cache_status": cache_status}
        case ListResult():
            keys = [{name: each for name, each in key._asdict().items() if each is not None} for key in value.keys]
            cursor = {} if value.cursor is None else {"cursor": value.cursor}
            rest = {"list_complete": value.list_complete, "cache_status": value.cache_status}
            return {"keys": keys, **cursor, **rest}
        case AsyncIterator():
            return ("stream", b"".join([chunk async for chunk in value]))
    return value


def without_cache_status(value: Any) -> Any:
    """A bulk read has none, as the binding says by None."""
    if isinstance(value, dict) and "cache_status" in value:
        assert value.pop("cache_status") is None
    return value


def decoded(value: Any, now_s: int) -> Any:
    if isinstance(value, list):
        return [decoded(item, now_s) for item in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"$": "undefined"}:
            return UNDEFINED
        case {"$": "nan" | "inf" | "-inf" as name}:
            return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[name]
        case {"$": "bytes", "base64": text}:
            return base64.b64decode(text)
        case {"$": "stream", "base64": text}:
            return ("stream", base64.b64decode(text))
        case {"$": "repeat", "text": text, "times": times}:
            return text * times
        case {"$": "now", "plus_s": plus_s}:
            return now_s + plus_s
        case {"$": "map", "entries": entries}:
            return ("map", decoded(entries, now_s))
    return {name: decoded(item, now_s) for name, item in value.items()}


def dated(text: str, now_s: int) -> str:
    return re.sub(r"\{now([+-]\d+)\}", lambda match: str(now_s + int(match[1])), text)
