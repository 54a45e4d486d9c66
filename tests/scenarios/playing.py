"""Plays a scenario on a target and writes down what it was answered, masked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tests.scenarios.masking import brought, mask
from tests.scenarios.steps import Advance, Deployment, Entry, Request, Scenario, Seed

Calls = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered: the status, and of the rest what a client acts on."""

    status: int
    content_type: str | None
    body: str


class Target(Protocol):
    """A deployed Worker that scenarios run against."""

    def start(self, deployment: Deployment) -> None:
        """Deploy the Worker like this, over an empty namespace, at the machine's time."""
        ...

    def seed(self, entries: Sequence[Entry]) -> None:
        """Write entries to its KV."""
        ...

    def advance(self, seconds: int) -> None:
        """Move its clock."""
        ...

    def send(self, request: Request) -> Answer:
        """Send exactly this request."""
        ...

    def kv_calls(self) -> Calls | None:
        """Each KV operation of the Worker since the start, by name and key; None if the target does not tell."""
        ...

    def close(self) -> None:
        """End whatever runs."""
        ...


@dataclass(frozen=True, slots=True)
class Transcript:
    """The answers to a scenario's requests, in order, and the KV calls of all of them."""

    answers: tuple[Answer, ...]
    kv_calls: Calls | None


def play(scenario: Scenario, target: Target) -> Transcript:
    """Run all steps on an empty namespace."""
    known = brought(scenario.sent())
    target.start(scenario.deployment)
    answers: list[Answer] = []
    for step in scenario.steps:
        match step:
            case Seed(entries):
                target.seed(entries)
            case Advance(seconds):
                target.advance(seconds)
            case Request():
                answers.append(_masked(target.send(step), step, known))
    return Transcript(tuple(answers), target.kv_calls())


def _masked(answer: Answer, request: Request, known: frozenset[str]) -> Answer:
    if request.escaped:
        return Answer(answer.status, None, "<the runtime's own words>")
    if request.method == "HEAD":
        return Answer(answer.status, answer.content_type, "")
    return Answer(answer.status, answer.content_type, mask(answer.body, known))
