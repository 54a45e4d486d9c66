"""What a check could not see, told to the end of the run: another process may be the one that tells it."""

import json
from pathlib import Path

_FILE = "excused.jsonl"


def say_excused(folder: Path, operation: str, why: str) -> None:
    with (folder / _FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps([operation, why]) + "\n")


def excused(folder: Path) -> list[tuple[str, str]]:
    """Operations that could not be seen to succeed, each with the reason, once."""
    path = folder / _FILE
    if not path.is_file():
        return []
    said = {tuple(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()}
    return sorted((str(operation), str(why)) for operation, why in said)
