"""Runs `queue-contracts` as a user does, in a process of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 120


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


def queue_contracts(*arguments: object, folder: Path, environment: dict[str, str] | None = None) -> Ended:
    """Run it in `folder`, with nothing in the environment but what is given: there is no workerd on that path."""
    given = {"PATH": str(folder), "PYTHONPATH": os.pathsep.join(sys.path), **(environment or {})}
    ran = subprocess.run(
        [sys.executable, "-m", "queue_contracts.cli", *map(str, arguments)],
        cwd=folder,
        env=given,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    return Ended(ran.returncode, ran.stdout, ran.stderr)
