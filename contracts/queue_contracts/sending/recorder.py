"""Every exchange with the target, a line each, with keys masked before they are written."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from queue_contracts.described.answers import Answer
from queue_contracts.names import ADMIN_KEY, KV_TOKEN, QUEUE_KEY
from queue_contracts.sending.curl import command_line, key_in_a_shell
from queue_contracts.sending.rules import Asked
from queue_contracts.targets.target import LOCATION_HEADER, Target
from queue_contracts.untrusted.bounded import Unreadable
from queue_contracts.untrusted.keys import ANOTHER, Keys

SHOWN_MAX = 4000


@dataclass(frozen=True)
class Exchange:
    """One request and its answer; `test` is the check that sent it, `began_s` by the machine's clock."""

    method: str
    url: str
    request_headers: dict[str, str]
    request_body: str
    status: int
    headers: dict[str, str]
    body: str
    test: str
    began_s: float
    took_ms: int

    @classmethod
    def of(cls, asked: Asked, answer: Answer, test: str, began_s: float, took_ms: int) -> "Exchange":
        return cls(
            asked.method, asked.url, dict(asked.headers), asked.body.decode("utf-8", "replace"),
            answer.status, dict(answer.headers), answer.content.decode("utf-8", "replace"), test, began_s, took_ms,
        )  # fmt: skip

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def shortened(self) -> bool:
        """Whether not all of its answer was kept."""
        return len(self.body) > SHOWN_MAX

    @property
    def key(self) -> str:
        """The key that was sent, masked."""
        return next((value for name, value in self.request_headers.items() if name.lower() == "x-api-key"), "")

    def curl(self, origin: str = "", content: bytes | None = None) -> str:
        """A line for a shell that sends the request again, to another origin if one is given.

        `content` is the body as it was sent, where `request_body` may have been shortened.
        """
        parts = urlsplit(self.url)
        url = f"{origin or f'{parts.scheme}://{parts.netloc}'}{parts.path}{f'?{parts.query}' if parts.query else ''}"
        kept = ("content-type", LOCATION_HEADER.lower())
        headers = [(name, value) for name, value in self.request_headers.items() if name.lower() in kept]
        body = self.request_body.encode() if content is None else content
        return command_line(self.method, url, headers, body if body or self.method == "POST" else None, self._sent_key)

    @property
    def _sent_key(self) -> str | None:
        return next((value for name, value in self.request_headers.items() if name.lower() == "x-api-key"), None)


@dataclass(frozen=True)
class Last:
    """What a check sent last, masked and yet whole."""

    exchange: Exchange
    content: bytes

    def curl(self, origin: str = "") -> str:
        return self.exchange.curl(origin, self.content)


class Recorder:
    """Appends to a file of this process in `folder`. A key that is none of the target's is [another key]."""

    def __init__(self, folder: Path, target: Target) -> None:
        self._path = folder / f"exchanges-{os.getpid()}.jsonl"
        self.keys = Keys({})
        self.last: dict[str, Last] = {}
        self.know(target)

    def know(self, target: Target) -> None:
        """Mask this target's keys too."""
        self.keys = self.keys.and_those_of(keys_of(target))

    def mask(self, text: str) -> str:
        """The text without a key: its name in the environment stands in its place."""
        return self.keys.mask(text)

    def shows_a_key(self, text: str) -> bool:
        return self.keys.shown_in(text)

    def note(self, exchange: Exchange, content: bytes | None = None) -> None:
        """Write it down; `content` is the body as it was sent, where it is no text."""
        noted = replace(
            exchange,
            method=self._shown(exchange.method),
            url=self._shown(exchange.url),
            request_headers=self._headers(exchange.request_headers),
            request_body=self._shown(exchange.request_body),
            headers=self._headers(exchange.headers),
            body=self._shown(exchange.body),
            test=self._shown(exchange.test),
        )
        self.last[exchange.test] = self._last(exchange, noted, content)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(noted)) + "\n")

    def _last(self, exchange: Exchange, noted: Exchange, content: bytes | None) -> Last:
        """With a key that a shell can make of those in its environment."""
        sent = next((value for name, value in exchange.request_headers.items() if name.lower() == "x-api-key"), "")
        headers = dict(noted.request_headers)
        for name in headers:
            if name.lower() == "x-api-key":
                headers[name] = key_in_a_shell(sent, self.keys.names) or headers[name]
        body = exchange.request_body.encode("utf-8", "replace") if content is None else content
        return Last(replace(noted, request_headers=headers), self._masked_body(body))

    def _masked_body(self, body: bytes) -> bytes:
        """As it was sent where there is no key in it."""
        try:
            text = body.decode("utf-8", "surrogateescape")
            return self.mask(text).encode("utf-8", "surrogateescape")
        except (Unreadable, UnicodeError):
            return b"(not shown)"

    def _shown(self, text: str) -> str:
        """Masked and then shortened: a key that is cut in two would not be found."""
        try:
            text = self.mask(text)
        except Unreadable as why:
            return f"(not shown: {why})"
        return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}… ({len(text)} characters)"

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        return {self._shown(name): self._header(name, value) for name, value in headers.items()}

    def _header(self, name: str, value: str) -> str:
        if name.lower() != "x-api-key":
            return self._shown(value) if name.lower() != "authorization" else "[masked]"
        return self.keys.names.get(value, ANOTHER) if value else ""


def keys_of(target: Target) -> dict[str, str]:
    """The keys of a target, each with its name in the environment."""
    keys = {target.queue_key: f"${QUEUE_KEY}", target.admin_key: f"${ADMIN_KEY}"}
    if target.rest is not None:
        keys[target.rest.token] = f"${KV_TOKEN}"
    return {key: name for key, name in keys.items() if key}


def read_exchanges(folder: Path) -> Iterator[Exchange]:
    """Those of all processes of a run; a line that a killed process left unfinished is passed over."""
    for path in sorted(folder.glob("exchanges-*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                yield msgspec.convert(json.loads(line), Exchange)
            except ValueError:
                continue
