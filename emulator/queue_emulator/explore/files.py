"""A finding as files: its schedule, and its picture beside it."""

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from queue_emulator.drawing.picture import picture
from queue_emulator.explore import schedule, text_report
from queue_emulator.explore.explorer import Finding
from queue_emulator.explore.picturing import Shown, story
from queue_emulator.kv.folder import Folder

SHARE = "findings.json"
_NO_NAME = re.compile(r"[^A-Za-z0-9-]+")


def write(folder: Path, name: str, finding: Finding, command: str) -> Path:
    """Both, in a folder; `command` is the one by which it is seen again. The schedule's path."""
    shown = Shown(finding.scenario, finding.history, finding.target, finding.broken, finding.causes)
    with Folder.open(folder) as opened:
        _put(opened, f"{name}.schedule", schedule.write(finding, text_report.needs(finding.causes)))
        _put(opened, f"{name}.svg", _drawn(shown, name=name, command=command))
    return folder / f"{name}.schedule"


def write_share(folder: Path, share: msgspec.Struct) -> None:
    """What the others need who put it together with theirs."""
    with Folder.open(folder) as opened:
        _put(opened, SHARE, msgspec.json.format(msgspec.json.encode(share)).decode())


def draw(path: Path, shown: Shown, *, name: str, command: str) -> None:
    """The picture alone, as a whole; raises StateError for a link, and for what is no file."""
    with Folder.open(path.parent) as opened:
        _put(opened, path.name, _drawn(shown, name=name, command=command))


def replay_command(path: Path, worker: Path | None = None, versions: Sequence[str] = ()) -> str:
    """By which a schedule is seen again; `worker` is one in JavaScript, if it was named on the command line."""
    command = f"queue-emulator explore --replay {path}" + ("" if worker is None else f" --worker {worker}")
    return command + "".join(f" --version {each}" for each in versions)


def _drawn(shown: Shown, *, name: str, command: str) -> str:
    return picture(story(shown, name=_NO_NAME.sub("-", name), command=command))


def _put(folder: Folder, name: str, text: str) -> None:
    """In the place of the file of this name; raises StateError if that is a link, or no file."""
    folder.file(name)
    part = f"{name}.part"
    with suppress(FileNotFoundError):
        folder.unlink(part)
    folder.write(part, text.encode())
    folder.replace(name, part)
