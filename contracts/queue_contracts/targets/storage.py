"""A target's KV, past the Worker: by the emulator's control surface, or by Cloudflare's KV REST API.

The REST API: https://developers.cloudflare.com/api/resources/kv/subresources/namespaces/ (2026-11-23).
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias
from urllib.parse import quote

import httpx
from jsonschema_rs import Draft202012Validator

from queue_contracts.json_values import Fields, Json, NoJson, fields, has_half_a_pair, items, parse_json
from queue_contracts.names import KV_TOKEN
from queue_contracts.targets.key_names import is_of_the_queue
from queue_contracts.targets.target import Ability, RestApi, Target
from queue_contracts.untrusted.bounded import Unreadable
from queue_contracts.untrusted.keys import Keys
from queue_contracts.untrusted.visible import one_line

Entry = Mapping[str, Json]
Query: TypeAlias = Mapping[str, str]
# A query, and what is on the page that it asks for: its entries, and the cursor of the next page if there is one.
Page: TypeAlias = Callable[[Query], tuple[Sequence[Entry], str | None]]
CONTROL_PREFIX = "/cdn-cgi/emulator"
BULK_MAX = 10_000  # pairs of one bulk write, and keys of one bulk delete
PAGE = 1000

_CURSOR: Fields = {"type": ["string", "null"], "maxLength": 8192}
_KEY: Fields = {"type": "string", "maxLength": 512}  # bytes, of which a character has at least one
_WHEN: Fields = {"type": "number"}
_OF_THE_API: Fields = {
    "type": "object",
    "required": ["success"],
    "properties": {"success": {"const": True}, "result_info": {"type": ["object", "null"]}},
}
_KEYS_OF_THE_API: Fields = {
    **_OF_THE_API,
    "required": ["success", "result"],
    "properties": {
        "success": {"const": True},
        "result_info": {"type": ["object", "null"], "properties": {"cursor": _CURSOR}},
        "result": {
            "type": "array",
            "maxItems": PAGE,
            "items": {"type": "object", "required": ["name"], "properties": {"name": _KEY, "expiration": _WHEN}},
        },
    },
}
_ENTRIES_OF_THE_CONTROLS: Fields = {
    "type": "object",
    "required": ["entries", "cursor"],
    "properties": {
        "cursor": _CURSOR,
        "entries": {
            "type": "array",
            "maxItems": PAGE,
            "items": {
                "type": "object",
                "required": ["key", "value"],
                "properties": {"key": _KEY, "value": {"type": "string"}, "expiration": _WHEN},
            },
        },
    },
}
_ANYTHING: Fields = {}


@dataclass(frozen=True)
class Limits:
    """Where a listing ends, whatever the server goes on with: a million keys, ten minutes, a quarter of a gigabyte."""

    pages: int = 1000
    seconds: float = 600
    held_bytes: int = 256 * 1024 * 1024


class StorageError(Exception):
    """The KV refused, did not answer, or not as documented; one line with the status and what it said, and no token."""


class Storage(Protocol):
    """Entries as in a file for `wrangler kv bulk put`: key, value, expiration or expiration_ttl, metadata, base64."""

    def seed(self, entries: Sequence[Entry]) -> None:
        """Write all of them."""

    def dump(self, prefix: str = "") -> list[Entry]:
        """What is there, in key order, with `expiration` where an entry has one."""

    def names(self, prefix: str) -> list[str]:
        """The keys alone, in order."""

    def delete(self, keys: Sequence[str]) -> None:
        """Take these keys away; absent ones are no error."""

    def reset(self) -> None:
        """Take away all that is the queue's, and from an emulator everything else too."""


def open_storage(target: Target, http: httpx.Client) -> Storage | None:
    """The way into this target's KV, or None where there is none."""
    if target.rest is not None:
        return RestStorage(target.rest, http)
    return ControlStorage(target.url, http) if target.can(Ability.SEED) else None


class ControlStorage:
    """The emulator's control surface."""

    def __init__(self, url: str, http: httpx.Client, limits: Limits = Limits()) -> None:
        self._url = url + CONTROL_PREFIX
        self._limits = limits
        self._http = http

    def seed(self, entries: Sequence[Entry]) -> None:
        self._send("POST", "/seed", json=[dict(entry) for entry in entries])

    def dump(self, prefix: str = "") -> list[Entry]:
        def page(query: Query) -> tuple[Sequence[Entry], str | None]:
            answer = fields(self._send("GET", "/entries", _ENTRIES_OF_THE_CONTROLS, params=query))
            return [fields(each) for each in items(answer["entries"])], _cursor(answer)

        return list(_bounded(_pages(prefix, page, self._limits), self._limits, f"the entries under {prefix!r}"))

    def names(self, prefix: str) -> list[str]:
        return [str(entry["key"]) for entry in self.dump(prefix)]

    def delete(self, keys: Sequence[str]) -> None:
        """By seeding what is left: it forgets everything or nothing. Not for a queue that others use."""
        gone = set(keys)
        kept = [entry for entry in self.dump() if entry["key"] not in gone]
        self.reset()
        self.seed(kept)

    def reset(self) -> None:
        self._send("POST", "/reset", json={})

    def _send(
        self, method: str, path: str, form: Fields = _ANYTHING, *, json: Json = None, params: Query | None = None
    ) -> Json:
        def send() -> httpx.Response:
            return self._http.request(method, self._url + path, json=json, params=params)

        return _answered(send, f"{method} {CONTROL_PREFIX}{path}", form, Keys({}))


