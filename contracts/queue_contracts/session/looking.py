"""What was found of the target before the first check, kept where every process of the run finds it."""

import json
from collections.abc import Mapping
from pathlib import Path

import httpx

from queue_contracts.sending.parts import Parts, find_parts
from queue_contracts.sending.run import Run
from queue_contracts.targets.addresses import TargetError
from queue_contracts.targets.formats import Format
from queue_contracts.targets.target import Target

_FILE = "parts.json"
_NOTHING: Mapping[str, int] = {}


class OfAnotherFormat(Exception):
    """The check is about a format that the Worker does not keep."""


def look_at(run: Run, target: Target, http: httpx.Client, answered: Mapping[str, int] = _NOTHING) -> Parts:
    """Look once in a run. A Worker that must be complete is not looked at: its checks say what is missing.

    `answered` has the statuses of GETs that were sent before. Raises TargetError for one that keeps its queue in
    another format than was said.
    """
    found = parts_of(run)
    if found is None:
        found = Parts() if run.complete else find_parts(target, http, run.profile, run.own_prefix, answered)
        if run.format is not None and found.format not in (None, Format(run.format)):
            raise TargetError(f"the Worker keeps its queue in the {found.format.value} format, not as --format says")
        noted = {"missing": sorted(found.missing), "format": found.format.value if found.format else None}
        (run.folder / _FILE).write_text(json.dumps(noted), encoding="utf-8")
    return found


def parts_of(run: Run) -> Parts | None:
    """What was found; None before anybody has looked."""
    path: Path = run.folder / _FILE
    if not path.is_file():
        return None
    noted = json.loads(path.read_text(encoding="utf-8"))
    return Parts(frozenset(noted["missing"]), Format(noted["format"]) if noted["format"] else None)
