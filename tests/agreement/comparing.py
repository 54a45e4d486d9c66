"""The Python Worker and the reference Worker on workerd, each over a KV of its own with the same seed, asked the same.

Both clocks stand still and are moved by the script, so every time and name in an answer must be the same too. Only
how far a clock is from the machine's is left out; the content type of the answer to an exception that nobody catches,
which workerd gives none; and the words that it puts before the refusal of an operation past an invocation's limit.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree

from queue_emulator.core.journal import Event
from queue_emulator.core.profiles import compose
from queue_emulator.testing import Emulator, Reply
from queue_emulator.testing.workers import Workers
from tests.agreement.generated import LOCATIONS, VERSIONS, Script, Step
from tests.conftest import FIXTURES

ENTRIES = Step("SJC", "GET", "/cdn-cgi/emulator/entries?limit=1000")
_SHOWN_BEFORE = 15
_FRAME = re.compile(r"KV [A-Z]+ failed: 429 (?=Too many API requests)")


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a script went two ways; `index` is that of the step, or past the last for what was left in KV."""

    script: Script
    index: int
    python: object
    workerd: object

    def lines(self) -> Iterator[str]:
        yield f"{self.script}, request {self.index}:"
        for step in self.script.steps[max(self.index - _SHOWN_BEFORE, 0) : self.index + 1]:
            yield f"  {step.location} {step.method} {step.path[:80]} {step.content.decode('utf-8', 'replace')[:200]}"
        yield f"  Python   {self.python}"
        yield f"  workerd  {self.workerd}"


@dataclass(slots=True)
class Tally:
    """`statuses` counts the answers, so that nobody takes refusals alone for agreement."""

    requests: int = 0
    stale: int = 0
    faults: int = 0
    statuses: dict[int, int] = field(default_factory=dict)


class Comparison:
    """`folder` gets a copy of the reference Worker for each of its versions; `modules` is a node_modules."""

    def __init__(self, folder: Path, modules: Path) -> None:
        self._folder = folder
        self._workers = Workers()
        (folder / "node_modules").symlink_to(modules)
        for version in VERSIONS:
            copy = folder / version
            copytree(FIXTURES / "worker", copy)
            config = copy / "wrangler.jsonc"
            config.write_text(config.read_text().replace('"WORKER_VERSION": "new"', f'"WORKER_VERSION": "{version}"'))

    def end(self) -> None:
        self._workers.end()

    def differences(self, script: Script, tally: Tally) -> Difference | None:
        """The first difference of a script; what it met is counted."""
        lag_ms = (round(script.lag_s[0] * 1000), round(script.lag_s[1] * 1000))
        profile = compose("cloudflare", lag_ms=lag_ms)
        python = Emulator(profile=profile, locations=LOCATIONS, worker_version=script.version, seed=script.seed)  # type: ignore[arg-type]
        path = self._folder / script.version / "worker.mjs"
        workerd = Emulator.of(self._workers.world(path, LOCATIONS, profile, script.seed))
        try:
            for index, step in enumerate((*script.steps, ENTRIES)):
                said = [seen(asked(emulator, step)) for emulator in (python, workerd)]
                if said[0] != said[1]:
                    return Difference(script, index, *said)
                tally.requests += 1
                tally.statuses[said[0].status] = tally.statuses.get(said[0].status, 0) + 1
            here, there = (journal(emulator) for emulator in (python, workerd))
            tally.stale += sum(event[-2] is not None for event in here)
            first = next((pair for pair in zip(here, there, strict=False) if pair[0] != pair[1]), None)
            if first is not None or len(here) != len(there):
                return Difference(script, len(script.steps), *(first or (len(here), len(there))))
            return None
        finally:
            self._workers.settle(path, LOCATIONS)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a client has of an answer."""

    status: int
    content_type: str
    content: object


def asked(emulator: Emulator, step: Step) -> Reply:
    """The answer to a step; the keys of the two differ."""
    more = {} if step.key is True else {"key": step.key}
    return emulator.at(step.location).request(step.method, step.path, content=step.content, **more)  # type: ignore[arg-type]


def seen(reply: Reply) -> Seen:
    text = _FRAME.sub("", reply.content.decode("utf-8", "replace"))
    try:
        content = json.loads(text)
    except ValueError:
        content = text
    if isinstance(content, dict):
        content.pop("offset_ms", None)
    uncaught = (reply.status, text) == (500, "Internal Server Error")
    return Seen(reply.status, "" if uncaught else reply.headers.get("content-type", ""), content)


def journal(emulator: Emulator) -> list[tuple[object, ...]]:
    """Every operation: what it was, when, where, and what it saw."""
    return [_told(event) for event in emulator.journal()]


def _told(event: Event) -> tuple[object, ...]:
    return (
        event.asked_ms,
        event.done_ms,
        event.location,
        event.operation,
        event.key,
        event.cache_status,
        event.age_ms,
        event.version,
        event.keys,
        event.failed,
        event.newer_version,
        event.fault_rule,
    )
