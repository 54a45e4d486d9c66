"""A KV over HTTP, or an emulator's controls, that answer in another form than the documented one, or without an end."""

import json

import httpx
import pytest

from queue_contracts.targets.addresses import TargetError
from queue_contracts.targets.opening import deployed_target
from queue_contracts.targets.storage import Limits, RestStorage, StorageError
from queue_contracts.targets.target import RestApi
from queue_contracts.untrusted.deadline import BoundedTransport
from queue_contracts.untrusted.visible import one_line
from tests.contracts.deployment import ACCOUNT, NAMESPACE, QUEUE_KEY, TOKEN
from tests.contracts.hostile import Hostile, answer, server

__all__ = ["server"]

KEYS = f"/client/v4/accounts/{ACCOUNT}/storage/kv/namespaces/{NAMESPACE}/keys"


def listing(server: Hostile, limits: Limits | None = None) -> RestStorage:
    api = RestApi(f"{server.url}/client/v4", ACCOUNT, NAMESPACE, TOKEN)
    return RestStorage(api, httpx.Client(transport=BoundedTransport()), limits or Limits())


def page(**changed: object) -> bytes:
    return json.dumps({"success": True, "result": [{"name": "a"}], "result_info": {"cursor": ""}} | changed).encode()


PAGES: dict[str, tuple[bytes, str]] = {
    "a list instead of an object": (b"[]", "the whole: "),
    "no JSON": (b"<html>", "an answer that is not JSON"),
    "a page that is a text": (page(result="abc"), "/result: "),
    "a page that is a mapping": (page(result={"a": 1}), "/result: "),
    "a page without an end": (page(result=[{"name": "a"}] * 1001), "/result: "),
    "a name that is a number": (page(result=[{"name": 7}]), "/result/0/name: "),
    "a name that is no key": (page(result=[{"name": "x" * 513}]), "/result/0/name: "),
    "an entry that is a name": (page(result=["a"]), "/result/0: "),
    "an end that is a text": (page(result=[{"name": "a", "expiration": "soon"}]), "/result/0/expiration: "),
    "a cursor that is a number": (page(result_info={"cursor": 1}), "/result_info/cursor: "),
    "a list where the cursor is": (page(result_info=[1]), "/result_info: "),
    "no success": (page(success=False), "/success: "),
    "a success that is a text": (page(success="true"), "/success: "),
    "a cursor that comes again": (page(result_info={"cursor": "again"}), "the same cursor twice"),
    "a number of five thousand digits": (
        b'{"success": true, "result": ' + b"9" * 5000 + b"}",
        "an answer that is not JSON",
    ),
    "half of a surrogate pair": (b'{"success": "\\ud800"}', "half of a surrogate pair"),
    "a name that is half of a surrogate pair": (page(result=[{"name": "a\ud800"}]), "half of a surrogate pair"),
    "a cursor that is one": (page(result_info={"cursor": "\udfff"}), "half of a surrogate pair"),
    "a member that is named so": (page(result=[{"name": "a", "\ud800": 1}]), "half of a surrogate pair"),
    "an escape of the terminal": (page(success="\x1b[2J\u202e"), "/success: "),
    "the token": (page(result=TOKEN), "$CONTRACT_KV_TOKEN"),
}


@pytest.mark.parametrize("kind", PAGES)
def test_a_listing_of_another_form_is_refused_in_one_line(kind: str, server: Hostile) -> None:
    content, said = PAGES[kind]
    server.answers[KEYS] = answer(content)
    with pytest.raises(StorageError) as refused:
        listing(server).names("queue:task:ct-")
    line = str(refused.value)
    assert said in line
    assert line == one_line(line, length_max=1000)
    assert TOKEN not in line


def test_a_listing_with_ever_new_cursors_is_ended(server: Hostile) -> None:
    server.answers[KEYS] = lambda: answer(page(result=[], result_info={"cursor": f"c{len(server.asked)}"}))()
    with pytest.raises(StorageError, match="had not ended after 20 pages"):
        listing(server, Limits(pages=20)).names("")
    assert len(server.asked) == 20


def test_a_listing_that_takes_too_long_is_ended(server: Hostile) -> None:
    server.answers[KEYS] = lambda: answer(page(result=[], result_info={"cursor": f"c{len(server.asked)}"}))()
    with pytest.raises(StorageError, match="had not ended after 0 s"):
        listing(server, Limits(seconds=0)).names("")
    assert len(server.asked) == 1


def test_values_are_held_to_a_limit_of_all_of_them_together(server: Hostile) -> None:
    server.answers[KEYS] = answer(page(result=[{"name": f"k{n}"} for n in range(50)]))
    server.answers[KEYS.removesuffix("keys") + "values"] = answer(b"x" * 300)
    with pytest.raises(StorageError, match="have more than 1000 bytes"):
        listing(server, Limits(held_bytes=1000)).dump("")
    assert len(server.asked) < 8


def test_a_kv_that_is_not_there_is_a_sentence() -> None:
    api = RestApi("http://127.0.0.1:1/client/v4", ACCOUNT, NAMESPACE, TOKEN)
    with httpx.Client() as http, pytest.raises(StorageError, match="GET /keys of the KV REST API is not answered"):
        RestStorage(api, http).names("")


@pytest.mark.parametrize(
    "status",
    [b"[]", b"7", b'{"locations": "SJC", "profile": "local"}', b'{"locations": [7], "profile": "local"}',
     b'{"locations": ["a\\nb"], "profile": "local"}', b'{"locations": [], "profile": null}', b"[" * 100_000],
)  # fmt: skip
def test_controls_that_say_something_else_are_none(
    status: bytes, server: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTRACT_QUEUE_KEY", QUEUE_KEY)
    server.answers["/cdn-cgi/emulator/status"] = answer(status)
    with pytest.raises(TargetError, match=r"no emulator controls|cannot be read"):
        deployed_target(server.url, control=True)
