"""Hash stream: random numbers with random access by name.

Numbers come from BLAKE2b in counter mode over a name such as ``7/1/end/42``. The draws of any end are computed without
those of earlier ends, and are equal in every process, on every host and under every Python version; the module ``random``
guarantees that only for ``random()``.

Uses only the standard library, so that a bare interpreter can import the simulated world.
"""

from __future__ import annotations

import math
from hashlib import blake2b

_BLOCK_BYTES = 64
_WORD_BYTES = 8
_MANTISSA_BITS = 53


class Draws:
    """Stream of uniform and normal numbers that depends only on the name."""

    def __init__(self, *name: int | str) -> None:
        self._name = "/".join(map(str, name)).encode()
        self._block = b""
        self._blocks_used = 0
        self._at = 0
        self._spare: float | None = None

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """Return a uniform number in [low, high)."""
        if self._at == len(self._block):
            key = self._blocks_used.to_bytes(_WORD_BYTES, "big")
            self._block = blake2b(self._name, digest_size=_BLOCK_BYTES, key=key).digest()
            self._blocks_used += 1
            self._at = 0
        word = int.from_bytes(self._block[self._at : self._at + _WORD_BYTES], "big")
        self._at += _WORD_BYTES
        unit = (word >> (8 * _WORD_BYTES - _MANTISSA_BITS)) * 2.0**-_MANTISSA_BITS
        return low + (high - low) * unit

    def below(self, count: int) -> int:
        """Return an integer in 0 .. count - 1."""
        return int(self.uniform() * count)

    def normal(self, sigma: float = 1.0) -> float:
        """Return a normal number of mean 0 (Box-Muller; the second of each pair serves the next call)."""
        if self._spare is not None:
            value, self._spare = self._spare, None
            return sigma * value
        radius = math.sqrt(-2.0 * math.log(1.0 - self.uniform()))
        angle = self.uniform(0.0, 2.0 * math.pi)
        self._spare = radius * math.sin(angle)
        return sigma * radius * math.cos(angle)

    def lognormal(self, median: float, ln_sigma: float) -> float:
        """Return a log-normal number with this median."""
        return median * math.exp(self.normal(ln_sigma))

    def pick(self, count: int, of: int) -> list[int]:
        """Return ``count`` different integers of 0 .. of - 1 in random order.

        Raises ValueError when ``count`` exceeds ``of``.
        """
        if count > of:
            raise ValueError(f"cannot pick {count} different numbers of {of}")
        numbers = list(range(of))
        for i in range(count):
            j = i + self.below(of - i)
            numbers[i], numbers[j] = numbers[j], numbers[i]
        return numbers[:count]
