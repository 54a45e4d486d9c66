"""`python -m tests.soak.counted serve …`: the emulator, which tells what it holds each time that it gets SIGUSR1.

What cannot be seen from outside is written as one line of JSON to the file that the environment names in HELD. LIMIT
is how many files it may have open.
"""

import asyncio
import ctypes
import gc
import json
import os
import resource
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

from queue_emulator.cli import main


def _tell(number: int, frame: object) -> None:
    gc.collect()
    with suppress(OSError, AttributeError):  # another C library: then the memory that is held may be a little more
        ctypes.CDLL(None).malloc_trim(0)
    held = {"tasks": len(asyncio.all_tasks()), "threads": threading.active_count()}
    told = Path(os.environ["HELD"])
    part = told.with_suffix(".part")
    part.write_text(json.dumps(held))
    part.replace(told)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _tell)
    limit = int(os.environ["LIMIT"])
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    sys.exit(main(sys.argv[1:]))
