"""The commands `journal`, `clock`, `faults` and `reset`: the controls of a running emulator, for people and scripts."""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Annotated

import msgspec

from queue_emulator.commands.text_table import columns, padded, shortened, width
from queue_emulator.core.clock import iso_8601
from queue_emulator.core.errors import SettingsError
from queue_emulator.core.journal_words import outcome, run_words
from queue_emulator.core.limits import JOURNAL_EVENTS_MAX
from queue_emulator.core.shown import one_line
from queue_emulator.remote_control import RemoteControl
from queue_emulator.settings import read_control_token, wants_colours
from queue_emulator.transfer.output import say, width_of_terminal

RED, YELLOW = "31", "33"
_KEY_WIDTH, _KEY_WIDTH_MIN = 35, 16
_OUTCOME_WIDTH = 20  # ` v12, copy 12.5 s old`, so that mostly there is a column of keys
_NUMBERS = ("status", "for_s", "nth", "times", "percent")


Instant = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]
"""Milliseconds since 1970, up to the year 9999."""


class Event(msgspec.Struct):
    """As the journal has it."""

    position: int
    begun_ms: Instant
    location: str
    operation: str
    key: str
    route: str = ""
    worker_version: str = msgspec.field(default="", name="workerVersion")
    cache_status: str | None = msgspec.field(default=None, name="cacheStatus")
    age_ms: int = 0
    version: int | None = None
    stale: bool = False
    newer_version: int | None = msgspec.field(default=None, name="newerVersion")
    keys: int | None = None
    failed: str | None = None
    fault_rule: int | None = msgspec.field(default=None, name="faultRule")

    def concerns(self, key: str) -> bool:
        """Whether it is about a key: its own, or a list that it is on."""
        return key.startswith(self.key) if self.operation == "list" else self.key == key


class Clock(msgspec.Struct):
    """What the clock shows."""

    now: str
    offset_ms: int
    frozen: bool


class _Rules(msgspec.Struct):
    rules: list[dict[str, object]]


class _Done(msgspec.Struct):
    keys: int


def control(url: str) -> RemoteControl:
    """The controls at a URL, with the token of the environment."""
    return RemoteControl(url, token=read_control_token())


def journal(url: str, *, key: str | None, stale: bool, follow: bool, as_json: bool) -> None:
    """The operations that the emulator remembers, and with `follow` those to come."""
    last, said = 0, False
    for event, line in _events(control(url), follow):
        if last and event.position > last + 1 and not as_json:
            say(f"-- {event.position - last - 1:,} operations came too fast to be shown")
        last = event.position
        if (key is not None and not event.concerns(key)) or (stale and not event.stale):
            continue
        said = True
        if as_json:
            say(line.decode("utf-8", "replace"))
        else:
            colour = RED if event.failed else YELLOW if event.stale else ""
            say(event_line(event, width_of_terminal()), colour=colour if wants_colours() else "")
    if not (said or as_json or follow):
        say("no operations")


def clock(url: str, change: dict[str, object] | None, *, as_json: bool) -> None:
    """Show it, after a change if there is one."""
    remote = control(url)
    shown = remote.ask("GET", "/clock", Clock) if change is None else remote.tell("POST", "/clock", change, Clock)
    if as_json:
        say(msgspec.json.encode(shown).decode())
        return
    ahead_s = shown.offset_ms / 1000
    said = (
        "" if not shown.offset_ms else f", {abs(ahead_s):,.3f} s {'ahead of' if ahead_s > 0 else 'behind'} this machine"
    )
    say(f"{shown.now}, {'frozen' if shown.frozen else 'running'}{said}")


