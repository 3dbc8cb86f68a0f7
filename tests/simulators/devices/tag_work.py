"""Commands to a simulated tag with several words or locks, as a reader makes them."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.r200.codec import Bank
from simulators.devices.gen2_tag import Gen2Tag, Lock, LockField


def write(tag: Gen2Tag, bank: Bank, start: int, words: Sequence[int], password: int = 0) -> None:
    """Write words in order. Raises as ``write_word``; the words before the refused one are written."""
    for address, word in enumerate(words, start):
        tag.write_word(bank, address, word, password)


def lock_payload(*locks: tuple[LockField, Lock]) -> int:
    """The payload of a Lock command that sets both bits of these fields: ten bits mask, ten bits action."""
    mask = action = 0
    for place, lock in locks:
        shift = 2 * (len(LockField) - 1 - place)
        mask, action = mask | 0b11 << shift, action | lock << shift
    return mask << 2 * len(LockField) | action
