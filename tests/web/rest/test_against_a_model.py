"""Any sequence of API requests and of a Worker's operations on one namespace agrees with a plain dictionary."""

import base64
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from queue_emulator.core.profiles import compose
from queue_emulator.testing import API_TOKEN, NOON_MS, Emulator, Reply
from tests.web.rest.api import CACHE, NAMESPACES

LOCATIONS = ("SJC", "NRT")
KEYS = st.sampled_from(["a", "b", "ab", "a/b", "a%2Fb", "%", "ü", "🚀", "0", "a\nb", "__proto__", "k" * 512])
VALUES = st.binary(max_size=40) | st.text(max_size=10).map(str.encode)
METADATA = st.none() | st.recursive(
    st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
TTLS_S = st.none() | st.sampled_from([60, 90, 300])


@dataclass(frozen=True)
class Kept:
    """What the model has under a key."""

    value: bytes
    metadata: Any
    expiration_s: int | None


@dataclass(frozen=True)
class Write:
    """What is to be written."""

    key: str
    value: bytes
    metadata: Any
    ttl_s: int | None


WRITES = st.builds(Write, KEYS, VALUES, METADATA, TTLS_S)


class Sequences(RuleBasedStateMachine):
    """`settle_s` is how long a Worker waits before it reads, so that its location has seen all."""

    emulator: Emulator
    settle_s: int

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, Kept] = {}

    @property
    def now_s(self) -> int:
        return self.emulator.deployment.clock.now_ms() // 1000

    def living(self) -> dict[str, Kept]:
        return {
            key: kept for key, kept in self.kept.items() if kept.expiration_s is None or kept.expiration_s > self.now_s
        }

    def keep(self, write: Write) -> None:
        expiration_s = None if write.ttl_s is None else self.now_s + write.ttl_s
        self.kept[write.key] = Kept(write.value, write.metadata, expiration_s)

    def ask(self, method: str, path: str, content: bytes = b"", content_type: str = "") -> Reply:
        headers = {"authorization": f"Bearer {API_TOKEN}", "content-type": content_type}
        location = self.emulator.at("SJC")
        return location.request(method, f"{NAMESPACES}/{CACHE}{path}", content=content, headers=headers, key=None)

    def result(self, method: str, path: str, content: bytes = b"", content_type: str = "") -> Any:
        reply = self.ask(method, path, content, content_type)
        assert reply.status == 200, reply.text
        return reply.json()["result"]

    @rule(write=WRITES)
    def write_through_the_api(self, write: Write) -> None:
        query = "" if write.ttl_s is None else f"?expiration_ttl={write.ttl_s}"
        path = f"/values/{quote(write.key, safe='')}{query}"
        if write.metadata is None:
            self.result("PUT", path, write.value)
        else:
            self.result("PUT", path, _form(write.value, json.dumps(write.metadata)), "multipart/form-data; boundary=b")
        self.keep(write)

    @rule(writes=st.lists(WRITES, max_size=5))
    def write_many(self, writes: list[Write]) -> None:
        done = self.result("PUT", "/bulk", json.dumps([_pair(write) for write in writes]).encode())
        assert done == {"successful_key_count": len(writes), "unsuccessful_keys": []}
        for write in writes:
            self.keep(write)

    @rule(writes=st.lists(WRITES, max_size=3), wrong=st.sampled_from([{"key": "k"}, {"key": ".", "value": ""}, 1]))
    def write_many_of_which_one_is_wrong(self, writes: list[Write], wrong: Any) -> None:
        pairs = [*map(_pair, writes), wrong]
        assert self.ask("PUT", "/bulk", json.dumps(pairs).encode()).status == 400

    @rule(key=KEYS)
    def delete_through_the_api(self, key: str) -> None:
        self.result("DELETE", f"/values/{quote(key, safe='')}")
        self.kept.pop(key, None)

    @rule(keys=st.lists(KEYS, max_size=5), how=st.sampled_from([("DELETE", "/bulk"), ("POST", "/bulk/delete")]))
    def delete_many(self, keys: list[str], how: tuple[str, str]) -> None:
        assert self.result(*how, json.dumps(keys).encode())["successful_key_count"] == len(keys)
        for key in keys:
            self.kept.pop(key, None)

    @rule(write=WRITES, location=st.sampled_from(LOCATIONS))
    def write_in_a_worker(self, write: Write, location: str) -> None:
        options = {} if write.ttl_s is None else {"expiration_ttl": write.ttl_s}
        self.emulator.at(location).kv.put(write.key, write.value, metadata=write.metadata, **options)
        self.keep(write)

    @rule(key=KEYS, location=st.sampled_from(LOCATIONS))
    def delete_in_a_worker(self, key: str, location: str) -> None:
        self.emulator.at(location).kv.delete(key)
        self.kept.pop(key, None)

    @rule(seconds=st.sampled_from([1, 30, 60, 89, 300]))
    def wait(self, seconds: int) -> None:
        self.emulator.clock.advance(seconds)

    @rule(key=KEYS, location=st.sampled_from(LOCATIONS))
    def read_in_a_worker(self, key: str, location: str) -> None:
        self.emulator.clock.advance(self.settle_s)
        kept = self.living().get(key)
        found = self.emulator.at(location).kv.get_with_metadata(key, "arrayBuffer")
        assert (found.value, found.metadata) == ((kept.value, kept.metadata) if kept else (None, None))

    @rule(location=st.sampled_from(LOCATIONS), prefix=st.sampled_from(["", "a", "a/", "ü", "x"]))
    def list_in_a_worker(self, location: str, prefix: str) -> None:
        self.emulator.clock.advance(self.settle_s)
        listed = self.emulator.at(location).kv.list(prefix=prefix)
        assert listed.list_complete
        assert [(key.name, key.expiration, key.metadata) for key in listed.keys] == self.rows(prefix)

    def rows(self, prefix: str = "") -> list[tuple[str, int | None, Any]]:
        living = self.living()
        names = sorted((name for name in living if name.startswith(prefix)), key=str.encode)
        return [(name, living[name].expiration_s, living[name].metadata) for name in names]

    @invariant()
    def every_value_is_read(self) -> None:
        for key in ["a", "a/b", "%", "never"]:
            kept, reply = self.living().get(key), self.ask("GET", f"/values/{quote(key, safe='')}")
            if kept is None:
                assert (reply.status, reply.member("errors", 0, "code")) == (404, 10009)
            else:
                assert (reply.status, reply.content) == (200, kept.value)
                assert reply.headers.get("expiration") == (kept.expiration_s and str(kept.expiration_s))
                assert self.result("GET", f"/metadata/{quote(key, safe='')}") == kept.metadata

    @invariant()
    def every_key_is_listed(self) -> None:
        for prefix in ("", "a"):
            listed: list[Any] = []
            cursor = ""
            while True:
                query = urlencode({"prefix": prefix, "limit": 10, "cursor": cursor})
                reply = json.loads(self.ask("GET", f"/keys?{query}").content)
                listed += reply["result"]
                cursor = reply["result_info"]["cursor"]
                if not cursor:
                    break
            assert [(key["name"], key.get("expiration"), key.get("metadata")) for key in listed] == self.rows(prefix)

    @invariant()
    def many_are_read_at_once(self) -> None:
        living = self.living()
        text = {key: kept for key, kept in living.items() if _is_text(kept.value)}
        asked = {"keys": [*text, "never"], "withMetadata": True}
        values = self.result("POST", "/bulk/get", json.dumps(asked).encode())["values"]
        assert values == {"never": None, **{key: _shown(kept) for key, kept in text.items()}}


