"""What is expected of each suite: peers.toml, and where a run differs from it, in either direction."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Outcomes = Mapping[str, str | None]  # of each case: why it failed, or None


@dataclass(frozen=True, slots=True)
class Suite:
    """`fails` has a reason for each case that fails, and that must go on to fail; a `*` in its name is any text."""

    of: str
    tests: str
    cases: int
    fails: Mapping[str, str]


def read_table() -> dict[str, Suite]:
    """The suites by name."""
    rows: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_name("peers.toml").read_text("utf-8"))
    return {name: Suite(**{**row, "fails": row.get("fails", {})}) for name, row in rows.items()}


def surprises(suite: Suite, outcomes: Outcomes) -> list[str]:
    """A line for each case that the table does not say; none if all is as it says."""
    meant = {row: [case for case in outcomes if _names(row, case)] for row in suite.fails}
    expected = {case for cases in meant.values() for case in cases}
    lines = [
        f"FAILED, not expected to: {case}: {why}"
        for case, why in outcomes.items()
        if why is not None and case not in expected
    ]
    for row, reason in suite.fails.items():
        if not meant[row]:
            lines.append(f"not among the cases, but expected to fail: {row}")
        lines += [f"PASSED, expected to fail: {case} ({reason})" for case in meant[row] if outcomes[case] is None]
    if len(outcomes) != suite.cases:
        lines.append(f"{len(outcomes)} cases were run, {suite.cases} are expected")
    return lines


def _names(row: str, case: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, row.split("*"))), case, re.DOTALL) is not None
