"""Wrangler, unchanged: its commands for KV, against a running emulator."""

import json
import time
from typing import Any

import pytest
from cloudflare import Cloudflare

from queue_emulator.core.accounts import ACCOUNT_ID
from tests.clients.wrangler import Wrangler

pytestmark = [pytest.mark.runtime, pytest.mark.slow]

BINARY = bytes(range(256))


def test_namespaces_are_created_renamed_listed_and_deleted(wrangler: Wrangler, sdk: Cloudflare) -> None:
    created = wrangler.run("kv", "namespace", "create", "sessions").succeeded()
    (binding,) = json.loads(created[created.index("{") :])["kv_namespaces"]

    taken = wrangler.run("kv", "namespace", "create", "sessions")
    assert taken.code == 1
    assert 'A KV namespace with the title "sessions" already exists.' in taken.errors

    renamed = wrangler.run("kv", "namespace", "rename", "sessions", "--new-name", "people").succeeded()
    assert 'Successfully renamed namespace to "people"' in renamed

    listed = {each["title"]: each["id"] for each in wrangler.run("kv", "namespace", "list").json()}
    assert (listed["people"], "sessions" in listed) == (binding["id"], False)

    wrangler.run("kv", "namespace", "delete", "--namespace-id", binding["id"]).succeeded()
    assert "people" not in [each.title for each in sdk.kv.namespaces.list(account_id=ACCOUNT_ID)]

    bound = wrangler.run("kv", "namespace", "delete", "--namespace-id", listed["CACHE"])
    assert bound.code == 1
    assert "namespace has associated scripts: queue-emulator' [code: 10052]" in bound.errors


def test_keys_are_put_listed_read_and_deleted(wrangler: Wrangler, namespace_id: str, sdk: Cloudflare) -> None:
    remote = ("--remote", "--namespace-id", namespace_id)
    wrangler.run("kv", "key", "put", "a/b", "hällo", "--ttl", "3600", *remote).succeeded()
    (wrangler.folder / "file").write_bytes(BINARY)
    wrangler.run("kv", "key", "put", "file", "--path", "file", "--metadata", '{"m": [1]}', *remote).succeeded()
    value = sdk.kv.namespaces.values.get("file", account_id=ACCOUNT_ID, namespace_id=namespace_id)
    assert value.read() == BINARY

    whole = wrangler.run("kv", "key", "list", *remote).json()
    assert [(key["name"], key.get("metadata")) for key in whole] == [("a/b", None), ("file", {"m": [1]})]
    assert 3_000 < whole[0]["expiration"] - time.time() <= 3_600
    assert [key["name"] for key in wrangler.run("kv", "key", "list", "--prefix", "f", *remote).json()] == ["file"]

    assert wrangler.run("kv", "key", "get", "a/b", *remote).succeeded() == "hällo"
    wrangler.run("kv", "key", "delete", "a/b", *remote).succeeded()
    gone = wrangler.run("kv", "key", "get", "a/b", *remote)
    assert gone.code == 1
    assert f"/accounts/{ACCOUNT_ID}/storage/kv/namespaces/{namespace_id}/values/a%2Fb - 404: Not Found" in gone.errors


def test_files_are_put_read_and_deleted_in_bulk(wrangler: Wrangler, namespace_id: str, sdk: Cloudflare) -> None:
    remote = ("--remote", "--namespace-id", namespace_id)
    pairs: list[dict[str, Any]] = [{"key": f"k{number:04}", "value": f"v{number}"} for number in range(1_200)]
    pairs.append({"key": "more", "value": "b2s=", "base64": True, "metadata": {"m": 1}, "expiration_ttl": 3600})
    (wrangler.folder / "pairs.json").write_text(json.dumps(pairs))
    assert "Success!" in wrangler.run("kv", "bulk", "put", "pairs.json", *remote).succeeded()

    (wrangler.folder / "some.json").write_text('["k0000", {"name": "more"}, "never"]')
    found = wrangler.run("kv", "bulk", "get", "some.json", *remote).json()
    assert found == {"k0000": "v0", "more": "ok", "never": None}

    listed = wrangler.run("kv", "key", "list", *remote).succeeded()
    assert [key["name"] for key in json.loads(listed)] == [pair["key"] for pair in pairs]
    (wrangler.folder / "all.json").write_text(listed)
    assert "Success!" in wrangler.run("kv", "bulk", "delete", "all.json", "--force", *remote).succeeded()
    assert sdk.kv.namespaces.keys.list(namespace_id, account_id=ACCOUNT_ID).result == []


def test_what_is_refused_is_said_with_its_code(wrangler: Wrangler, namespace_id: str, sdk: Cloudflare) -> None:
    remote = ("--remote", "--namespace-id", namespace_id)
    stranger = wrangler.run("kv", "namespace", "list", CLOUDFLARE_API_TOKEN="wrong")
    assert stranger.code == 1
    assert "Authentication error [code: 10000]" in stranger.errors
    (wrangler.folder / "pairs.json").write_text(
        '[{"key": "a", "value": "1"}, {"key": "b", "value": "!", "base64": true}]'
    )
    wrong = wrangler.run("kv", "bulk", "put", "pairs.json", *remote)
    assert wrong.code == 1
    assert "could not base64 decode value" in wrong.errors
    assert "[code: 10012]" in wrong.errors
    assert sdk.kv.namespaces.keys.list(namespace_id, account_id=ACCOUNT_ID).result == []
