"""Chance as a parameter: a draw is a function of (seed, what is decided), without hidden state."""

import secrets
from hashlib import blake2b
from struct import Struct

_EIGHT = Struct(">8Q")


class Dice:
    """Keyed draws: the same seed and the same words always give the same number.

    `seed` is any integer; None draws one from the operating system.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = secrets.randbits(64) if seed is None else seed
        self._key = blake2b(str(self.seed).encode(), digest_size=32).digest()

    def bits(self, count: int, *what: str | int) -> int:
        """An integer below 2**count, for count <= 64, decided by the seed and `what`."""
        words = b"\0".join(repr(word).encode() for word in what)
        drawn = int.from_bytes(blake2b(words, key=self._key, digest_size=8).digest(), "big")
        return drawn >> (64 - count)

    def words(self, *what: str | int) -> tuple[int, ...]:
        """Eight integers below 2**64, all decided by the seed and `what`."""
        words = b"\0".join(repr(word).encode() for word in what)
        return _EIGHT.unpack(blake2b(words, key=self._key, digest_size=64).digest())

    def below(self, limit: int, *what: str | int) -> int:
        """An integer in 0 <= n < limit."""
        return self.bits(64, *what) * limit >> 64
