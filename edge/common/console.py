"""Output of the commands: lines of text for people, lines of JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

Value = str | int | float | bool | None | datetime | UUID | Decimal


def iso(instant: datetime) -> str:
    """UTC with microseconds and a Z: ``2026-01-01T12:00:00.000000Z``."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def as_json(row: Mapping[str, object]) -> str:
    """One object on one line."""
    return json.dumps(row, default=_plain, separators=(", ", ": "), ensure_ascii=False)


def say(text: str) -> None:
    """One line to standard output, at once: it may be a pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """One line to standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _plain(value: object) -> str | float:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