def faults(url: str, words: Sequence[str], *, as_json: bool) -> None:
    """Do what the words say, and show the rules."""
    remote = control(url)
    match list(words):
        case [] | ["list"]:
            pass
        case ["clear"]:
            remote.ask("DELETE", "/faults", _Rules)
        case ["remove", number] if number.isascii() and number.isdigit():
            remote.ask("DELETE", f"/faults/{number}", dict[str, int])
        case ["add", verdict, *members]:
            remote.tell("POST", "/faults", {"verdict": verdict} | dict(map(_member, members)), dict[str, object])
        case _:
            raise SettingsError(
                "usage: faults [add VERDICT NAME=VALUE... | remove ID | clear], for example: faults add fail_before "
                "operation=put key_prefix=queue:lease: times=1; without words it lists the rules"
            )
    rules = remote.ask("GET", "/faults", _Rules).rules
    if as_json:
        say(json.dumps(rules, ensure_ascii=False))
    elif not rules:
        say("no fault rules")
    else:
        say(*columns([("ID", "VERDICT", "APPLIED", "MATCHED", "WHEN"), *map(_rule_cells, rules)]))


def reset(url: str, *, as_json: bool) -> None:
    """Delete all data, faults, journal and counts."""
    done = control(url).ask("POST", "/reset", _Done)
    say(json.dumps({"keys": done.keys}) if as_json else "all data, faults, journal and counts are deleted")


def event_line(event: Event, width_max: int | None = None) -> str:
    """One operation for people. In a narrow terminal the middle of a key goes, and then who made the operation."""
    begin = f"{iso_8601(event.begun_ms)[11:-1]}  {one_line(event.location):<4} {one_line(event.operation):<8} "
    by, outcome = one_line(run_words(event.route, event.worker_version)), one_line(_outcome(event))
    key, ends = one_line(event.key) or "(every key)", [f" {outcome}  {by}" if by else f" {outcome}", f" {outcome}"]
    room = _KEY_WIDTH
    if width_max is not None:
        left = width_max - width(begin) - max(_OUTCOME_WIDTH, width(ends[-1]))
        room = max(_KEY_WIDTH_MIN, min(_KEY_WIDTH, left))
        key = shortened(key, room)
    line = begin + padded(key, room)
    return next((line + end for end in ends if width_max is None or width(line + end) <= width_max), line + ends[-1])


def _outcome(event: Event) -> str:
    if event.failed is not None:
        by = f" (fault rule {event.fault_rule})" if event.fault_rule else ""
        return f"FAILED: {event.failed}{by}"
    return outcome(event, "v")


def _events(remote: RemoteControl, follow: bool) -> Iterator[tuple[Event, bytes]]:
    """The journal, and each event's line; pages of it until one is empty, and then the stream."""
    position, before = 0, -1
    while position != before:
        before = position
        page = islice(remote.lines(f"/journal?after={position}"), JOURNAL_EVENTS_MAX)
        for event, line in _read(remote, page, position):
            position = event.position
            yield event, line
    if follow:
        yield from _read(remote, remote.follow(f"/journal/stream?after={position}"), position)


def _read(remote: RemoteControl, lines: Iterator[bytes], position: int) -> Iterator[tuple[Event, bytes]]:
    """The events behind a position, each behind the one before: what stands still would never end."""
    for line in filter(None, lines):
        try:
            event = msgspec.json.decode(line, type=Event)
        except (msgspec.MsgspecError, RecursionError):
            raise remote.stranger() from None
        if event.position <= position:
            raise remote.stranger()
        position = event.position
        yield event, line


def _member(word: str) -> tuple[str, object]:
    name, equals, value = word.partition("=")
    if not equals:
        raise SettingsError(f"a member of a fault rule is written as NAME=VALUE, not {word!r}")
    if name not in _NUMBERS:
        return name, value
    try:
        number = float(value)
    except ValueError:
        raise SettingsError(f"{name} must be a number, not {value!r}") from None
    return name, int(number) if number.is_integer() else number


def _rule_cells(rule: dict[str, object]) -> tuple[str, ...]:
    shown = ("id", "verdict", "given", "matched")
    when = ", ".join(
        f"{name} {value}" for name, value in rule.items() if name not in shown and (name, value) != ("percent", 100)
    )
    return (*(str(rule.get(name, "")) for name in shown), when)
