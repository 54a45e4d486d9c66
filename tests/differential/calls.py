"""Short names for operations and answers, for tests that spell them out."""

import json
from typing import Any

from tests.differential.answers import Answer, Json
from tests.differential.operations import Operation


def get(key: Any, *type_: Any, **options: Any) -> Operation:
    return Operation("get", (key, *type_), options)


def get_with_metadata(key: Any, *type_: Any, **options: Any) -> Operation:
    return Operation("get_with_metadata", (key, *type_), options)


def get_bulk(keys: list[Any], *type_: Any, **options: Any) -> Operation:
    return Operation("get_bulk", (keys, *type_), options)


def get_bulk_with_metadata(keys: list[Any], *type_: Any, **options: Any) -> Operation:
    return Operation("get_bulk_with_metadata", (keys, *type_), options)


def put(key: Any, value: Any = "v", **options: Any) -> Operation:
    return Operation("put", (key, value), options)


def delete(key: Any) -> Operation:
    return Operation("delete", (key,))


def list_keys(**options: Any) -> Operation:
    return Operation("list", (), options)


def value(returned: Any) -> Answer:
    """A text, bytes, or None for null and undefined."""
    return Answer(returned)


def json_value(parsed: Any) -> Answer:
    """Anything parsed from JSON but null and strings."""
    return Answer(Json(json.dumps(parsed)))


def record(found: Any, metadata: Any = None) -> Answer:
    """What getWithMetadata returns; `metadata` None or a JSON value."""
    kept = metadata if metadata is None or isinstance(metadata, str) else Json(json.dumps(metadata))
    return Answer((("value", found), ("metadata", kept), ("cacheStatus", None)))


def mapped(*entries: tuple[str, Any]) -> Answer:
    """The Map of a bulk read."""
    return Answer(("map", entries))


def page(*keys: Any, cursor: str | None = None) -> Answer:
    """A list's page; each key a name, or its members."""
    members = [{"name": key} if isinstance(key, str) else key for key in keys]
    more = {"list_complete": True} if cursor is None else {"list_complete": False, "cursor": cursor}
    return Answer(Json(json.dumps({"keys": members, **more, "cacheStatus": None})))


def refusal(text: str) -> Answer:
    """The service's own: `Error: KV ... failed: ...`."""
    return Answer(error=("Error", f"KV {text}"))


def type_error(text: str) -> Answer:
    return Answer(error=("TypeError", text))


def syntax_error(text: str) -> Answer:
    return Answer(error=("SyntaxError", text))
