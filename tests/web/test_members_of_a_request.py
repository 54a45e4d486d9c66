"""Members of a request to the page that are of another kind, or beyond a limit: what is wrong, and what is allowed."""

import httpx
import pytest

from tests.web.keys import CONTROL

pytestmark = pytest.mark.anyio

SEEDS = "random_seed must be a whole number from 0 to 9007199254740991, not "
LIMIT = "limit must be a whole number from 1 to 1000, not "


@pytest.mark.parametrize(
    ("path", "body", "why"),
    [
        ("/keys/list", {"limit": 0}, LIMIT + "0"),
        ("/keys/list", {"limit": 1001}, LIMIT + "1001"),
        ("/keys/list", {"limit": True}, LIMIT + "true"),
        ("/keys/list", {"limit": None}, LIMIT + "null"),
        ("/keys/list", {"limit": "1" * 99}, LIMIT + "'" + "1" * 79),
        ("/keys/list", {"prefix": 7}, "prefix must be a string, not 7"),
        ("/explore", {"scenario": 7}, "scenario must be a string, not 7"),
        ("/explore", {"random_seed": -1}, SEEDS + "-1"),
        ("/explore", {"random_seed": 2**53}, SEEDS + "9007199254740992"),
        ("/explore", {"random_seed": 1.5}, SEEDS + "1.5"),
    ],
)
async def test_a_member_of_another_kind_or_beyond_a_limit_is_refused(
    client: httpx.AsyncClient, path: str, body: dict[str, object], why: str
) -> None:
    answer = await client.post(CONTROL + path, json=body)
    assert (answer.status_code, answer.json()) == (400, {"error": why})
