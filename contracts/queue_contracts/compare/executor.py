"""Plays a sequence on one target and writes down what went over the wire."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

import httpx

from queue_contracts.compare.naming import Names
from queue_contracts.compare.sides import Side
from queue_contracts.compare.steps import Advance, Entry, KvCalls, Request, Seed, Sequence, Until
from queue_contracts.described.answers import Answer, Sent
from queue_contracts.json_values import Json, NoJson, value_at
from queue_contracts.sending.claims import ForeignTask
from queue_contracts.sending.guard import KeyShown
from queue_contracts.sending.limiter import seconds_of
from queue_contracts.untrusted.bounded import Unreadable
from queue_contracts.untrusted.visible import one_line

_FIRST_PAUSE_S, _PAUSE_S_MAX = 0.05, 2.0
_MOVED_AFTER_S, _MOVED_S = 3.0, 5
_RETRIES_MAX = 5
_LIMITED = "its rate limit did not let the request through in time"


class Unreachable(Exception):
    """A target that does not answer at all, or not so that it can be read; the message says which and why."""


@dataclass(frozen=True)
class Patience:
    """How long a polled step may take to settle, and a rate limit to let a request through, in seconds."""

    settle_s: float = 90
    retry_after_s: float = 120
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic


@dataclass(frozen=True)
class Exchange:
    """A request and its answer; of a polled step the last ones, how long it took and whether it came to its end."""

    sent: Sent
    answer: Answer
    polls: int = 1
    settled_s: float = 0.0
    settled: bool = True


@dataclass(frozen=True)
class Transcript:
    """What the requests of a sequence were answered, in order; not all of them if it could not be played to its end."""

    names: Names
    exchanges: tuple[Exchange, ...]
    stopped: str | None = None
    kv_calls: KvCalls | None = None


@dataclass
class Player:
    """Plays sequences on one target, each under ids of its own, which begin with `own_prefix`.

    wait_s_max  how long time may be waited for in a sequence where it cannot be moved
    """

    side: Side
    own_prefix: str
    patience: Patience = Patience()
    wait_s_max: int = 0
    _played: int = 0

    def play(self, sequence: Sequence) -> Transcript:
        """Empty the target where that can be done, and go through all steps. Raises Unreachable, KeyShown."""
        self._played += 1
        names = self.names()
        exchanges: list[Exchange] = []
        self._begin(sequence)
        for step in sequence.steps:
            match step:
                case Seed(entries):
                    self._seed(entries, names)
                case Advance(seconds):
                    (self.side.advance or self.patience.sleep)(seconds)
                case Request():
                    stopped = self._take(step, names, exchanges)
                    if stopped is not None:
                        return Transcript(names, tuple(exchanges), stopped)
        return Transcript(names, tuple(exchanges), kv_calls=self.side.kv_calls())

    def _begin(self, sequence: Sequence) -> None:
        """Over an empty namespace, where the target can have one."""
        if sequence.deployment is not None:
            assert self.side.deploy is not None, f"{self.side.name} cannot be deployed again"
            self.side.deploy(sequence.deployment)
        elif self.side.reset is not None:
            with self.side.guarded():
                self.side.reset()

    def names(self) -> Names:
        """Fresh names for the sequence that is played now, or next."""
        return Names(f"{self.own_prefix}{self._played:04d}-")

    def _take(self, step: Request, names: Names, exchanges: list[Exchange]) -> str | None:
        """Ask, and keep what was asked and answered; why the sequence ends here, or None."""
        if step.method == "POST" and any(each.sent.method == "POST" for each in exchanges):
            self.patience.sleep(self.side.write_pause_s)
        try:
            exchange = self._ask(step, names)
        except ForeignTask as foreign:
            return str(foreign)
        if exchange.answer.status == 429 and 429 not in step.statuses:
            return _LIMITED
        exchanges.append(exchange)
        missing = names.capture(step.capture, exchange.answer)
        return None if missing is None else f"the answer does not have {missing!r}, which a later step needs"

    def _seed(self, entries: tuple[Entry, ...], names: Names) -> None:
        assert self.side.seed is not None, f"{self.side.name} cannot be seeded"
        resolved = [_resolved_entry(entry, names) for entry in entries]
        with self.side.guarded():
            self.side.seed(resolved)

    def _ask(self, step: Request, names: Names) -> Exchange:
        sent, key = self.prepare(step, names)
        if step.until is None:
            return Exchange(sent, self._send(sent, key))
        return self._poll(step.until, sent, key, names)

    def _poll(self, until: Until, sent: Sent, key: str | None, names: Names) -> Exchange:
        """Ask until it has come; after some real seconds time is moved instead, where it can be."""
        begin, polls, pause_s, moved_s = self.patience.now(), 0, _FIRST_PAUSE_S, 0
        while True:
            answer, polls = self._send(sent, key), polls + 1
            waited_s, settled = self.patience.now() - begin, _has_come(until, answer, names)
            if settled or waited_s + moved_s >= self.patience.settle_s:
                return Exchange(sent, answer, polls, waited_s + moved_s if polls > 1 else 0.0, settled)
            if self.side.advance is not None and waited_s >= _MOVED_AFTER_S:
                self.side.advance(_MOVED_S)
                moved_s += _MOVED_S
            else:
                self.patience.sleep(pause_s)
                pause_s = min(pause_s * 2, _PAUSE_S_MAX)

    def prepare(self, step: Request, names: Names) -> tuple[Sent, str | None]:
        """The request with every name resolved, and the key that it is sent with."""
        path = names.resolve(step.path, lambda value: quote(value, safe=""))
        content = step.content
        if step.body is not None:
            content = json.dumps(names.resolve_json(step.body), ensure_ascii=False).encode()
        typed = () if content is None else (("Content-Type", "application/json"),)
        headers = (*typed, *((name, names.resolve(value)) for name, value in step.headers))
        return Sent(step.method, self.side.url + path, step.key.value, headers, content), self.side.key(path, step.key)

    def _send(self, sent: Sent, key: str | None) -> Answer:
        """The answer, and not a 429 as long as there is time to wait as it says."""
        answer, left_s = self._send_once(sent, key), self.patience.retry_after_s
        for _ in range(_RETRIES_MAX):
            wait_s = _retry_after_s(answer)
            if answer.status != 429 or wait_s is None or wait_s > left_s:
                break
            self.patience.sleep(wait_s)
            answer, left_s = self._send_once(sent, key), left_s - wait_s
        return answer

    def _send_once(self, sent: Sent, key: str | None) -> Answer:
        path = sent.url.removeprefix(self.side.url)
        pairs = (*sent.headers, *(() if key is None else (("X-API-Key", key),)))
        headers = [(name.encode(), value.encode()) for name, value in pairs]
        request = self.side.http.build_request(sent.method, sent.url, headers=headers, content=sent.content)
        request.extensions["target"] = path.encode()  # as it stands: httpx would tidy dots and percent signs
        try:
            with self.side.guarded():
                response = self.side.http.send(request)
        except httpx.HTTPError as error:
            why = one_line(self.side.keys.mask(f"{type(error).__name__}: {error}"))
            raise Unreachable(f"{self.side.name} does not answer {sent.method} {sent.url}: {why}") from None
        except Unreadable as why:
            raise Unreachable(
                f"the answer of {self.side.name} to {sent.method} {sent.url} cannot be read: {why}"
            ) from None
        answer = Answer(response.status_code, _joined(response.headers), response.content)
        for text in (answer.text(), *(value for _, value in answer.headers)):
            if self.side.keys.shown_in(text):
                said = one_line(self.side.keys.mask(text), length_max=200)
                raise KeyShown(f"{sent.method} {path} is answered with an API key in it: {said}")
        return answer


def _has_come(until: Until, answer: Answer, names: Names) -> bool:
    if answer.status != until.status:
        return False
    try:
        return all(value_at(answer.json(), path) == names.resolve_json(wanted) for path, wanted in until.body)
    except (NoJson, LookupError):
        return False


def _resolved_entry(entry: Entry, names: Names) -> Entry:
    """With its value as text: a text as it is, anything else as JSON."""
    value: Json = names.resolve_json(entry["value"])
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return {**entry, "key": names.resolve(str(entry["key"])), "value": text}


def _retry_after_s(answer: Answer) -> float | None:
    return seconds_of(answer.header("retry-after"))


def _joined(headers: httpx.Headers) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name.lower(), value) for name, value in headers.items()))
