"""Pages of a list that another server gives: they go on in key order, and so come to an end."""

from collections.abc import Iterable

from queue_emulator.core.errors import RemoteError

_EMPTY_MAX = 1_000  # in a row: a page of nothing but deleted keys is empty


class Paging:
    """Told of every page of one list."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last: bytes | None = None
        self._empty = 0

    def check(self, keys: Iterable[bytes]) -> None:
        """Raises RemoteError for a list that goes back, stands still, or gives nothing page after page."""
        empty = True
        for key in keys:
            empty = False
            if self._last is not None and key <= self._last:
                raise RemoteError(f"{self._name} lists {_shown(key)} after {_shown(self._last)}: not in key order")
            self._last = key
        self._empty = self._empty + 1 if empty else 0
        if self._empty > _EMPTY_MAX:
            raise RemoteError(f"{self._name} gave more than {_EMPTY_MAX:,} empty pages in a row")


def _shown(key: bytes) -> str:
    return repr(key[:80].decode("utf-8", "backslashreplace"))
