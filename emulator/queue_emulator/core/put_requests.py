"""Many writes in little memory: of a hundred thousand small ones the objects would take twice what they say."""

from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from queue_emulator.core.options import PutRequest


class PutRequests(Sequence[PutRequest]):
    """Writes in their order; one that is a key and a value alone is made when it is read."""

    def __init__(self, requests: Iterable[PutRequest] = ()) -> None:
        self._keys: list[bytes] = []
        self._held: list[bytes | PutRequest] = []
        for request in requests:
            self.append(request)

    @property
    def keys(self) -> Sequence[bytes]:
        """Their keys."""
        return self._keys

    def append(self, request: PutRequest) -> None:
        """One more, as long as nobody else has them."""
        plain = request.expiration_s is None and request.expiration_ttl_s is None and request.metadata is None
        self._keys.append(request.key)
        self._held.append(request.value if plain else request)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PutRequests) and (self._keys, self._held) == (other._keys, other._held)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[PutRequest]:
        return map(_request, self._keys, self._held)

    @overload
    def __getitem__(self, at: int) -> PutRequest: ...
    @overload
    def __getitem__(self, at: "slice[int | None, int | None, int | None]") -> Sequence[PutRequest]: ...
    def __getitem__(self, at: "int | slice[int | None, int | None, int | None]") -> PutRequest | Sequence[PutRequest]:
        if isinstance(at, slice):
            return [*map(_request, self._keys[at], self._held[at])]
        return _request(self._keys[at], self._held[at])


def keys_of(requests: Sequence[PutRequest]) -> Sequence[bytes]:
    """The keys of any writes, in their order."""
    return requests.keys if isinstance(requests, PutRequests) else [request.key for request in requests]


def _request(key: bytes, held: bytes | PutRequest) -> PutRequest:
    return held if isinstance(held, PutRequest) else PutRequest(key, held)
