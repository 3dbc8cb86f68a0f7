"""What the files in ``/etc/archstats`` say, and what of it the units must know."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from edge.common.config.env_file import format_assignment
from edge.common.config.errors import ConfigError
from edge.common.config.settings import load_push

WRITTEN = ("ARCH_STATS_SERVER_HOST", "ARCH_STATS_SERVER_PORT", "ARCH_STATS_WS_CHANNEL", "ARCH_STATS_DEV_MODE")
"""Settings that the first installation takes from its own environment."""
POSTGRES = "POSTGRES_"


def given(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings of the caller's environment that the first installation writes down."""
    return {k: v for k, v in environ.items() if v and (k in WRITTEN or k.startswith(POSTGRES))}


def common_text(settings: Mapping[str, str]) -> str:
    """The first ``archstats.env``."""
    lines = [
        "# Settings of every Arch-Stats service on this hub. A device has a file of its own beside this one.",
        "# After a change: sudo archstats-sensor install. With a password in it: sudo chmod 600 this file.",
        *(format_assignment(name, value) for name, value in sorted(settings.items())),
    ]
    return "\n".join(lines) + "\n"


def listen_stream(settings: Mapping[str, str]) -> str:
    """Where systemd is to open the live page's socket. Raises ConfigError when the settings do not name an address."""
    push = load_push(settings)
    host = "127.0.0.1" if push.server_host == "localhost" else push.server_host.strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise ConfigError(
            f"ARCH_STATS_SERVER_HOST is '{push.server_host}', which is no address",
            hint="systemd opens the socket before names can be looked up: use 127.0.0.1, 0.0.0.0 or the hub's own address",
        ) from None
    return f"[{address}]:{push.server_port}" if address.version == 6 else f"{address}:{push.server_port}"


def needs_network(settings: Mapping[str, str]) -> bool:
    """Whether a service with these settings must reach other machines: a serial server, or PostgreSQL elsewhere."""
    return "://" in settings.get("ARCH_STATS_PORT", "") or bool(settings.get("POSTGRES_HOST"))
