"""Answers of either side in one form, in which equal means: a Worker could not tell them apart.

Two things Python's spelling does not tell apart: null from undefined (both None), and metadata null from none in a
list. JSON is kept as a text, so that 1 is not true and the order of members counts.
"""

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from queue_emulator.kv.binding import ListResult, ValueWithMetadata
from tests.differential.operations import shortened

LONG_UNITS = 16_384  # as in worker.mjs


@dataclass(frozen=True, slots=True)
class Answer:
    """A value, or the name and text of an error."""

    value: Any = None
    error: tuple[str, str] | None = None

    def __str__(self) -> str:
        return shortened(repr(self.value) if self.error is None else f"throws {self.error[0]}: {self.error[1]}")


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON value other than null and a string."""

    text: str


DEEP_JSON = Json("nested too deep to be told")


@dataclass(frozen=True, slots=True)
class Long:
    """A text or bytes too long to be shown: `kind`, length and SHA-256."""

    kind: str
    units: int
    sha256: str


async def answer_here(value: Any) -> Answer:
    """What the emulator's binding returned."""
    return Answer(await _plain(value))


def answer_there(told: Mapping[str, Any]) -> Answer:
    """What worker.mjs told."""
    if "error" in told:
        name, message = told["error"]
        return Answer(error=(name, message))
    return Answer(_decoded(told["value"]))


async def _plain(value: Any) -> Any:
    match value:
        case None | str() | bytes():
            return _text_or_bytes(value)
        case ValueWithMetadata(inner, metadata, cache_status):
            return (
                ("value", await _plain(inner)),
                ("metadata", await _plain(metadata)),
                ("cacheStatus", cache_status),
            )
        case ListResult():
            keys = [
                _present({"name": key.name, "expiration": key.expiration, "metadata": key.metadata})
                for key in value.keys
            ]
            listed = _present({"keys": keys, "list_complete": value.list_complete, "cursor": value.cursor})
            return Json(_json_text({**listed, "cacheStatus": value.cache_status}))
        case AsyncIterator():
            return "stream", _text_or_bytes(b"".join([chunk async for chunk in value]), "stream")
    return Json(_json_text(value))


async def bulk_answer_here(found: Mapping[str, Any]) -> Answer:
    """What a bulk read returned; its records have no cache status."""
    entries = []
    for name, value in found.items():
        plain = await _plain(value)
        if isinstance(value, ValueWithMetadata):
            assert value.cache_status is None
            plain = tuple(member for member in plain if member[0] != "cacheStatus")
        entries.append((name, plain))
    return Answer(("map", tuple(entries)))


def _decoded(told: Any) -> Any:
    if not isinstance(told, dict):
        return told
    if told["$"].startswith("long "):
        kind = told["$"].removeprefix("long ")
        long = Long(kind, told["units"], told["sha256"])
        return ("stream", long) if kind == "stream" else long
    return _DECODERS[told["$"]](told)


_DECODERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "undefined": lambda told: None,
    "bytes": lambda told: base64.b64decode(told["base64"]),
    "stream": lambda told: ("stream", base64.b64decode(told["base64"])),
    "json": lambda told: Json(_json_again(told["text"])),
    "deep json": lambda told: DEEP_JSON,
    "list": lambda told: Json(_json_text(_listed(json.loads(told["text"])))),
    "map": lambda told: ("map", tuple((name, _decoded(value)) for name, value in told["entries"])),
    "record": lambda told: tuple((name, _decoded(value)) for name, value in told["members"]),
}


def _listed(page: dict[str, Any]) -> dict[str, Any]:
    return {**page, "keys": [_present(key) for key in page["keys"]]}


def _present(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _text_or_bytes(value: str | bytes | None, kind: str = "") -> Any:
    if value is None:
        return None
    units = len(value) if isinstance(value, bytes) else len(value.encode("utf-16-le", "surrogatepass")) // 2
    if units <= LONG_UNITS:
        return value
    content = value if isinstance(value, bytes) else value.encode()
    kind = kind or ("bytes" if isinstance(value, bytes) else "text")
    return Long(kind, units, hashlib.sha256(content).hexdigest())


def _json_again(text: str) -> str:
    try:
        return _json_text(json.loads(text))
    except RecursionError:  # nested too deep for Python: then the text as it is
        return text


def _json_text(value: Any) -> str:
    return json.dumps(_integral(value))


def _integral(value: Any) -> Any:
    """Numbers as JavaScript has them: 1.0 is 1."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_integral(item) for item in value]
        case dict():
            return {name: _integral(member) for name, member in value.items()}
    return value
