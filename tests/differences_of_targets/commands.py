"""Runs `queue-contracts` as a user does, in a process of its own."""

from dataclasses import dataclass
from pathlib import Path

from tests.contracts.command import fork


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


def queue_contracts(*arguments: object, folder: Path, environment: dict[str, str] | None = None) -> Ended:
    """Run it in `folder`, with nothing in the environment but what is given: there is no workerd on that path."""
    given = {"PATH": str(folder), **(environment or {})}
    ended = fork(*map(str, arguments), env=given, folder=folder, apart=True)
    return Ended(ended.code, ended.out, ended.err)
