"""KV operations of a journal in words, a line each: for a test's report, a schedule, or whoever reads them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from queue_emulator.core.javascript import from_utf8
from queue_emulator.core.journal import Event
from queue_emulator.core.shown import one_line

_STALE, _NOT_STALE = "!", " "


class Done(Protocol):
    """What an event tells of how it ended, here or as it was sent."""

    @property
    def operation(self) -> str: ...

    @property
    def cache_status(self) -> str | None: ...

    @property
    def age_ms(self) -> int: ...

    @property
    def version(self) -> int | None: ...

    @property
    def newer_version(self) -> int | None: ...

    @property
    def stale(self) -> bool: ...

    @property
    def keys(self) -> int | None: ...


def outcome(event: Done, version: str = "version ") -> str:
    """What came of an operation that did not fail; `version` is what stands before the number of one."""
    if event.operation == "list":
        said = f"{event.keys} keys"
    else:
        said = "nothing" if event.version is None else f"{version}{event.version}"
    if event.cache_status == "HIT":
        said += f", copy {old(event.age_ms)}"
    return said + (f", STALE: not {version}{event.newer_version}" if event.stale else "")


def old(age_ms: int) -> str:
    """How old a copy is: the same words in the log, the journal and a picture."""
    return f"{round(age_ms / 1000, 1):g} s old"


def run_words(route: str, worker_version: str) -> str:
    """Which run made an operation; "" for a seed."""
    return ", ".join(filter(None, (route, f"version {worker_version}" if worker_version else "")))


def lines(events: Sequence[Event], bindings: Mapping[str, str], *, last: int) -> Iterator[str]:
    """The last operations, each with its time since the first of all; a stale read begins with an exclamation mark.

    `bindings` are the names of namespaces for people; where there is one namespace it goes unnamed.
    """
    left_out = max(len(events) - last, 0)
    if left_out:
        yield f"  … {left_out} earlier operations are left out"
    for event in events[left_out:]:
        named = bindings.get(event.namespace or "", event.namespace)
        of = f" of {named}" if named is not None and len(bindings) > 1 else ""
        yield _line(event, of, events[0].asked_ms)


def _line(event: Event, of: str, first_ms: int) -> str:
    mark = _STALE if event.stale else _NOT_STALE
    where = f"{(event.asked_ms - first_ms) / 1000:+.3f} s  {event.location}"
    said = f"fails: {event.failed}" if event.failed is not None else outcome(event)
    run = run_words(event.route, event.worker_version)
    by = f"  ({run})" if run else ""
    return one_line(f"{mark} {where}  {event.operation} {from_utf8(event.key)}{of} -> {said}{by}")
