"""Codec of the freETarget protocol: bytes to messages and back, without I/O, clock or logging."""

from drivers.freetarget.codec.fields import fields_of
from drivers.freetarget.codec.frames import MAX_OBJECT, Decoder, split_objects
from drivers.freetarget.codec.messages import (
    Command,
    Counters,
    Message,
    Miss,
    Notice,
    NoticeKind,
    Received,
    Refusal,
    Refused,
    Settings,
    Shot,
    Started,
    Unlocated,
    Value,
    Version,
    encode_command,
)
from drivers.freetarget.codec.printing import Dialect, print_settings, print_shot, print_version

__all__ = [
    "MAX_OBJECT",
    "Command",
    "Counters",
    "Decoder",
    "Dialect",
    "Message",
    "Miss",
    "Notice",
    "NoticeKind",
    "Received",
    "Refusal",
    "Refused",
    "Settings",
    "Shot",
    "Started",
    "Unlocated",
    "Value",
    "Version",
    "encode_command",
    "fields_of",
    "print_settings",
    "print_shot",
    "print_version",
    "split_objects",
]
