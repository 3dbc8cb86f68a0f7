"""Logging: one line for each record on stderr, and each change of a state once."""

from __future__ import annotations

import logging
import os
import sys
import time
from enum import StrEnum
from typing import TextIO

from edge.common.advice import as_typed
from edge.common.text import printable

MOST_DETAILS = 8
"""Distinct details logged for one state; further ones are only counted."""


class _OneLine(logging.Formatter):
    """Formats a record as one line: time in UTC, level, name, message.

    Line breaks become separators, and characters that do not print are escaped: a message may hold a device's text.
    """

    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    @staticmethod
    def converter(timestamp: float | None) -> time.struct_time:
        """Seconds since 1970 as UTC."""
        return time.gmtime(timestamp)

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        return as_typed(" | ".join(printable(line) for line in super().format(record).splitlines() if line))


class _Journal(_OneLine):
    """Formats a record for systemd's journal, which adds time and name and reads the level as a prefix, see sd-daemon(3)."""

    def format(self, record: logging.LogRecord) -> str:
        """The syslog level as a prefix, and the record as one line."""
        return f"<{_SYSLOG_LEVELS.get(record.levelno, 6)}>{super().format(record)}"


_SYSLOG_LEVELS = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}


def configure(dev_mode: bool, name: str, stream: TextIO | None = None) -> None:
    """Log to stderr as process ``name``; with ``dev_mode`` also messages for developers."""
    handler = logging.StreamHandler(stream or sys.stderr)
    if _is_journal(handler.stream):
        handler.setFormatter(_Journal("%(message)s"))
    else:
        handler.setFormatter(_OneLine(f"%(asctime)s %(levelname)s {name} %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.DEBUG if dev_mode else logging.INFO)
    logging.getLogger("asyncio").setLevel(logging.WARNING)


def complain(name: str, text: str) -> None:
    """Print the reason why this process ends: one line on stderr, an error for the journal."""
    prefix = f"<{_SYSLOG_LEVELS[logging.ERROR]}>" if _is_journal(sys.stderr) else ""
    sys.stderr.write(f"{prefix}{printable(name)}: {as_typed(printable(' '.join(text.split())))}\n")


def _is_journal(stream: TextIO) -> bool:
    """Whether the stream goes to the journal: systemd names it in the environment."""
    try:
        there = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{there.st_dev}:{there.st_ino}"


class Transitions:
    """Logs a state when it changes, and counts how often it was entered again meanwhile."""

    def __init__(self, log: logging.Logger, subject: str) -> None:
        self._log = log
        self._subject = subject
        self.state: StrEnum | None = None
        self._details: set[str] = set()
        self._since = 0.0
        self._repeated = 0

    def enter(self, state: StrEnum, detail: str = "") -> None:
        """Enter a state, with the reason for a fault as ``detail``: a state with a detail is logged as a warning.

        Within one state each distinct detail is logged once.
        """
        now = time.monotonic()
        if state != self.state:
            before = (
                f" (was {self.state} for {now - self._since:.1f} s, {self._repeated} repetitions)" if self.state else ""
            )
            self._details.clear()
            self.state, self._since, self._repeated = state, now, 0
        elif detail in self._details or len(self._details) >= MOST_DETAILS:
            self._repeated += 1
            return
        else:
            before = ""
        self._details.add(detail)
        level = logging.WARNING if detail else logging.INFO
        self._log.log(level, "%s: %s%s%s", self._subject, state, f": {detail}" if detail else "", before)
