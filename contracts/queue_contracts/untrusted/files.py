"""Files that somebody else wrote, read within a bound of bytes; YAML of depth and values too, aliases included."""

from importlib.resources.abc import Traversable
from pathlib import Path

import yaml

_BYTES_MAX = 1_000_000
_VALUES_MAX = 100_000


def read_yaml(file: Traversable | Path) -> object:
    """What the file says. Raises OSError, or ValueError with one line that says why it cannot be read."""
    content = read_small(file)
    try:
        data: object = yaml.safe_load(content.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deep") from None
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
    _require_few(data)
    return data


def read_small(file: Traversable | Path) -> bytes:
    """What is in a file of up to a million bytes, whatever it is. Raises OSError, or ValueError for a larger one."""
    with file.open("rb") as opened:
        content = opened.read(_BYTES_MAX + 1)
    if len(content) > _BYTES_MAX:
        raise ValueError(f"more than {_BYTES_MAX:,} bytes")
    return content


def _require_few(data: object) -> None:
    """Aliases count as often as they stand there: ten of ten of ten, and one of itself, are without an end."""
    left, values = [data], 0
    while left:
        each = left.pop()
        values += 1
        if values + len(left) > _VALUES_MAX:
            raise ValueError(f"more than {_VALUES_MAX:,} values, aliases included")
        if isinstance(each, dict):
            left.extend(each.values())
        elif isinstance(each, (list, tuple, set)):
            left.extend(each)
