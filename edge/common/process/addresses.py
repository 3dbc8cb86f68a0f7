"""Addresses at which a browser finds a service of this machine, also where it listens on every address."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from contextlib import suppress
from typing import Final

_DOCUMENTATION: Final = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
"""Addresses that no machine has (RFC 5737, RFC 3849), so that only the usual route leads to them."""
_LOOPBACK: Final = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
_SIOCGIFADDR: Final = 0x8915
"""Request of ioctl(2) for the IPv4 address of an interface, see netdevice(7)."""


def page_urls(host: str, port: int) -> list[str]:
    """The URLs of a service that listens on ``host``, first one that another machine can open, if there is any.

    For ``0.0.0.0`` and ``::`` these are the addresses of this machine (its name, where a sandbox hides them) and the loopback
    address. Sends nothing.
    """
    return [f"http://{bracketed(address)}:{port}/" for address in _addresses(host.strip("[]"))]


def bracketed(host: str) -> str:
    """The host as URLs hold it."""
    return f"[{host}]" if ":" in host else host


def _addresses(host: str) -> list[str]:
    with suppress(ValueError):
        address = ipaddress.ip_address(host.partition("%")[0])
        if address.is_unspecified:
            family = socket.AF_INET if address.version == 4 else socket.AF_INET6
            return [*(_own_addresses(family) or [socket.gethostname()]), _LOOPBACK[family]]
    return [host]


def _own_addresses(family: socket.AddressFamily) -> list[str]:
    """Addresses of this machine for other machines; none without a network, or where a sandbox allows no socket."""
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((_DOCUMENTATION[family], 9))  # chooses a route and sends no packet
            found = [str(probe.getsockname()[0])]
        except OSError:  # without a route to everywhere: a hub that is its own network
            found = _of_interfaces(probe) if family == socket.AF_INET else []
        return [address for address in found if not ipaddress.ip_address(address.partition("%")[0]).is_loopback]
    return []


def _of_interfaces(probe: socket.socket) -> list[str]:
    found: list[str] = []
    for _, name in socket.if_nameindex():
        with suppress(OSError):  # an interface without an address
            answer = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
            found.append(socket.inet_ntoa(answer[20:24]))
    return found
