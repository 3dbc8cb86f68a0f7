"""Bounds of the values that the database stores.

Every value from outside is checked here before it becomes an argument of a statement: HTTP requests and commands share these
bounds. A value beyond them would fail in the database driver, where its cause can no longer be named.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The earliest instant: the start of every hub's clock. It also keeps nanoseconds since then within 64 bits."""
LATEST: Final = datetime.max.replace(tzinfo=UTC)
"""The latest instant that Python writes in UTC, well within PostgreSQL's range."""
LARGEST_INT: Final = 2**31 - 1
"""The largest PostgreSQL ``integer``."""
LARGEST_BIGINT: Final = 2**63 - 1
"""The largest PostgreSQL ``bigint``."""


def storable_instant(at: datetime) -> datetime:
    """Return an aware instant in UTC. Raises ValueError when it lies outside EARLIEST to LATEST."""
    try:
        utc = at.astimezone(UTC)
    except OverflowError:  # in UTC it lies before the year 1 or after the year 9999
        utc = None
    if utc is None or utc < EARLIEST:
        raise ValueError(f"an instant lies between {EARLIEST:%Y} and {LATEST:%Y}")
    return utc


def storable_text(text: str) -> str:
    """Return the text. Raises ValueError when PostgreSQL cannot store it: for a NUL, or a half of a surrogate pair."""
    if "\x00" in text:
        raise ValueError("a NUL character cannot be stored")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("the text is not valid UTF-8, so it cannot be stored") from None
    return text


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can store a text, and so may have a row that it names."""
    try:
        storable_text(text)
    except ValueError:
        return False
    return True
