"""The keys of a namespace: at the centre and as each location sees them; read, written and deleted as the API does it.

What is asked stands in the body, also to read: a URL is kept in histories and logs, and a key or a value is not for
those.
"""

import base64
import binascii
from functools import partial
from typing import Annotated, TypeAlias

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from queue_emulator.core import limits
from queue_emulator.core.bulk import bulk_entry, metadata_json, parse_bulk
from queue_emulator.core.entries import Entry, Row
from queue_emulator.core.javascript import SAFE_INTEGER_MAX, ToJson, from_utf8, parse_json, utf8
from queue_emulator.core.json_rewriting import Members, utf8_of
from queue_emulator.core.json_text import JsonText
from queue_emulator.core.keys import check_prefix, check_service_key
from queue_emulator.core.kinds import DELETE, GET, LIST, PUT
from queue_emulator.core.options import ListRequest, check_put
from queue_emulator.core.wire_names import API_LOCATION, INVOCATION
from queue_emulator.kv.operation import Listing, Operation, Reading, Written
from queue_emulator.kv.service import KVService
from queue_emulator.kv.sights import KeySight, Seen
from queue_emulator.kv.waiting import off_loop
from queue_emulator.web.actions import (
    Bounds,
    ControlError,
    as_shape,
    check_query,
    location_of,
    read_as,
    read_body,
    read_members,
    routes,
)
from queue_emulator.web.deployment import Deployment

SHOWN_BYTES_MAX = 1 << 20  # of a value, unless all of it is asked for
_DELETED_MAX = 1_000
_MANY_KEYS = Bounds(4 * 1024 * 1024, 2 * _DELETED_MAX)  # each of 512 bytes, however they are escaped
_Seconds: TypeAlias = Annotated[
    int, msgspec.Meta(ge=-SAFE_INTEGER_MAX, le=SAFE_INTEGER_MAX, description="a whole number of seconds")
]


class _Page(msgspec.Struct, forbid_unknown_fields=True):
    namespace: str | None = None
    prefix: str | None = None
    cursor: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=limits.LIST_LIMIT_MAX)] = limits.LIST_LIMIT_DEFAULT

    def request(self) -> ListRequest:
        return ListRequest(check_prefix(self.prefix or ""), self.limit, self.cursor or "")


class _Read(msgspec.Struct, forbid_unknown_fields=True):
    key: str
    namespace: str | None = None
    whole: bool = False


class _Write(msgspec.Struct, forbid_unknown_fields=True):
    key: str
    namespace: str | None = None
    text: str | None = None
    base64: str | None = None
    metadata: object = None
    expiration: _Seconds | None = None
    expiration_ttl: _Seconds | None = None


class _Delete(msgspec.Struct, forbid_unknown_fields=True):
    keys: Annotated[
        list[str],
        msgspec.Meta(min_length=1, max_length=_DELETED_MAX, description=f"an array of 1 to {_DELETED_MAX} keys"),
    ]
    namespace: str | None = None