class RestStorage:
    """Cloudflare's KV REST API, for one namespace of one account."""

    def __init__(self, api: RestApi, http: httpx.Client, limits: Limits = Limits()) -> None:
        self._limits = limits
        self._url = f"{api.url}/accounts/{api.account}/storage/kv/namespaces/{api.namespace}"
        self._headers = {"Authorization": f"Bearer {api.token}"}
        self._http = http
        self._keys_masked = Keys({api.token: f"${KV_TOKEN}"})

    def seed(self, entries: Sequence[Entry]) -> None:
        for start in range(0, len(entries), BULK_MAX):
            self._send("PUT", "/bulk", json=[dict(entry) for entry in entries[start : start + BULK_MAX]])

    def dump(self, prefix: str = "") -> list[Entry]:
        made = (
            {**listed, "key": listed["name"], "value": self._value(str(listed["name"]))}
            for listed in self._keys(prefix)
        )
        return [
            {name: each for name, each in entry.items() if name != "name"}
            for entry in _bounded(made, self._limits, f"the values under {prefix!r}")
        ]

    def delete(self, keys: Sequence[str]) -> None:
        for start in range(0, len(keys), BULK_MAX):
            self._send("POST", "/bulk/delete", json=list(keys[start : start + BULK_MAX]))

    def reset(self) -> None:
        self.delete([key for key in self.names("") if is_of_the_queue(key)])

    def names(self, prefix: str) -> list[str]:
        """The keys alone, in order: a page of a thousand a request."""
        return [str(listed["name"]) for listed in self._keys(prefix)]

    def _value(self, key: str) -> str:
        def send() -> httpx.Response:
            return self._http.get(f"{self._url}/values/{quote(key, safe='')}", headers=self._headers)

        return _successful(send, f"GET /values/{key} of the KV REST API", self._keys_masked).text

    def _keys(self, prefix: str) -> Iterator[Entry]:
        def page(query: Query) -> tuple[Sequence[Entry], str | None]:
            answer = fields(self._send("GET", "/keys", _KEYS_OF_THE_API, params=query))
            return [fields(each) for each in items(answer["result"])], _cursor(fields(answer.get("result_info") or {}))

        return _bounded(_pages(prefix, page, self._limits), self._limits, f"the keys under {prefix!r}")

    def _send(
        self, method: str, path: str, form: Fields = _OF_THE_API, *, json: Json = None, params: Query | None = None
    ) -> Json:
        def send() -> httpx.Response:
            return self._http.request(method, self._url + path, headers=self._headers, json=json, params=params)

        return _answered(send, f"{method} {path} of the KV REST API", form, self._keys_masked)


def _pages(prefix: str, page: Page, limits: Limits) -> Iterator[Entry]:
    """What is on all pages. Raises StorageError where they do not come to an end."""
    cursors: set[str] = set()
    cursor: str | None = None
    ends_s = time.monotonic() + limits.seconds
    for _ in range(limits.pages):
        found, cursor = page({"prefix": prefix, "limit": str(PAGE)} | ({"cursor": cursor} if cursor else {}))
        yield from found
        if cursor is None:
            return
        if cursor in cursors:
            raise StorageError(f"the list of keys under {prefix!r} does not end: it returned the same cursor twice")
        if time.monotonic() > ends_s:
            raise StorageError(f"the list of keys under {prefix!r} had not ended after {limits.seconds:g} s")
        cursors.add(cursor)
    raise StorageError(f"the list of keys under {prefix!r} had not ended after {limits.pages} pages")


def _cursor(answer: Fields) -> str | None:
    cursor = answer.get("cursor")
    return cursor if isinstance(cursor, str) and cursor else None


def _bounded(entries: Iterable[Entry], limits: Limits, what: str) -> Iterator[Entry]:
    """The same, as long as all of them together can be held in memory."""
    held_bytes = 0
    for entry in entries:
        held_bytes += sum(len(each) if isinstance(each, str) else len(str(each)) for each in entry.values())
        if held_bytes > limits.held_bytes:
            raise StorageError(f"{what} have more than {limits.held_bytes} bytes, the most that queue-contracts keeps")
        yield entry


def _answered(send: Callable[[], httpx.Response], asked: str, form: Fields, keys: Keys) -> Json:
    """The JSON of an answer that has the documented form. Raises StorageError."""
    response = _successful(send, asked, keys)
    try:
        answer = parse_json(response.content)
    except NoJson:
        raise StorageError(f"{asked} has an answer that is not JSON") from None
    if has_half_a_pair(answer):
        raise StorageError(f"{asked} has an answer with half of a surrogate pair, which is no character")
    for wrong in Draft202012Validator(form).iter_errors(answer):
        place = "".join(f"/{step}" for step in wrong.instance_path) or "the whole"
        problem = one_line(keys.mask(wrong.message), length_max=120)
        raise StorageError(f"{asked} has an answer that does not have the documented form: {place}: {problem}")
    return answer


def _successful(send: Callable[[], httpx.Response], asked: str, keys: Keys) -> httpx.Response:
    try:
        response = send()
    except httpx.HTTPError as error:
        raise StorageError(one_line(keys.mask(f"{asked} is not answered: {error}"))) from None
    except Unreadable as why:
        raise StorageError(f"the answer to {asked} cannot be read: {why}") from None
    if response.status_code != 200:
        raise StorageError(
            f"{asked}: {response.status_code} {one_line(keys.mask(response.text[:4000]), length_max=200)}"
        )
    return response
