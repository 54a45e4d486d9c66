"""Finding the workerd binary: by an option, else by WORKERD, else in npm's packages, else on the search path."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from queue_emulator.core.errors import SettingsError

INSTALL = "npm install workerd"
WORKERD_NAME = "WORKERD"  # a variable; other commands and the tests read it too
WHERE = (
    f"the workerd binary, or a folder that has it (default: what the variable {WORKERD_NAME} names, else from a "
    "node_modules folder nearby, else from the PATH)"
)


def find_binary(given: Path | None, folders: Sequence[Path]) -> Path:
    """The binary; `folders` and all folders above them may hold a node_modules. Raises SettingsError."""
    if given is not None:
        named = next(_in_package(given), given) if given.is_dir() else given
        if not named.is_file():
            raise SettingsError(
                f"there is no workerd at {given}, which --workerd or {WORKERD_NAME} names; install it with: {INSTALL}"
            )
        return named.absolute()
    for folder in folders:
        for each in (folder.absolute(), *folder.absolute().parents):
            if (found := next(_in_package(each), None)) is not None:
                return found
    on_path = shutil.which("workerd")
    if on_path is None:
        raise SettingsError(
            f"no workerd was found in node_modules or on the PATH; install it with: {INSTALL}, or name it with "
            f"--workerd or {WORKERD_NAME}"
        )
    return Path(on_path)


def _in_package(folder: Path) -> Iterator[Path]:
    """The package of the platform holds the binary; the package `workerd` links to it only if scripts may run.

    The folder may hold packages, have them in its node_modules, or be the package itself.
    """
    holders = (folder, folder / "node_modules", folder.parent) if folder.name != "node_modules" else (folder,)
    for packages in holders:
        if packages.name == "node_modules":
            yield from sorted(packages.glob("@cloudflare/workerd-*/bin/workerd"))
            yield from packages.glob(".bin/workerd")
    if folder.parent.name == "@cloudflare":
        yield from folder.glob("bin/workerd")
