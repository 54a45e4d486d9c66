"""A target's KV, past the Worker: by the emulator's control surface, or by Cloudflare's KV REST API.

The REST API: https://developers.cloudflare.com/api/resources/kv/subresources/namespaces/ (2026-11-23).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

import httpx

from queue_contracts.target import Ability, RestApi, Target

Entry = Mapping[str, object]
CONTROL_PREFIX = "/cdn-cgi/emulator"
BULK_MAX = 10_000  # pairs of one bulk write, and keys of one bulk delete
PAGE = 1000


class StorageError(Exception):
    """The KV refused or did not answer; the message has the status and what it said, and no token."""


class Storage(Protocol):
    """Entries as in a file for `wrangler kv bulk put`: key, value, expiration or expiration_ttl, metadata, base64."""

    def seed(self, entries: Sequence[Entry]) -> None:
        """Write all of them."""

    def dump(self, prefix: str = "") -> list[dict[str, Any]]:
        """What is there, in key order, with `expiration` where an entry has one."""

    def names(self, prefix: str) -> list[str]:
        """The keys alone, in order."""

    def delete(self, keys: Sequence[str]) -> None:
        """Take these keys away; absent ones are no error."""

    def reset(self) -> None:
        """Take everything away."""


def open_storage(target: Target, http: httpx.Client) -> Storage | None:
    """The way into this target's KV, or None where there is none."""
    if target.rest is not None:
        return RestStorage(target.rest, http)
    return ControlStorage(target.url, http) if target.can(Ability.SEED) else None


class ControlStorage:
    """The emulator's control surface."""

    def __init__(self, url: str, http: httpx.Client) -> None:
        self._url = url + CONTROL_PREFIX
        self._http = http

    def seed(self, entries: Sequence[Entry]) -> None:
        self._send("POST", "/seed", json=list(entries))

    def dump(self, prefix: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            query = {"prefix": prefix, "limit": str(PAGE)} | ({"cursor": cursor} if cursor else {})
            page = self._send("GET", "/entries", params=query)
            found += page["entries"]
            cursor = page["cursor"]
        return found

    def names(self, prefix: str) -> list[str]:
        return [entry["key"] for entry in self.dump(prefix)]

    def delete(self, keys: Sequence[str]) -> None:
        """By seeding what is left: it forgets everything or nothing. Not for a queue that others use."""
        gone = set(keys)
        kept = [entry for entry in self.dump() if entry["key"] not in gone]
        self.reset()
        self.seed(kept)

    def reset(self) -> None:
        self._send("POST", "/reset", json={})

    def _send(self, method: str, path: str, **options: Any) -> Any:
        return _answered(self._http.request(method, self._url + path, **options), f"{method} {CONTROL_PREFIX}{path}")


class RestStorage:
    """Cloudflare's KV REST API, for one namespace of one account."""

    def __init__(self, api: RestApi, http: httpx.Client) -> None:
        self._url = f"{api.url}/accounts/{api.account}/storage/kv/namespaces/{api.namespace}"
        self._headers = {"Authorization": f"Bearer {api.token}"}
        self._http = http

    def seed(self, entries: Sequence[Entry]) -> None:
        for start in range(0, len(entries), BULK_MAX):
            self._send("PUT", "/bulk", json=list(entries[start : start + BULK_MAX]))

    def dump(self, prefix: str = "") -> list[dict[str, Any]]:
        return [{**listed, "key": listed.pop("name"), "value": self._value(listed)} for listed in self._keys(prefix)]

    def delete(self, keys: Sequence[str]) -> None:
        for start in range(0, len(keys), BULK_MAX):
            self._send("POST", "/bulk/delete", json=list(keys[start : start + BULK_MAX]))

    def reset(self) -> None:
        self.delete([listed["name"] for listed in self._keys("")])

    def names(self, prefix: str) -> list[str]:
        """The keys alone, in order: a page of a thousand a request."""
        return [listed["name"] for listed in self._keys(prefix)]

    def _value(self, listed: dict[str, Any]) -> str:
        key = listed.get("key", listed.get("name"))
        response = self._http.get(f"{self._url}/values/{quote(str(key), safe='')}", headers=self._headers)
        if response.status_code != 200:
            raise StorageError(f"GET values/{key}: {response.status_code} {response.text[:200]}")
        return response.text

    def _keys(self, prefix: str) -> Iterator[dict[str, Any]]:
        cursor = ""
        while True:
            query = {"prefix": prefix, "limit": str(PAGE)} | ({"cursor": cursor} if cursor else {})
            page = self._send("GET", "/keys", params=query)
            yield from page["result"]
            cursor = page.get("result_info", {}).get("cursor") or ""
            if not cursor:
                return

    def _send(self, method: str, path: str, **options: Any) -> Any:
        response = self._http.request(method, self._url + path, headers=self._headers, **options)
        return _answered(response, f"{method} {path} of the KV REST API")


def _answered(response: httpx.Response, asked: str) -> Any:
    if response.status_code != 200:
        raise StorageError(f"{asked}: {response.status_code} {response.text[:200]}")
    return response.json()
