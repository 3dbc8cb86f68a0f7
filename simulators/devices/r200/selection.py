"""Select and Query: the tags that take part in an inventory. Pure.

A tag has an inventoried flag, A or B, for each of four sessions, and the flag SL (Gen2, 6.3.2.2 and 6.3.2.12.1.1). Here each
command finds them as after power-up: A, and SL not asserted. The flags of session 0 are lost with the power of each command
anyway; those of the other sessions outlast it on real tags.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from drivers.r200.codec import Select
from simulators.devices.gen2_tag import Gen2Tag

_SL_TARGET: Final = 4
"""Target of a Select that sets SL; 0 to 3 are the sessions, and more are reserved."""


class _Effect(Enum):
    """Effect on one flag. True is A, or SL asserted."""

    KEEP = "keep"
    ASSERT = "assert"
    DEASSERT = "deassert"
    NEGATE = "negate"

    def on(self, flag: bool) -> bool:
        """Return the flag after the effect."""
        match self:
            case _Effect.ASSERT | _Effect.DEASSERT:
                return self is _Effect.ASSERT
            case _Effect.NEGATE:
                return not flag
            case _:
                return flag


_ACTIONS: Final = (
    (_Effect.ASSERT, _Effect.DEASSERT),
    (_Effect.ASSERT, _Effect.KEEP),
    (_Effect.KEEP, _Effect.DEASSERT),
    (_Effect.NEGATE, _Effect.KEEP),
    (_Effect.DEASSERT, _Effect.ASSERT),
    (_Effect.DEASSERT, _Effect.KEEP),
    (_Effect.KEEP, _Effect.ASSERT),
    (_Effect.KEEP, _Effect.NEGATE),
)
"""Effect of each action on matching tags, and on others."""


def takes_part(tag: Gen2Tag, select: Select | None, query: int) -> bool:
    """Whether the tag answers a Query with these parameters (``SetQuery``), after a Select unless that is None.

    A tag ignores a Select that truncates: it needs target SL, the EPC bank and a Query for SL, and no reader here asks for it.
    """
    sel, session, wants_b = query >> 10 & 3, query >> 8 & 3, bool(query >> 7 & 1)
    is_a, is_sl = True, False
    if select is not None and not select.is_truncated:
        is_matching = tag.matches(select.bank, select.pointer, select.bits, select.mask)
        effect = _ACTIONS[select.action][0 if is_matching else 1]
        if select.target == session:
            is_a = effect.on(is_a)
        elif select.target == _SL_TARGET:
            is_sl = effect.on(is_sl)
    return is_a is not wants_b and (sel < 2 or is_sl is (sel == 3))
