"""Sequences of the contract's step language, as scenes write them down: exact requests, entries in KV, time.

Nothing stands for anything here: a path, a body and an entry are what they are, and each answer is compared in words.
"""

import json
from collections.abc import Mapping
from dataclasses import replace

from queue_contracts.compare.naming import names_in
from queue_contracts.compare.steps import Advance, Compared, Deployment, Entry, Key, Request, Seed, Sequence, Step
from queue_emulator.core.javascript import Json, stringify_json
from queue_emulator.testing import Version
from tests.conftest import FIXTURES

__all__ = [
    "ADMIN_KEY",
    "ASSISTANT_KEY",
    "QUEUE_KEY",
    "Advance",
    "Request",
    "Scenario",
    "Seed",
    "Step",
    "escapes",
    "fixture",
    "get",
    "moves_time",
    "post",
    "scenario",
    "seed",
    "send",
]
Scenario = Sequence
QUEUE_KEY = "the-queue-key"
ADMIN_KEY = "the-admin-key"
ASSISTANT_KEY = "the-assistant-key"
_KEYS = {"QUEUE_API_KEY": QUEUE_KEY, "ADMIN_API_KEY": ADMIN_KEY}
_OF_THE_PATH = "the key that opens the path"


def scenario(name: str, *steps: Step, version: Version = "new", keys: Mapping[str, str] | None = None) -> Scenario:
    """These steps on an empty namespace; `keys` replaces the secrets of the deployment."""
    deployment = Deployment(version, tuple((_KEYS if keys is None else keys).items()))
    made = Sequence(name, steps, deployment=deployment)
    meant = [name for step in steps for text in _texts(step) for name in names_in(text)]
    assert not meant, f"{name}: {meant[0]!r} would stand for something else"
    return made


def moves_time(sequence: Scenario) -> bool:
    """Only for targets whose clock can be moved."""
    return any(isinstance(step, Advance) for step in sequence.steps)


def get(path: str, status: int = 200, *, key: str | None = _OF_THE_PATH) -> Request:
    return send("GET", path, status, key=key)


def post(path: str, body: Json | bytes = None, status: int = 200, *, key: str | None = _OF_THE_PATH) -> Request:
    """POST of `body` as JSON, bytes as they are; None is an empty object."""
    content = body if isinstance(body, bytes) else stringify_json({} if body is None else body).encode()
    return send("POST", path, status, content, key=key)


def send(method: str, path: str, status: int, content: bytes = b"", *, key: str | None = _OF_THE_PATH) -> Request:
    """Exactly this request, with the key that opens the path, or another, or none."""
    if key == _OF_THE_PATH:
        key = ADMIN_KEY if path.startswith("/api/migrate") else QUEUE_KEY
    headers = () if key is None else (("X-API-Key", key),)
    sent = content or (b"" if method == "POST" else None)
    return Request(method, path, (status,), key=Key.NONE, content=sent, headers=headers, compare=Compared.WORDS)


def escapes(request: Request) -> Request:
    """The request makes the Worker's own code throw: what the runtime says of it beside the status is its own."""
    return replace(request, statuses=(500,), compare=Compared.STATUS)


def seed(values: Mapping[str, Json | bytes], *, ttl_s: int = 3600) -> Seed:
    """Values by key, as JSON, bytes as they are."""
    return Seed(tuple(_entry(key, value, ttl_s) for key, value in values.items()))


def fixture(name: str) -> Seed:
    """A file of `fixtures/old-format`."""
    return Seed(tuple(json.loads((FIXTURES / "old-format" / f"{name}.json").read_bytes())))


def _entry(key: str, value: Json | bytes, ttl_s: int) -> Entry:
    text = value.decode() if isinstance(value, bytes) else stringify_json(value)
    return {"key": key, "value": text, "expiration_ttl": ttl_s}


def _texts(step: Step) -> list[str]:
    """What the contract's player would look through for names."""
    match step:
        case Seed(entries):
            return [str(each) for entry in entries for each in (entry["key"], entry["value"])]
        case Request():
            return [step.path, *(value for _, value in step.headers)]
        case _:
            return []
