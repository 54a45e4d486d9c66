"""A client of the API, and how its tests look at answers."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from queue_emulator.core.accounts import ACCOUNT_ID, namespace_of

TOKEN = "test-api-token"
ACCOUNT = f"/client/v4/accounts/{ACCOUNT_ID}"
NAMESPACES = f"{ACCOUNT}/storage/kv/namespaces"
CACHE = namespace_of("CACHE").id
NOBODY_S = "0" * 32


@dataclass(frozen=True, slots=True)
class Api:
    """Requests with the token; paths below the namespaces of the account."""

    client: httpx.AsyncClient

    async def ask(self, method: str, path: str = "", **options: Any) -> httpx.Response:
        """One request; `path` begins with a slash or is empty."""
        headers = {"Authorization": f"Bearer {TOKEN}", **options.pop("headers", {})}
        return await self.client.request(method, f"{NAMESPACES}{path}", headers=headers, **options)

    async def result(self, method: str, path: str = "", **options: Any) -> Any:
        """The result of a request that must succeed."""
        return succeeded(await self.ask(method, path, **options))["result"]

    async def put(self, key: str, value: bytes = b"v", *, of: str = CACHE, **options: Any) -> None:
        """Write one value."""
        succeeded(await self.ask("PUT", value_path(key, of), content=value, **options))

    async def get(self, key: str, *, of: str = CACHE) -> bytes | None:
        """One value; None for a key that is not there."""
        answer = await self.ask("GET", value_path(key, of))
        if answer.status_code == 404:
            assert refused(answer) == (404, 10009, "get: 'key not found'")
            return None
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/octet-stream")
        return answer.content

    async def names(self, *, of: str = CACHE, **query: Any) -> list[str]:
        """The names of one page."""
        return [key["name"] for key in await self.result("GET", f"/{of}/keys", params=query)]


def value_path(key: str, of: str = CACHE) -> str:
    """Where the value of a key is."""
    return f"/{of}/values/{quote(key, safe='')}"


def succeeded(answer: httpx.Response) -> dict[str, Any]:
    """The envelope of an answer that is a success."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    envelope: dict[str, Any] = answer.json()
    assert (envelope["success"], envelope["errors"], envelope["messages"]) == (True, [], [])
    return envelope


def refused(answer: httpx.Response) -> tuple[int, int, str]:
    """Status, code and message of an answer that must be a refusal."""
    assert answer.headers["Content-Type"] == "application/json"
    envelope = answer.json()
    assert (envelope["success"], envelope["result"], envelope["messages"]) == (False, None, [])
    (error,) = envelope["errors"]
    assert {"code", "message"} <= set(error) <= {"code", "message", "error_chain"}
    return answer.status_code, error["code"], error["message"]
