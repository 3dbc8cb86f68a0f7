"""Settings from the environment and env files, and the errors that wrong ones cause."""

from __future__ import annotations

from edge.common.config.errors import (
    EX_CONFIG,
    EXIT_REFUSED,
    EXIT_UNAVAILABLE,
    EXIT_USAGE,
    CommandError,
    ConfigError,
    DatabaseUnavailable,
    UsageError,
)

__all__ = [
    "EXIT_REFUSED",
    "EXIT_UNAVAILABLE",
    "EXIT_USAGE",
    "EX_CONFIG",
    "CommandError",
    "ConfigError",
    "DatabaseUnavailable",
    "UsageError",
]
