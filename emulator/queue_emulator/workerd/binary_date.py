"""The day that a workerd binary is of: which compatibility date it has, and whether it is too old."""

import asyncio
import re
from pathlib import Path

from queue_emulator.core.errors import SettingsError
from queue_emulator.workerd.binary import INSTALL, WORKERD_NAME

OLDEST = "2025-09-20"  # the one of 2025-08-31 knows no `logging` in its config
_VERSION = re.compile(rb"\d{4}-\d\d-\d\d")


async def compatibility_date_of(binary: Path) -> str:
    """The day that the binary is of, which it calls its version; raises SettingsError if it does not run."""
    try:
        process = await asyncio.create_subprocess_exec(
            binary, "--version", stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await process.communicate()
    except OSError as error:
        raise SettingsError(f"cannot run {binary}: {error.strerror or error}") from None
    version = _VERSION.search(printed)
    if version is None:
        raise SettingsError(f"{binary} is not workerd: it does not print its version")
    return version[0].decode()


async def too_old(binary: Path) -> str | None:
    """Why a binary cannot run our config, if that is its age."""
    version = await compatibility_date_of(binary)
    if version >= OLDEST:
        return None
    return (
        f"{binary} is workerd {version}, which is too old: {OLDEST} or newer is needed. Install it with: "
        f"{INSTALL}@latest; or name another one with --workerd or {WORKERD_NAME}; or have the project's own wrangler "
        "run the Worker: queue-emulator run -- npx wrangler dev"
    )
