"""Where the sockets are that we serve on, as far as it matters: whether other machines can reach them."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable


def is_loopback(sockets: Iterable[socket.socket]) -> bool:
    """Whether only this machine can connect to any of them. What counts is the socket itself, not the settings."""
    return all(_is_local(listening) for listening in sockets)


def shown(listening: socket.socket) -> str:
    """The address as people type it."""
    name = listening.getsockname()
    if listening.family not in (socket.AF_INET, socket.AF_INET6):
        return str(name)
    host = f"[{name[0]}]" if listening.family == socket.AF_INET6 else name[0]
    return f"http://{host}:{name[1]}/"


def _is_local(listening: socket.socket) -> bool:
    if listening.family == socket.AF_UNIX:
        return True
    if listening.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    address = ipaddress.ip_address(listening.getsockname()[0].partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
