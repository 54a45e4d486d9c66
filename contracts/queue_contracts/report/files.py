"""The files of a report: whether they can be written, which is found out before anything is sent."""

from pathlib import Path

from queue_contracts.names import HAR, JUNIT, PAGE
from queue_contracts.untrusted.files import require_own_file


def require_writable(folder: Path) -> None:
    """Make the folder, and raise OSError before anything is sent if a report could not be written at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder / name for name in (JUNIT, PAGE, HAR)):
        require_own_file(path)
        there = path.exists()
        path.open("ab").close()
        if not there:
            path.unlink()