class OnTheLocalProfile(Sequences):
    """Every location sees all at once."""

    @initialize()
    def start(self) -> None:
        self.emulator = Emulator(profile=compose("local"), locations=LOCATIONS)
        self.settle_s = 0
        assert self.emulator.deployment.clock.now_ms() == NOON_MS


class OnCloudflareS(Sequences):
    """A location has seen all after the life of its copies and the longest lag."""

    @initialize()
    def start(self) -> None:
        profile = compose("cloudflare", without=["write-rate", "api-rate"], lag_ms=(0, 5_000))
        self.emulator = Emulator(profile=profile, locations=LOCATIONS)
        self.settle_s = 65


_SETTINGS = settings(
    max_examples=20,
    stateful_step_count=25,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestOnTheLocalProfile = pytest.mark.slow(OnTheLocalProfile.TestCase)
TestOnTheLocalProfile.settings = _SETTINGS
TestOnCloudflareS = pytest.mark.slow(OnCloudflareS.TestCase)
TestOnCloudflareS.settings = _SETTINGS


def _pair(write: Write) -> dict[str, Any]:
    pair: dict[str, Any] = {"key": write.key, "metadata": write.metadata}
    if write.ttl_s is not None:
        pair["expiration_ttl"] = write.ttl_s
    if _is_text(write.value):
        return {**pair, "value": write.value.decode()}
    return {**pair, "value": base64.b64encode(write.value).decode(), "base64": True}


def _shown(kept: Kept) -> dict[str, Any]:
    shown = {"value": kept.value.decode(), "metadata": kept.metadata}
    return shown if kept.expiration_s is None else {**shown, "expiration": kept.expiration_s}


def _form(value: bytes, metadata: str) -> bytes:
    part = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    return part % (b"value", value) + part % (b"metadata", metadata.encode()) + b"--b--\r\n"


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
