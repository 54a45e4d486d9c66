"""`keys --follow` against an emulator whose answers are written down: what is shown when, and how often it looks."""

from collections.abc import Iterator, Mapping
from typing import cast

import msgspec
import pytest

from queue_emulator.commands.keys import show
from queue_emulator.remote_control import RemoteControl

COPY = {"kept": "copy", "version": 1, "age_ms": 0, "until_ms": 60_000}
HERE = {"key": "a", "live": True, "version": 1, "locations": {"NRT": COPY}}
OTHER = {"key": "b", "live": True, "version": 2, "locations": {"NRT": {"kept": "nothing"}}}


def event(position: int, operation: str = "put", location: str = "NRT") -> bytes:
    told = {"position": position, "begun_ms": 0, "location": location, "operation": operation, "key": "a"}
    return msgspec.json.encode(told)


class Scripted:
    """Lists its keys as the script goes on, and then the last ones; `lasts` is where the journal ends at each look."""

    host = "emulator"

    def __init__(
        self, lines: list[bytes], lists: list[list[Mapping[str, object]]], lasts: list[int], kv: str = "emulated"
    ) -> None:
        self.lines, self.lists, self.lasts, self.kv = lines, lists, lasts, kv
        self.followed = ""

    def ask(self, method: str, path: str, shape: type[object]) -> object:
        told = {"places": ["NRT"], "kv": self.kv, "journal": {"first": 1, "last": self.lasts.pop(0)}}
        return msgspec.convert(told, shape)

    def tell(self, method: str, path: str, body: Mapping[str, object], shape: type[object]) -> object:
        return msgspec.convert({"keys": self.lists.pop(0), "cursor": None, "now_ms": 0}, shape)

    def follow(self, path: str) -> Iterator[bytes]:
        self.followed = path
        return iter(self.lines)


def shown(scripted: Scripted, capsys: pytest.CaptureFixture[str]) -> list[str]:
    remote = cast("RemoteControl", scripted)
    show(remote, prefix="", location=None, namespace=None, follow=True, as_json=False)
    assert scripted.lists == [], "it has looked as often as it should"
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()[2:]]


def test_it_follows_from_the_end_of_the_journal_and_looks_once_for_all_that_has_happened(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scripted = Scripted([event(8), event(9), event(10), event(11)], [[HERE], [HERE, OTHER], [OTHER]], [7, 10, 11])
    lines = shown(scripted, capsys)
    assert scripted.followed == "/journal/stream?after=7"
    assert lines == ["-- 1970-01-01T00:00:00.000Z", "b v2 -", "-- 1970-01-01T00:00:00.000Z", "a gone -"]


def test_a_copy_that_runs_out_in_silence_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    without = {**HERE, "locations": {"NRT": {"kept": "nothing"}}}
    lines = shown(Scripted([b"", b""], [[HERE], [without], [without]], [7, 7, 7]), capsys)
    assert lines == ["-- 1970-01-01T00:00:00.000Z", "a v1 -"]


def test_a_look_at_real_data_is_not_a_reason_for_another(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [b"", event(8, "list", "API"), event(9, "get", "API"), event(10, "put", "API")]
    shown(Scripted(lines, [[HERE], [HERE]], [7, 10], kv="remote"), capsys)
