"""Exit codes. It imports nothing but the standard library: what is missing can be said."""

from enum import IntEnum


class Code(IntEnum):
    """What `queue-contracts`, and pytest with the suite's options, end with."""

    HOLDS = 0
    BROKEN = 1
    USAGE = 2
    NOTHING_PROVED = 3
    FAULT = 70  # EX_SOFTWARE of sysexits.h; pytest's own for it is 3, and Python's is 1
