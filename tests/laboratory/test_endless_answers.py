"""An answer that does not end, in a test of a user's: it is read to a limit and said in one line."""

import asyncio

import pytest
from starlette.types import Receive, Scope, Send

from queue_emulator.core.errors import EmulatorError
from queue_emulator.testing.location import BODY_BYTES_MAX, _call
from queue_emulator.testing.threads import HERE


async def endless(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        await send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})


def test_an_answer_without_an_end_fails_the_test_that_asked_for_it() -> None:
    with pytest.raises(EmulatorError, match=f"the answer to GET /x goes on after {BODY_BYTES_MAX:,} bytes"):
        asyncio.run(_call(endless, HERE, "GET", "/x", {}, b""))
