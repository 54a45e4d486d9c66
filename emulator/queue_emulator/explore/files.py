"""A finding as files: its schedule, and its picture beside it."""

import re
from pathlib import Path

from queue_emulator.drawing.picture import picture
from queue_emulator.explore import schedule, telling
from queue_emulator.explore.explorer import Finding
from queue_emulator.explore.picturing import Shown, story

_NO_NAME = re.compile(r"[^A-Za-z0-9-]+")


def write(folder: Path, name: str, finding: Finding, command: str) -> Path:
    """Both, in a folder; `command` is the one by which it is seen again. The schedule's path."""
    written = folder / f"{name}.schedule"
    written.write_text(schedule.write(finding, telling.needs(finding.causes)), encoding="utf-8")
    shown = Shown(finding.scenario, finding.history, finding.target, finding.broken, finding.causes)
    draw(written.with_suffix(".svg"), shown, name=name, command=command)
    return written


def draw(path: Path, shown: Shown, *, name: str, command: str) -> None:
    """The picture alone."""
    told = story(shown, name=_NO_NAME.sub("-", name), command=command)
    path.write_text(picture(told), encoding="utf-8")


def replay_command(path: Path) -> str:
    """By which a schedule is seen again."""
    return f"queue-emulator explore --replay {path}"
