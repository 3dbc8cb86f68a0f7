"""Meaning of one object: tolerant extraction of its keys and values, since most of them are not valid JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from drivers.freetarget.codec.messages import (
    Command,
    Message,
    Miss,
    Notice,
    NoticeKind,
    Refusal,
    Settings,
    Shot,
    Started,
    Unlocated,
    Value,
    Version,
)

MAX_OFFSET_MM: Final = 5_000.0
"""Farthest plausible impact from the centre: no face and no frame is larger."""

_FIELD: Final = re.compile(
    r'"(?P<key>[A-Za-z0-9][A-Za-z0-9_ ]{0,31})"\s*:?\s*'
    r'(?:"(?P<text>[^"]*)"|(?P<number>-?\d{1,12}(?:\.\d{0,9})?)s?(?=[\s,]|$))'
)
"""A key and its value. A colon may be missing, and a time may have the unit ``s``."""
_GREETING: Final = re.compile(r'\s*freETarget\s+"?([^"]{1,80}?)"?\s*')
_PROCESSOR: Final = "ESP-ROM:"
_SENSOR_FAULT: Final = re.compile(r"Sensor \w{1,12} failed")
_REFUSAL: Final = re.compile(rf"({'|'.join(Refusal)}):\s*$")
_SHOT_KEY: Final = '"shot"'
_SETTINGS_BEGIN: Final = re.compile(r'\s*"NAME"')
_SETTINGS_KEYS: Final = frozenset(("NAME", "SENSOR"))
"""Keys of the settings that every firmware prints, and that no command of the hub and no notice has together."""


def fields_of(text: str) -> dict[str, Value]:
    """The keys and values of an object's text. Where a key repeats, the last value counts."""
    return {match["key"]: _value(match) for match in _FIELD.finditer(text)}


def message_of(text: str) -> Message | None:
    """The message of an object's text without its braces; None without a known key."""
    fields = fields_of(text)
    if _SHOT_KEY in text or {"x", "y"} <= fields.keys():
        return _impact(fields)
    if fields.keys() >= _SETTINGS_KEYS:
        return Settings(fields)
    for kind in NoticeKind:
        if kind in fields and (len(fields) == 1 or "NAME" in fields):
            return Notice(kind)
    version = fields.get("VERSION")
    if isinstance(version, str):
        return Version(version)
    return Command(fields) if fields and all(key.isupper() for key in fields) else None


def settings_of(text: str) -> Settings | None:
    """The settings in the text of an object, whatever was printed among them; None where their main keys are missing."""
    fields = fields_of(text)
    return Settings(fields) if fields.keys() >= _SETTINGS_KEYS else None


def unopened_of(text: str) -> Message | None:
    """The message of text that ends with a brace but begins with none, as some misses do; None for other text."""
    if _SHOT_KEY not in text:
        return None
    message = message_of(text[text.rindex(_SHOT_KEY) :])
    return message if isinstance(message, Miss) else Unlocated()


def line_of(text: str) -> Message | None:
    """The message of a line outside objects; None for a line of the target's log."""
    greeting = _GREETING.fullmatch(text)
    if greeting is not None:
        return Version(greeting[1], is_greeting=True)
    if text.lstrip().startswith(_PROCESSOR):
        return Started()
    return Unlocated() if _SENSOR_FAULT.search(text) else None


def refusal_of(text: str) -> Refusal | None:
    """The refusal that introduces the object after ``text``; None if it introduces none."""
    match = _REFUSAL.search(text)
    return None if match is None else Refusal(match[1])


def opens_settings(text: str) -> bool:
    """Whether the text of an object that is not complete begins as settings do."""
    return _SETTINGS_BEGIN.match(text) is not None


def is_impact(text: str) -> bool:
    """Whether the text belongs to an object of an impact."""
    return _SHOT_KEY in text


def _impact(fields: Mapping[str, Value]) -> Message:
    number, miss = fields.get("shot"), fields.get("miss", 0)
    if not isinstance(number, int) or number < 0:
        return Unlocated()
    if miss == 1:
        return Miss(number)
    x_mm, y_mm = _length(fields, "x"), _length(fields, "y")
    if miss != 0 or x_mm is None or y_mm is None:
        return Unlocated()
    return Shot(number, x_mm, y_mm, is_remapped="real_x" in fields or "real_y" in fields)


def _length(fields: Mapping[str, Value], key: str) -> float | None:
    value = fields.get(key)
    if isinstance(value, str) or value is None or abs(value) > MAX_OFFSET_MM:
        return None
    return float(value)


def _value(match: re.Match[str]) -> Value:
    if match["text"] is not None:
        return match["text"]
    number = match["number"]
    return float(number) if "." in number else int(number)
