"""The command `keys`: which version of each key the centre has, and what each location would show of it."""

import json
from collections.abc import Iterator, Sequence

import msgspec

from queue_emulator.commands.controls import YELLOW, Event, Instant, control
from queue_emulator.commands.text_table import columns
from queue_emulator.core.clock import iso_8601
from queue_emulator.core.errors import SettingsError
from queue_emulator.core.javascript import utf8
from queue_emulator.core.kinds import GET, GET_BULK, LIST
from queue_emulator.core.wire_names import API_LOCATION
from queue_emulator.remote_control import RemoteControl
from queue_emulator.settings import wants_colours
from queue_emulator.transfer.output import say, width_of_terminal
from queue_emulator.transfer.paging import Paging

_PAGE = 500
_READS = (GET.name, GET_BULK.name, LIST.name)


class _Seen(msgspec.Struct):
    kept: str
    version: int | None = None
    age_ms: int = 0
    until_ms: int | None = None
    stale: bool = False


class _Key(msgspec.Struct):
    key: str
    live: bool
    locations: dict[str, _Seen]
    version: int | None = None
    expiration: int | None = None


class _Page(msgspec.Struct):
    keys: list[_Key]
    cursor: str | None
    now_ms: Instant


class _Journal(msgspec.Struct):
    last: int


class _Overview(msgspec.Struct):
    places: list[str]
    journal: _Journal
    kv: str = "emulated"


def keys(url: str, *, prefix: str, location: str | None, namespace: str | None, follow: bool, as_json: bool) -> None:
    """All keys with a prefix; with `follow` then each that changes, as it changes."""
    show(control(url), prefix=prefix, location=location, namespace=namespace, follow=follow, as_json=as_json)


def show(
    remote: RemoteControl, *, prefix: str, location: str | None, namespace: str | None, follow: bool, as_json: bool
) -> None:
    """As `keys`, of an emulator that is there."""
    overview = remote.ask("GET", "/overview", _Overview)
    known = overview.places
    if location is not None and location not in known:
        raise SettingsError(f"unknown location {location!r}; this emulator has {', '.join(known)}")
    looking = _Looking(remote, prefix, namespace, (location,) if location else tuple(known), as_json)
    looking.show_all()
    if follow:
        _follow(remote, looking, overview)


def _follow(remote: RemoteControl, looking: "_Looking", overview: _Overview) -> None:
    """Look again at what happened, once for all that has happened by then, and now and then: copies just run out.

    What is real has no copies here, and a look at it costs: that is had only for what this emulator writes.
    """
    seen = overview.journal.last
    for line in remote.follow(f"/journal/stream?after={seen}"):
        if line:
            event = _event(remote, line)
            if event.position <= seen or (event.location == API_LOCATION and event.operation in _READS):
                continue  # the look itself is such a read where KV is real
        elif overview.kv != "emulated":
            continue
        seen = remote.ask("GET", "/overview", _Overview).journal.last
        looking.show_changed()


def _event(remote: RemoteControl, line: bytes) -> Event:
    try:
        return msgspec.json.decode(line, type=Event)
    except (msgspec.MsgspecError, RecursionError):
        raise remote.stranger() from None


class _Looking:
    """What was shown last of each key."""

    def __init__(
        self, remote: RemoteControl, prefix: str, namespace: str | None, locations: Sequence[str], as_json: bool
    ) -> None:
        self._remote = remote
        self._asked = {"prefix": prefix, "limit": _PAGE} | ({} if namespace is None else {"namespace": namespace})
        self._locations = locations
        self._as_json = as_json
        self._shown: dict[str, object] = {}

    def show_all(self) -> None:
        empty = True
        for page in self._pages():
            self._show(page.keys, page.now_ms, heading=empty)
            empty = empty and not page.keys
        if empty and not self._as_json:
            say("no keys")

    def show_changed(self) -> None:
        """Those that are shown otherwise than last time, and those that are not there any more."""
        here: set[str] = set()
        changed: list[_Key] = []
        now_ms = 0
        for page in self._pages():
            now_ms = page.now_ms
            here.update(each.key for each in page.keys)
            changed += [each for each in page.keys if self._shown.get(each.key) != self._told(each)]
        gone = [_Key(key, live=False, locations={}) for key in self._shown if key not in here]
        if not changed and not gone:
            return
        if not self._as_json:
            say(f"-- {iso_8601(now_ms)}")
        self._show([*changed, *gone], now_ms, heading=False)
        for each in gone:
            del self._shown[each.key]

    def _pages(self) -> Iterator[_Page]:
        cursor, paging = "", Paging(self._remote.host)
        while True:
            page = self._remote.tell("POST", "/keys/list", {**self._asked, "cursor": cursor}, _Page)
            paging.check(utf8(each.key) for each in page.keys)
            yield page
            if page.cursor is None:
                return
            cursor = page.cursor

    def _show(self, found: Sequence[_Key], now_ms: int, *, heading: bool) -> None:
        self._shown |= {each.key: self._told(each) for each in found}
        if self._as_json:
            for each in found:
                say(json.dumps(msgspec.to_builtins(each), ensure_ascii=False))
            return
        head = [("KEY", "CENTRE", "EXPIRES", *self._locations)] if heading and found else []
        lines = columns([*head, *(self._cells(each, now_ms) for each in found)], width_of_terminal())
        if head:
            say(lines[0])
        for each, line in zip(found, lines[len(head) :], strict=True):
            stale = any(each.locations[at].stale for at in self._locations if at in each.locations)
            say(line, colour=YELLOW if stale and wants_colours() else "")

    def _cells(self, each: _Key, now_ms: int) -> tuple[str, ...]:
        centre = (f"v{each.version}" if each.version else "here") if each.live else "gone"
        expires = "" if each.expiration is None or not each.live else f"in {each.expiration - now_ms // 1000:,} s"
        return (each.key, centre, expires, *(_seen(each, at, now_ms) for at in self._locations))

    def _told(self, each: _Key) -> object:
        """What of it is worth another line: its age is not."""
        seen = {at: (told.kept, told.version, told.stale) for at, told in each.locations.items()}
        return each.version, each.live, {at: seen.get(at) for at in self._locations}


def _seen(each: _Key, location: str, now_ms: int) -> str:
    """What a location would show, and for how long."""
    seen = each.locations.get(location)
    if seen is None or seen.kept == "nothing":
        return "-"
    if seen.kept == "late":
        return f"NOT REPLICATED: still {_version(seen)}"
    left_s = max(0, (seen.until_ms or now_ms) - now_ms) / 1000
    age_s = seen.age_ms / 1000
    age = f"{age_s:.0f} of {age_s + left_s:.0f} s"
    if seen.stale:
        return f"STALE: {_version(seen)}, {age}"
    return f"same, {age}" if seen.kept == "copy" else f"nothing, {age}"


def _version(seen: _Seen) -> str:
    return "nothing" if seen.version is None else f"v{seen.version}"
