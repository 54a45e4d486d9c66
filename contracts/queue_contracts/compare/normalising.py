"""Brings answers of two targets into one form: what may differ from run to run is masked, each value by its type.

A mask keeps what it can say: a time stays a time, and says so if it is written in another way; the end of a lease
keeps its distance from the beginning; equal names stay equal. A number where a time was stays a number.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from queue_contracts.compare.naming import Names
from queue_contracts.compare.steps import Compared, Request, Seed, Sequence
from queue_contracts.described.answers import Answer
from queue_contracts.json_values import Json, NoJson, parse_json

HEADERS = ("allow", "location", "retry-after", "www-authenticate")

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?")
_PROMISED_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")
_WORKER = re.compile(r"worker_\d{13}")
_NONCE = re.compile(r'("claimNonce"\s*:\s*)"(?:[^"\\]|\\.)*"')

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Seen:
    """An answer as it is compared: of the body its JSON, else its text, else None where it is not looked at."""

    status: int
    content_type: str
    headers: Headers
    body: Json
    is_json: bool


@dataclass
class Normaliser:
    """For one sequence on one target: names that the Worker made are numbered in the order in which they appear."""

    names: Names
    brought: frozenset[str]
    _workers: dict[str, str] = field(default_factory=dict)

    def seen(self, step: Request, answer: Answer) -> Seen:
        """The answer as far as the step wants it compared."""
        if step.compare is Compared.STATUS:
            return Seen(answer.status, "", (), None, is_json=False)
        in_words = step.compare is Compared.WORDS
        content_type = answer.header("content-type") or "" if in_words else _content_type(answer)
        body, is_json = (None, False) if step.method == "HEAD" else self._body(answer, in_words=in_words)
        if step.compare is Compared.SHAPE and is_json:
            body = shape(body)
        return Seen(answer.status, content_type, tuple(_headers(answer)), body, is_json)

    def _body(self, answer: Answer, *, in_words: bool) -> tuple[Json, bool]:
        """The body, masked as it is written, and whether it is JSON, as it says of itself."""
        try:
            said = answer.json()
        except NoJson:
            return self._text(answer.text(), {}), False
        masked = self._text(answer.text(), dict(_lease_ends(said)))
        if in_words or answer.media_type != "application/json":
            return masked, False
        try:
            return parse_json(masked), True
        except NoJson:
            return masked, False

    def _text(self, text: str, lease_ends: Mapping[str, str]) -> str:
        def masked_time(match: re.Match[str]) -> str:
            return match[0] if match[0] in self.brought else lease_ends.get(match[0]) or _masked_time(match[0])

        text = _NONCE.sub(r'\1"<nonce>"', text)
        text = _TIME.sub(masked_time, text)
        text = _WORKER.sub(lambda match: match[0] if match[0] in self.brought else self._worker(match[0]), text)
        return self.names.without_run(text)

    def _worker(self, name: str) -> str:
        return self._workers.setdefault(name, f"<worker {len(self._workers) + 1}>")


def brought(sequence: Sequence) -> frozenset[str]:
    """The times and names of workers that a sequence itself sends: they must come back as they were."""
    return frozenset(found for text in _texts(sequence) for form in (_TIME, _WORKER) for found in form.findall(text))


def shape(value: Json) -> Json:
    """The types of a value: of a list those of its elements, each once, so that an empty list fits any other."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return "<list>"
    if value is None:
        return "<null>"
    return "<text>" if isinstance(value, str) else "<boolean>" if isinstance(value, bool) else "<number>"


def _texts(sequence: Sequence) -> Iterator[str]:
    for step in sequence.steps:
        if isinstance(step, Seed):
            yield from (str(entry["value"]) for entry in step.entries)
        elif isinstance(step, Request):
            yield str(step.body)
            yield (step.content or b"").decode("utf-8", "replace")


def _masked_time(text: str) -> str:
    return "<time>" if _PROMISED_TIME.fullmatch(text) else f"<time as {re.sub('[0-9]', '0', text)}>"


def _lease_ends(value: Json) -> Iterator[tuple[str, str]]:
    """The end of each lease, and its distance, in whole seconds, from the renewal, or else from the claim."""
    if isinstance(value, list):
        for each in value:
            yield from _lease_ends(each)
    elif isinstance(value, dict):
        begin, end = value.get("renewedAt", value.get("claimedAt")), value.get("expiresAt")
        if _is_time(begin) and _is_time(end):
            lasts = datetime.fromisoformat(str(end)) - datetime.fromisoformat(str(begin))
            yield str(end), f"<time + {round(lasts.total_seconds())} s>"
        for each in value.values():
            yield from _lease_ends(each)


def _is_time(value: Json) -> bool:
    return isinstance(value, str) and _PROMISED_TIME.fullmatch(value) is not None


def _headers(answer: Answer) -> Iterable[tuple[str, str]]:
    for name in HEADERS:
        value = answer.header(name)
        if value is not None:
            yield name, _HEADER_FORMS[name](value) if name in _HEADER_FORMS else value


def _as_set(value: str) -> str:
    return ", ".join(sorted({each.strip() for each in value.split(",")}))


def _content_type(answer: Answer) -> str:
    """Media type and parameters, without the spaces and the case that mean nothing."""
    return ";".join(part.strip().lower() for part in (answer.header("content-type") or "").split(";"))


_HEADER_FORMS: Mapping[str, Callable[[str], str]] = {
    "allow": _as_set,
    "retry-after": lambda value: "<seconds>" if value.isdigit() else value,
}
