"""What is in a folder, whatever it is: to tell whether anything was touched."""

import os
import stat
from pathlib import Path

Tree = dict[str, tuple[int, int, bytes]]


def tree(folder: Path) -> Tree:
    """Of each name below the folder its kind and mode, how many names it has, and its content or where it leads."""
    return {str(path.relative_to(folder)): _one(path) for path in sorted(folder.rglob("*"))}


def _one(path: Path) -> tuple[int, int, bytes]:
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        content = os.fsencode(path.readlink())
    elif stat.S_ISREG(found.st_mode):
        content = path.read_bytes() if found.st_size < 1 << 20 else b"%d" % found.st_size
    else:
        content = b""
    names = 1 if stat.S_ISDIR(found.st_mode) else found.st_nlink
    return found.st_mode, names, content
