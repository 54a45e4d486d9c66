"""What a process and its children hold in memory: the sum of their proportional set sizes, as Linux counts them.

The proportional set size shares out what several processes map, so that no page counts twice:
https://docs.kernel.org/filesystems/proc.html#proc-pid-smaps-rollup
"""

import re
from pathlib import Path

_PROC = Path("/proc")
_PSS = re.compile(r"^Pss: +(\d+) kB$", re.MULTILINE)


def memory_bytes(pid: int) -> int:
    """Of the process and all its descendants."""
    return sum(_pss_bytes(each) for each in _tree(pid))


def _tree(pid: int) -> list[int]:
    children = [int(child) for task in (_PROC / str(pid) / "task").iterdir() for child in _children(task)]
    return [pid, *(descendant for child in children for descendant in _tree(child))]


def _children(task: Path) -> list[str]:
    return (task / "children").read_text("ascii").split()


def _pss_bytes(pid: int) -> int:
    found = _PSS.search((_PROC / str(pid) / "smaps_rollup").read_text("ascii"))
    return int(found[1]) * 1024 if found else 0  # a process that is ending has no memory any more
