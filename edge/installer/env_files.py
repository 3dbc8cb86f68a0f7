"""Write the first env file of ``/etc/archstats``, and derive from the settings what the units need."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from edge.common.config.env_file import format_assignment
from edge.common.config.errors import ConfigError
from edge.common.config.load import load_push

KEPT = (
    "ARCH_STATS_SERVER_HOST", "ARCH_STATS_SERVER_PORT", "ARCH_STATS_SERVER_NAMES", "ARCH_STATS_CONNECTIONS_PER_ADDRESS",
    "ARCH_STATS_OPERATOR_TOKEN_FILE",
    "ARCH_STATS_WS_CHANNEL", "ARCH_STATS_DEV_MODE",
)  # fmt: skip
"""Settings that the first installation takes from its own environment, beside ``POSTGRES_*``."""


def settings_to_keep(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings of the caller's environment that the first installation writes into ``archstats.env``."""
    return {k: v for k, v in environ.items() if v and (k in KEPT or k.startswith("POSTGRES_"))}


def common_text(settings: Mapping[str, str]) -> str:
    """Text of the first ``archstats.env``. Raises ConfigError for a setting that no env file can hold."""
    try:
        assignments = [format_assignment(name, value) for name, value in sorted(settings.items())]
    except ValueError as fault:
        raise ConfigError(
            f"{fault}, so it cannot be written into archstats.env", hint="Correct it, or unset it."
        ) from fault
    lines = [
        "# Settings of every Arch-Stats service on this hub. Each device has its own file in this folder.",
        "# After a change: sudo archstats-sensor install. With a password in it: sudo chmod 600 this file.",
        *assignments,
    ]
    return "\n".join(lines) + "\n"


def listen_stream(settings: Mapping[str, str]) -> str:
    """Address of the live page's socket for systemd. Raises ConfigError when the settings hold no numeric address."""
    push = load_push(settings)
    host = "127.0.0.1" if push.server_host == "localhost" else push.server_host.strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise ConfigError(
            f"ARCH_STATS_SERVER_HOST is '{push.server_host}', which is not an address",
            hint="Use 127.0.0.1, 0.0.0.0 or the hub's own address: systemd opens the socket before names can be resolved.",
        ) from None
    return f"[{address}]:{push.server_port}" if address.version == 6 else f"{address}:{push.server_port}"


def is_loopback(address: str) -> bool:
    """Whether an address of ``listen_stream`` is for this machine only."""
    return ipaddress.ip_address(address.rpartition(":")[0].strip("[]")).is_loopback


def needs_network(settings: Mapping[str, str]) -> bool:
    """Whether a service with these settings must reach other machines: a serial server, or a remote PostgreSQL."""
    return "://" in settings.get("ARCH_STATS_PORT", "") or bool(settings.get("POSTGRES_HOST"))
