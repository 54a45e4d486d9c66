"""The account's namespaces through Cloudflare's API."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from queue_emulator.core.accounts import ID
from queue_emulator.web.deployment import Deployment
from tests.web.rest.api import CACHE, NOBODY_S, Api, refused, succeeded

pytestmark = pytest.mark.anyio

TAKEN = (400, 10014, "a namespace with this account ID and title already exists")


async def create(api: Api, title: str, **more: str) -> dict[str, Any]:
    made: dict[str, Any] = await api.result("POST", json={"title": title, **more})
    return made


async def test_what_the_worker_is_bound_to_is_there_from_the_start(api: Api) -> None:
    cache = {"id": CACHE, "title": "CACHE", "supports_url_encoding": True}
    envelope = succeeded(await api.ask("GET"))
    assert envelope["result"] == [cache]
    assert envelope["result_info"] == {"page": 1, "per_page": 20, "count": 1, "total_count": 1}
    assert await api.result("GET", f"/{CACHE}") == cache


async def test_a_created_namespace_has_an_id_and_is_there_at_once(api: Api) -> None:
    made = await create(api, "sessions")
    assert made == {"id": made["id"], "title": "sessions", "supports_url_encoding": True}
    assert ID.fullmatch(made["id"])
    assert await api.result("GET", f"/{made['id']}") == made
    await api.put("k", b"there", of=made["id"])
    assert await api.get("k", of=made["id"]) == b"there"
    assert await api.get("k") is None


async def test_a_jurisdiction_stays_with_it(api: Api) -> None:
    made = await create(api, "sessions", jurisdiction="eu")
    assert made["jurisdiction"] == "eu"
    assert (await api.result("GET", f"/{made['id']}"))["jurisdiction"] == "eu"


async def test_ids_may_be_written_in_capitals(api: Api) -> None:
    assert (await api.result("GET", f"/{CACHE.upper()}"))["id"] == CACHE


async def test_renaming_answers_the_namespace_and_keeps_its_entries(api: Api) -> None:
    await api.put("k")
    renamed = await api.result("PUT", f"/{CACHE}", json={"title": "renamed"})
    assert renamed == {"id": CACHE, "title": "renamed", "supports_url_encoding": True}
    assert await api.get("k") == b"v"
    await create(api, "CACHE")


async def test_a_title_is_given_once(api: Api) -> None:
    made = await create(api, "one")
    assert refused(await api.ask("POST", json={"title": "one"})) == TAKEN
    assert refused(await api.ask("PUT", f"/{made['id']}", json={"title": "CACHE"})) == TAKEN
    succeeded(await api.ask("PUT", f"/{made['id']}", json={"title": "one"}))


@pytest.mark.parametrize("body", [{}, {"title": ""}, {"title": None}])
async def test_a_title_is_required(api: Api, body: dict[str, Any]) -> None:
    assert refused(await api.ask("POST", json=body))[:2] == (400, 10019)
    assert refused(await api.ask("PUT", f"/{CACHE}", json=body))[:2] == (400, 10019)


async def test_a_title_has_512_characters_at_most(api: Api) -> None:
    await create(api, "ü" * 512)
    assert refused(await api.ask("POST", json={"title": "ü" * 513}))[:2] == (400, 10029)


async def test_an_unknown_jurisdiction_is_refused(api: Api) -> None:
    answer = await api.ask("POST", json={"title": "x", "jurisdiction": "mars"})
    assert refused(answer)[:2] == (400, 10029)
    assert len(await api.result("GET")) == 1


async def test_what_is_deleted_is_gone_for_every_request(api: Api) -> None:
    made = await create(api, "gone")
    await api.put("k", of=made["id"])
    assert await api.result("DELETE", f"/{made['id']}") is None
    for path, said in (("", "get namespace"), ("/values/k", "get"), ("/keys", "list keys"), ("/metadata/k", "get")):
        answer = await api.ask("GET", f"/{made['id']}{path}")
        assert refused(answer) == (404, 10013, f"{said}: 'namespace not found'")
    assert [each["id"] for each in await api.result("GET")] == [CACHE]


@pytest.mark.parametrize(
    ("method", "path", "said", "content"),
    [
        ("PUT", "", "rename namespace", b'{"title": "x"}'),
        ("PUT", "/values/k", "put", b"v"),
        ("PUT", "/bulk", "bulk put keys", b'[{"key": "k", "value": "v"}]'),
        ("POST", "/bulk/delete", "bulk remove keys", b'["k"]'),
        ("POST", "/bulk/get", "bulk get keys", b'{"keys": ["k"]}'),
    ],
)
async def test_what_is_deleted_while_a_body_comes_is_gone_for_that_too(
    api: Api, deployment: Deployment, method: str, path: str, said: str, content: bytes
) -> None:
    made = await create(api, "gone")

    async def body() -> AsyncIterator[bytes]:
        yield content[:5]
        succeeded(await api.ask("DELETE", f"/{made['id']}"))
        yield content[5:]

    answer = await api.ask(method, f"/{made['id']}{path}", content=body())
    assert refused(answer) == (404, 10013, f"{said}: 'namespace not found'")
    assert [each["id"] for each in await api.result("GET")] == [CACHE]


async def test_what_the_worker_is_bound_to_cannot_be_deleted(api: Api) -> None:
    await api.put("k")
    message = "remove namespace: 'namespace has associated scripts: queue-emulator'"
    assert refused(await api.ask("DELETE", f"/{CACHE}")) == (400, 10052, message)
    assert await api.get("k") == b"v"


async def test_pages_are_in_order_and_end_empty(api: Api) -> None:
    titles = ["b", "a", "d", "c"]
    ids = {title: (await create(api, title))["id"] for title in titles}
    ids["CACHE"] = CACHE

    async def listed(**query: Any) -> list[str]:
        return [each["title"] for each in await api.result("GET", params=query)]

    assert await listed(order="title") == ["CACHE", "a", "b", "c", "d"]
    assert await listed(order="title", direction="desc") == ["d", "c", "b", "a", "CACHE"]
    assert await listed(order="id") == await listed() == sorted(ids, key=lambda title: ids[title])
    assert [await listed(order="title", page=page, per_page=2) for page in (1, 2, 3, 4)] == [
        ["CACHE", "a"],
        ["b", "c"],
        ["d"],
        [],
    ]
    info = succeeded(await api.ask("GET", params={"page": 3, "per_page": 2}))["result_info"]
    assert info == {"page": 3, "per_page": 2, "count": 1, "total_count": 5}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"page": 0}, 10007),
        ({"page": "x"}, 10007),
        ({"page": "-1"}, 10007),
        ({"per_page": 0}, 10008),
        ({"per_page": 1001}, 10008),
        ({"per_page": "1e3"}, 10008),
        ({"order": "size"}, 10043),
        ({"direction": "up"}, 10044),
    ],
)
async def test_a_page_that_cannot_be_is_refused(api: Api, query: dict[str, Any], code: int) -> None:
    assert refused(await api.ask("GET", params=query))[:2] == (400, code)


async def test_an_id_that_is_nobody_s_is_not_found(api: Api) -> None:
    for method, said, body in (("GET", "get", None), ("PUT", "rename", {"title": "x"}), ("DELETE", "remove", None)):
        answer = await api.ask(method, f"/{NOBODY_S}", json=body)
        assert refused(answer) == (404, 10013, f"{said} namespace: 'namespace not found'")


async def test_a_reset_drops_what_was_created(api: Api, deployment: Deployment) -> None:
    await create(api, "x")
    await api.put("k")
    answer = await api.client.post("/cdn-cgi/emulator/reset")
    assert answer.status_code == 200
    assert [each["title"] for each in await api.result("GET")] == ["CACHE"]
    assert await api.names() == []
