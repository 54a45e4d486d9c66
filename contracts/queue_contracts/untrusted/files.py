"""Files and folders that somebody else made: read within a bound, YAML of depth and values too, aliases included.

Nothing is written through a link, or into what is no file of its own.
"""

import os
import stat
from contextlib import suppress
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import IO

import yaml

_BYTES_MAX = 1_000_000
_VALUES_MAX = 100_000


def read_yaml(file: Traversable | Path) -> object:
    """What the file says. Raises OSError, or ValueError with one line that says why it cannot be read."""
    content = read_small(file)
    try:
        data = _parsed(content.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deep") from None
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
    _require_few(data)
    return data


class _Bounded(yaml.SafeLoader):
    """Ends at what is too much while it reads. What is merged (`<<`) counts as often as it is named."""

    values = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        tag = getattr(self.peek_event(), "tag", None)  # type: ignore[no-untyped-call]
        if tag not in (None, "!"):
            raise ValueError(f"line {self.line + 1}: a tag such as {tag} is not read")
        self._count(1)
        node = super().compose_node(parent, index)
        if isinstance(node, yaml.ScalarNode) and node.tag in _NUMBERS:
            characters, line = len(node.value), node.start_mark.line + 1
            if characters > _DIGITS_MAX:
                raise ValueError(f"line {line}: a number has at most {_DIGITS_MAX} characters, this has {characters:,}")
        return node

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        for key, value in node.value:
            if key.tag == _MERGE:
                for each in value.value if isinstance(value, yaml.SequenceNode) else (value,):
                    if isinstance(each, yaml.MappingNode):
                        self.flatten_mapping(each)
                        self._count(1 + len(each.value))
        super().flatten_mapping(node)

    def _count(self, more: int) -> None:
        self.values += more
        if self.values > _VALUES_MAX:
            raise ValueError(_TOO_MANY)


_DIGITS_MAX = 400
_TOO_MANY = f"more than {_VALUES_MAX:,} values, aliases included"
_MERGE = "tag:yaml.org,2002:merge"
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp")


def _parsed(text: str) -> object:
    loader = _Bounded(text)
    try:
        data: object = loader.get_single_data()
    finally:
        loader.dispose()
    return data


def read_small(file: Traversable | Path, bytes_max: int = _BYTES_MAX) -> bytes:
    """What is in a file of up to a million bytes. Raises OSError, or ValueError for a larger one and for a pipe."""
    with _opened(file) as opened:
        content = opened.read(bytes_max + 1)
    if len(content) > bytes_max:
        raise ValueError(f"more than {bytes_max:,} bytes")
    return content


def require_own_file(path: Path) -> None:
    """Raises OSError for a link, a pipe, a device, a folder, or a file with a second name, where a file is to be."""
    with suppress(FileNotFoundError):
        found = path.lstat()
        why = _NO_FILE_OF_ITS_OWN.get(stat.S_IFMT(found.st_mode), "is not a regular file")
        if why is None and found.st_nlink > 1:
            why = f"has {found.st_nlink} names (hard links)"
        if why is not None:
            raise OSError(None, f"{path} {why}: remove it, or name another place", str(path))


_NO_FILE_OF_ITS_OWN = {stat.S_IFREG: None, stat.S_IFLNK: "is a symbolic link"}


def write_whole(path: Path, text: str) -> None:
    """Write the file as a whole or not at all. Raises OSError; for what is no file of its own too."""
    require_own_file(path)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        part.unlink()
    try:
        with os.fdopen(os.open(part, _MAKE, 0o666), "w", encoding="utf-8") as file:
            file.write(text)
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def _opened(file: Traversable | Path) -> IO[bytes]:
    """A pipe without a writer holds nobody up."""
    if not isinstance(file, Path):
        return file.open("rb")
    opened = os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
        opened.close()
        raise ValueError("not a regular file")
    return opened


def _require_few(data: object) -> None:
    """Aliases count as often as they stand there: ten of ten of ten, and one of itself, are without an end."""
    left, values = [data], 0
    while left:
        each = left.pop()
        values += 1
        if values + len(left) > _VALUES_MAX:
            raise ValueError(_TOO_MANY)
        if isinstance(each, dict):
            left.extend(each.values())
        elif isinstance(each, (list, tuple, set)):
            left.extend(each)
