"""The workerd that a calibration is made with: where it is, and which version it says it is."""

import os
import platform
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Timer

_PRINTED_S_MAX = 30.0
_PRINTED_BYTES_MAX = 65_536
_NAME = "WORKERD"


class RuntimeMissing(Exception):
    """A workerd that was named and is not there, or does not run."""


def named_workerd(given: Path | None, environment: Mapping[str, str]) -> Path | None:
    """The binary, or a folder that has it, as an option or else the variable WORKERD names it."""
    named = environment.get(_NAME)
    return given or (Path(named) if named else None)


def find_workerd(given: Path | None, environment: Mapping[str, str]) -> Path | None:
    """The binary that was named, or WORKERD, else the one of a node_modules here or above, else the one on the path.

    None if there is none. Raises RuntimeMissing if the one that was named is not there.
    """
    named = named_workerd(given, environment)
    if named is not None:
        found = next(_in_node_modules(named), None) if named.is_dir() else named
        if found is None or not found.is_file():
            raise RuntimeMissing(f"there is no workerd at {named}; install it with: npm install workerd")
        return found.absolute()
    here = Path.cwd()
    for folder in (here, *here.parents):
        found = next(_in_node_modules(folder / "node_modules"), None)
        if found is not None:
            return found
    on_path = shutil.which("workerd")
    return Path(on_path) if on_path else None


def version_of(workerd: Path, printed_s_max: float = _PRINTED_S_MAX) -> str:
    """The day that the binary calls its version. Raises RuntimeMissing if it does not say one."""
    try:
        process = subprocess.Popen(
            [workerd, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise RuntimeMissing(f"cannot run {workerd}: {error}") from None
    found = re.search(rb"\d{4}-\d\d-\d\d", _printed(process, printed_s_max))
    if found is None:
        raise RuntimeMissing(f"{workerd} is not workerd: it does not print its version")
    return found[0].decode()


def _printed(process: subprocess.Popen[bytes], seconds: float) -> bytes:
    """What it prints, within a bound of bytes and time; then it is ended, with all that it started."""

    def end() -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    overdue = Timer(seconds, end)
    overdue.daemon = True
    overdue.start()
    with process:
        try:
            assert process.stdout is not None
            return process.stdout.read(_PRINTED_BYTES_MAX)
        finally:
            overdue.cancel()
            end()


def versions(workerd: Path | None) -> dict[str, str]:
    """Of everything that an answer may depend on."""
    try:
        package = version("queue-emulator")
    except PackageNotFoundError:
        package = "not installed"
    ours = {"queue-emulator": package, "python": platform.python_version()}
    return ours if workerd is None else {"workerd": version_of(workerd), **ours}


def _in_node_modules(folder: Path) -> Iterator[Path]:
    """npm puts the binary into the package of the platform, and links to it only if scripts may run."""
    yield from sorted(folder.glob("@cloudflare/workerd-*/bin/workerd"))
    yield from folder.glob(".bin/workerd")
