"""Texts that a careless firmware sends: they must change no terminal, no log file and no database. Each holds a zero.

A lone surrogate stands for a byte that is no UTF-8, as in :func:`os.fsencode`.
"""

from __future__ import annotations

from typing import Final

HURTING_TEXTS: Final = (
    "FW 1.0" + 10 * "\0",
    "FW\x001.0\x00\x00\x7f",
    "\x1b]0;title\x07\x1b[2J\x1b[31mred\x00",
    "\udc9b2J\udc9b31m\udcff\udcc3\x00 ",
    "\u202etxet\u2066 \u200b\u2028<0>line\r\n<0>line\x00",
    "\x00" + "\N{BOW AND ARROW}" * 60,
)
"""At most 255 bytes each: they are also names of a firmware."""
LONG_TEXT: Final = "long\x1b[2K\0" * 200
"""A line for the log, as long as a frame allows."""