class Keys:
    """Keys of any namespace of one deployment."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def routes(self) -> list[Route]:
        return routes(
            (
                ("POST", "/keys/list", self.list),
                ("POST", "/keys/read", self.read),
                ("POST", "/keys/write", self.write),
                ("POST", "/keys/delete", self.delete),
                ("POST", "/keys/entries", self.entries),
                ("POST", "/keys/import", self.load),
            )
        )

    async def list(self, request: Request) -> ToJson:
        """One page of keys, each with its version at the centre and what every location would be shown."""
        asked = await read_as(request, _Page)
        service, page = self._deployment.chosen(asked.namespace), asked.request()
        if isinstance(service, KVService):
            now_ms = service.clock.now_ms()
            sights, cursor = await service.sights(page, self._deployment.places())
            keys = [_key_as_json(each, now_ms) for each in sights]
            return {"keys": keys, "cursor": cursor, "now_ms": now_ms}
        listing: Listing = await service.perform(
            Operation(
                LIST, None, API_LOCATION, (page.prefix,), request.scope[INVOCATION], service.clock.now_ms(), (), page
            )
        )
        now_ms = service.clock.now_ms()
        rows = [{"key": from_utf8(row.key), **_row_as_json(row, now_ms), "locations": {}} for row in listing.rows]
        return {"keys": rows, "cursor": listing.cursor, "now_ms": now_ms}

    async def read(self, request: Request) -> ToJson:
        """One key: the value at the centre, and at each location that would be shown another one."""
        asked = await read_as(request, _Read)
        service, key = self._deployment.chosen(asked.namespace), check_service_key(asked.key, "GET")
        bytes_max = limits.VALUE_BYTES_MAX if asked.whole else SHOWN_BYTES_MAX
        if isinstance(service, KVService):
            now_ms = service.clock.now_ms()
            entry, sight = await service.sight(key, self._deployment.places())
            live = entry is not None and entry.live(now_ms)
            locations: dict[str, ToJson] = {}
            for location, seen in sight.seen.items():
                same = seen.entry is not None and live and entry is not None and seen.entry.version == entry.version
                value = None if seen.entry is None or same else _value_as_json(seen.entry, bytes_max)
                locations[location] = {**_seen_as_json(seen), **({} if value is None else {"entry": value})}
            told = _value_as_json(entry, bytes_max) if entry is not None and live else None
            return {**_key_as_json(sight, now_ms), "entry": told, "locations": locations, "now_ms": now_ms}
        reading: Reading = await service.perform(
            Operation(GET, None, API_LOCATION, (key,), request.scope[INVOCATION], service.clock.now_ms())
        )
        found = reading.found[0].entry
        value = None if found is None else _value_as_json(found, bytes_max)
        named: dict[str, ToJson] = {"key": from_utf8(key), "entry": value, "locations": {}}
        return {**named, "now_ms": service.clock.now_ms()}

    async def write(self, request: Request) -> ToJson:
        """Replace all that stood under a key: value, metadata and lifetime."""
        members = await read_members(request)
        asked = as_shape(
            {**members, **{name: "" for name in ("text", "base64") if _stayed_text(members, name)}}, _Write
        )
        service, key = self._deployment.chosen(asked.namespace), check_service_key(asked.key, "PUT")
        put = check_put(
            key,
            _value_given(members),
            expiration_s=asked.expiration,
            expiration_ttl_s=asked.expiration_ttl,
            metadata=None if asked.metadata is None else metadata_json(members["metadata"]),
            now_ms=service.clock.now_ms(),
        )
        caller, now_ms = request.scope[INVOCATION], service.clock.now_ms()
        written: Written = await service.perform(
            Operation(PUT, service.namespace, API_LOCATION, (key,), caller, now_ms, (put,))
        )
        return {"key": from_utf8(key), "version": written.entries[0].version if written.entries else None}

    async def delete(self, request: Request) -> ToJson:
        """Delete keys, one after the other."""
        asked = await read_as(request, _Delete, _MANY_KEYS)
        service, keys = (
            self._deployment.chosen(asked.namespace),
            [check_service_key(each, "DELETE") for each in asked.keys],
        )
        for key in keys:
            await service.perform(
                Operation(
                    DELETE, service.namespace, API_LOCATION, (key,), request.scope[INVOCATION], service.clock.now_ms()
                )
            )
        return {"deleted": len(keys)}

    async def entries(self, request: Request) -> ToJson:
        """A page of what the centre holds, as for a bulk put."""
        asked = await read_as(request, _Page)
        service = self._deployment.chosen(asked.namespace)
        if not isinstance(service, KVService):
            raise ControlError(409, "real data is exported by `queue-emulator export cloudflare:NAMESPACE_ID`")
        entries, following = await service.entries(asked.request())
        return {"entries": [bulk_entry(entry) for entry in entries], "cursor": following}

    async def load(self, request: Request) -> ToJson:
        """Write a bulk-put array, all or nothing, into the namespace that `?namespace=` names."""
        check_query(request, "namespace")
        service, content = self._deployment.chosen(request.query_params.get("namespace")), await read_body(request)
        parse = partial(parse_bulk, entries_max=limits.SEED_ENTRIES_MAX)
        data = await off_loop(len(content), partial(parse, content, service.clock.now_ms()))
        location, epoch = location_of(request, self._deployment), request.scope[INVOCATION].epoch
        await service.load(location, data.requests, in_steps=True, epoch=epoch)
        return {"written": len(data.requests), "ignoredFields": data.unknown_fields}


def _key_as_json(sight: KeySight, now_ms: int) -> dict[str, ToJson]:
    return {
        "key": from_utf8(sight.key),
        **_row_as_json(sight.row, now_ms),
        "locations": {location: _seen_as_json(seen) for location, seen in sight.seen.items()},
    }


def _row_as_json(row: Row | None, now_ms: int) -> dict[str, ToJson]:
    """What the centre has; `version` of a key that is gone is the one by which it went, or the last that it had."""
    if row is None:
        return {"live": False}
    told: dict[str, ToJson] = {"live": row.live(now_ms)}
    if row.version:
        told |= {"version": row.version, "written_ms": row.written_ms}
    if row.expiration_s is not None:
        told["expiration"] = row.expiration_s
    return told


def _seen_as_json(seen: Seen) -> dict[str, ToJson]:
    told: dict[str, ToJson] = {"kept": seen.kept.value}
    if seen.entry is not None:
        told["version"] = seen.entry.version
    if seen.until_ms is not None:
        told |= {"age_ms": seen.age_ms, "until_ms": seen.until_ms}
    return {**told, "stale": True} if seen.stale else told


def _value_as_json(entry: Entry, bytes_max: int) -> dict[str, ToJson]:
    """`text` if it is UTF-8, else `base64`; no more of it than `bytes_max`, which `cut` then tells."""
    value = entry.value or b""
    shown = value[:bytes_max]
    cut = len(value) > bytes_max
    told: dict[str, ToJson] = {"size_bytes": len(value)}
    try:
        told["text"] = (_whole_characters(shown) if cut else shown).decode()
    except UnicodeDecodeError:
        told["base64"] = base64.b64encode(shown).decode()
    if cut:
        told["cut"] = True
    if entry.version:
        told |= {"version": entry.version, "written_ms": entry.written_ms}
    if entry.expiration_s is not None:
        told["expiration"] = entry.expiration_s
    if entry.metadata is not None:
        told["metadata"] = parse_json(entry.metadata)
    return told


def _value_given(members: Members) -> bytes:
    """What is to be written; its shape has been checked."""
    text, digits = members.get("text"), members.get("base64")
    if (text is None) == (digits is None):
        raise ControlError(400, "a value is given as `text` or as `base64`")
    try:
        if digits is None:
            return utf8_of(text) if isinstance(text, JsonText) else utf8(str(text))
        return base64.b64decode(utf8_of(digits) if isinstance(digits, JsonText) else str(digits), validate=True)
    except UnicodeEncodeError:
        raise ControlError(400, "text holds a lone surrogate, which UTF-8 cannot encode") from None
    except (binascii.Error, ValueError):
        raise ControlError(400, "base64 is not base64") from None


def _stayed_text(members: Members, name: str) -> bool:
    member = members.get(name)
    return isinstance(member, JsonText) and member.is_string


def _whole_characters(cut: bytes) -> bytes:
    """Without the beginning of a character whose rest was cut off."""
    for back in range(1, min(4, len(cut)) + 1):
        if cut[-back] & 0xC0 != 0x80:
            return cut if cut[-back] < 0x80 else cut[:-back]
    return cut
