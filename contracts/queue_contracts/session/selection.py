"""Which checks a run consists of, how many requests they may send, and what is therefore not checked."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from queue_contracts.profiles import Profile
from queue_contracts.sending.parts import REQUESTS_MAX
from queue_contracts.sending.run import Run
from queue_contracts.targets.target import Ability

BUDGET = 12
FIRST_MAX = 2 + REQUESTS_MAX  # those that come before the first check
ALL = "all"
UNCHECKED, ANNOUNCED = "unchecked.json", "announced.json"
# Collecting these takes seconds, since it generates their requests: not done where none would be sent.
GENERATING = {"test_generated.py": ("disposable",), "test_observed.py": ("observe", "isolated")}
NEEDS_OF_FIXTURES = {
    "control": (Ability.RESET, Ability.SEED, Ability.MOVE_TIME, Ability.AT_ONCE),
    "storage": (Ability.SEED, Ability.INSPECT),
}
MARKERS = (
    "slow: takes over 0.25 s",
    "profiles(*names): runs in these profiles of a run (default: disposable)",
    "needs(*abilities): what the target must be able to do",
    "admin: needs the admin key",
    "requests(most): how many requests the check sends at most",
    "formats(*names): of Workers that keep their queue in one of these (default: in any)",
    "purpose(*statuses): statuses that the check wants to see; they do not count against the run",
    "disposable: runs in the profile disposable only, as every check without a mark does",
    "isolated: runs in the profiles isolated and disposable",
)


def select(run: Run, abilities: frozenset[Ability], admin: bool, items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The items of this run; what is left out is written down with the reason."""
    kept, left_out = [], []
    for item in items:
        why = _why_not(run, abilities, admin, item)
        if why is None:
            kept.append(item)
        else:
            left_out.append((name_of(item), why))
    for file, profiles in GENERATING.items():
        if run.profile.value not in profiles:
            left_out.append((f"{file}::{ALL}", f"need the profile {' or '.join(profiles)}"))
    _write(run.folder / UNCHECKED, left_out)
    _write(run.folder / ANNOUNCED, [len(kept), sum(budget_of(item) for item in kept)])
    return kept


def budget_of(item: pytest.Item) -> int:
    """How many requests an item may send."""
    if "target" not in getattr(item, "fixturenames", ()):
        return 0
    marker = item.get_closest_marker("requests")
    return int(marker.args[0]) if marker else BUDGET


def chosen(folder: Path) -> int:
    """How many checks the run has."""
    path = folder / ANNOUNCED
    return int(json.loads(path.read_text(encoding="utf-8"))[0]) if path.is_file() else 0


def announcement(run: Run, address: str) -> str:
    """What is about to be sent, for a person who can still stop it."""
    checks, most = json.loads((run.folder / ANNOUNCED).read_text(encoding="utf-8"))
    said = f"{checks} checks in the profile {run.profile.value} against {address}"
    if run.rate is None:
        return f"{said}, as fast as it answers."
    most += FIRST_MAX
    minutes = -(-most // run.rate)
    return (
        f"{said}: at most {most} requests (not counting repeats after a 429), at {run.rate} a minute: "
        f"at least {minutes} minutes, longer if answers are slow or writes are seen late."
    )


def unchecked(folder: Path) -> list[str]:
    """A line for each file of checks and each reason why some of them were left out."""
    path = folder / UNCHECKED
    if not path.is_file():
        return []
    left_out = [(name.split("::"), why) for name, why in json.loads(path.read_text(encoding="utf-8"))]
    counted = Counter((name[0], name[1] == ALL, why) for name, why in left_out)
    return [
        f"{file}: {ALL if all_ else count} checks: they {why}" for (file, all_, why), count in sorted(counted.items())
    ]


def name_of(item: pytest.Item) -> str:
    return f"{item.path.name}::{item.name}"


def _why_not(run: Run, abilities: frozenset[Ability], admin: bool, item: pytest.Item) -> str | None:
    if "target" not in getattr(item, "fixturenames", ()):
        return None
    profiles = _profiles_of(item)
    if run.profile.value not in profiles:
        return f"need the profile {' or '.join(profiles)}"
    needed = [each for name, group in NEEDS_OF_FIXTURES.items() if name in item.fixturenames for each in group]  # type: ignore[attr-defined]
    for marker in item.iter_markers("needs"):
        needed += marker.args
    missing = [each for each in needed if each not in abilities]
    if missing:
        return f"need a target that can be {missing[0].value}"
    if not admin and (item.get_closest_marker("admin") or "/api/migrate" in item.name):
        return "need the admin key (CONTRACT_ADMIN_KEY)"
    return None


def _profiles_of(item: pytest.Item) -> tuple[str, ...]:
    marker = item.get_closest_marker("profiles")
    if marker is not None:
        return tuple(marker.args)
    if item.get_closest_marker("isolated"):
        return (Profile.ISOLATED.value, Profile.DISPOSABLE.value)
    return (Profile.DISPOSABLE.value,)


def _write(path: Path, what: object) -> None:
    """Every process of a run writes the same; whoever reads must never see half of it."""
    import os

    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(what), encoding="utf-8")
    part.replace(path)
