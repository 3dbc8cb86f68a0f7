"""Output of the commands: lines of text for people, lines of JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from edge.common.advice import as_typed
from edge.common.text import printable

Value = str | int | float | bool | None | datetime | UUID | Decimal


def iso(instant: datetime) -> str:
    """UTC with microseconds and a Z, for programs and options: ``2026-01-01T12:00:00.000000Z``."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def local(instant: datetime, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Time of this machine with its zone, for people: ``2026-11-28 20:55:03 EST``; ``form`` as for strftime."""
    try:
        return instant.astimezone().strftime(f"{form} %Z")
    except (OverflowError, ValueError):  # the first and the last day of the calendar have no other zone
        return instant.strftime(f"{form} UTC")


def local_iso(instant: datetime) -> str:
    """Time of this machine with its offset, for people who give it to an option: ``2026-11-28T20:55:03.000000-05:00``."""
    return instant.astimezone().isoformat(timespec="microseconds")


def as_json(row: Mapping[str, object]) -> str:
    """One object on one line, in ASCII where standard output is not UTF-8 or a character does not print.

    Backticks are escaped, so that a command in a stored text gets no prefix: programs read what is stored.
    """
    line = json.dumps(row, default=_plain, separators=(", ", ": "), ensure_ascii=False)
    if not (_is_utf8() and line.isprintable()):
        line = json.dumps(row, default=_plain, separators=(", ", ": "))
    return line.replace("`", "\\u0060")


def say(text: str) -> None:
    """One line to standard output, at once: it may be a pipe.

    Characters that do not print are escaped, and commands in advice have the prefix that works here.
    """
    sys.stdout.write(_shown(text) + "\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """One line to standard error, in the same way."""
    sys.stderr.write(_shown(text) + "\n")
    sys.stderr.flush()


def _is_utf8() -> bool:
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("_", "-") in ("utf-8", "utf8")


def _shown(text: str) -> str:
    return as_typed("\n".join(map(printable, text.split("\n"))))


def _plain(value: object) -> str | float:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
