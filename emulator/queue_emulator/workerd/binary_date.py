"""The day that a workerd binary is of: which compatibility date it has, and whether it is too old."""

import asyncio
import os
import re
import signal
from contextlib import suppress
from pathlib import Path

from queue_emulator.core.errors import SettingsError
from queue_emulator.workerd.binary import INSTALL, WORKERD_NAME

OLDEST = "2025-09-20"  # the one of 2025-08-31 knows no `logging` in its config
_VERSION = re.compile(rb"\d{4}-\d\d-\d\d")
_PRINTED_BYTES_MAX = 65_536
_PRINTED_S_MAX = 30.0
_ENDED_S_MAX = 5.0


async def compatibility_date_of(binary: Path, printed_s_max: float = _PRINTED_S_MAX) -> str:
    """The day that the binary is of, which it calls its version; raises SettingsError if it does not say one."""
    try:
        process = await asyncio.create_subprocess_exec(
            binary,
            "--version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise SettingsError(f"cannot run {binary}: {error.strerror or error}") from None
    version = _VERSION.search(await _printed(process, printed_s_max))
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


async def _printed(process: asyncio.subprocess.Process, seconds: float) -> bytes:
    """What it prints, within a bound of bytes and time; then it is ended, with all that it started."""
    assert process.stdout is not None
    printed = bytearray()
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while len(printed) < _PRINTED_BYTES_MAX and (piece := await process.stdout.read(_PRINTED_BYTES_MAX)):
                    printed += piece
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.communicate(), _ENDED_S_MAX)  # to the end: so the pipe is closed
    return bytes(printed)
