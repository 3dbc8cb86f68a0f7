"""File descriptors of this process: the limit, raised at start, and whether one is free."""

from __future__ import annotations

import errno
import resource
import socket

_NONE_FREE = (errno.EMFILE, errno.ENFILE)
"""Errors of a process, and of the whole machine, without a free descriptor."""


def raise_descriptor_limit() -> int:
    """Raise the soft limit of descriptors to the hard one; returns it.

    The soft limit of a login or a systemd unit is 1024, for programs that call select(2), which cannot count further. This
    program does not call it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # a sandbox may forbid it
        return soft
    return hard


def descriptor_limit() -> int:
    """Return the present soft limit, which another process may have changed by prlimit(2)."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def is_descriptor_free() -> bool:
    """Return whether this process can open one more file or connection."""
    try:
        socket.socket(socket.AF_UNIX).close()
    except OSError as fault:
        return fault.errno not in _NONE_FREE
    return True
