"""Texts of a device, cleaned where they enter the daemon: of any driver, also one of another package. Pure.

PostgreSQL refuses a zero and a lone surrogate in any text, and a terminal obeys control characters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from drivers.contract import DeviceIdentity, Reading, StreamStart
from edge.common.text import clean


def clean_identity(identity: DeviceIdentity) -> DeviceIdentity:
    """The identity with clean texts; an empty one is None."""
    return replace(identity, firmware=_clean_or_none(identity.firmware), serial=_clean_or_none(identity.serial))


def clean_reading(reading: Reading) -> Reading:
    """The reading with clean texts; the same object when they are clean already, as nearly always."""
    tag, tags, reason = _clean_or_none(reading.tag), reading.tags, _clean_or_none(reading.reason)
    if tags is not None:
        cleaned = tuple(_clean_or_none(one) or "" for one in tags)
        tags = tags if cleaned == tags else cleaned
    if tag is reading.tag and tags is reading.tags and reason is reading.reason:
        return reading
    return replace(reading, tag=tag, tags=tags, reason=reason)


def clean_start(start: StreamStart) -> StreamStart:
    """The start of a stream with a clean reason; an empty one is None."""
    return replace(start, reason=_clean_or_none(start.reason))


def clean_counters(counters: Mapping[str, int]) -> dict[str, int]:
    """The counters with clean names."""
    return {clean(name): count for name, count in counters.items()}


def _clean_or_none(text: str | None) -> str | None:
    """A clean text, the same object when it is clean already. A value of another type stays: the database decides about it."""
    if not isinstance(text, str):
        return text
    cleaned = clean(text)
    return text if cleaned == text else cleaned or None
