"""Everything that operators write and look up: sessions, corrections, orphans, quarantine, rebuilds, backups.

No typer, no Starlette, no printing: the command line and an HTTP API call the same functions. Each takes a connection and
values, returns dataclasses, and raises CommandError or ConfigError. Names are loaded when they are used, so that a service
that corrects shots loads no backup.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.operator.backup import back_up, restore
    from edge.operator.butt.layout import FacePlace, FaceRequest, faces_on_butt, parse_face
    from edge.operator.butt.slots import NewSlot, parse_slots
    from edge.operator.commands import DeviceCommand, cancel_command, find_command, list_commands, run_command
    from edge.operator.corrections import ScoreCorrection, correct_shot, corrections_of, parse_result, restore_shot
    from edge.operator.database import create_database, database_status, prune_events
    from edge.operator.device_settings import change_settings, read_settings
    from edge.operator.devices import DeviceSummary, find_device, list_devices
    from edge.operator.explanation import ExplainedOrphan, ExplainedShot, explain_reference
    from edge.operator.opening import NewSession, open_sessions, rules_of
    from edge.operator.orphans import Orphan, assign_orphan, find_orphan, list_orphans, reopen_orphan, void_orphan
    from edge.operator.quarantine import QuarantineEntry, list_quarantine, settle_quarantine
    from edge.operator.rebuilds import RebuildResult, await_rebuild, rebuild_session, request_rebuild
    from edge.operator.sessions import SessionSummary, await_closes, list_sessions, mark_end, request_closes
    from edge.operator.shots import ShotSummary, find_session, find_shot, list_shots
    from edge.operator.statistics import StatisticsState, read_statistics, statistics_facts

_NAMES = {
    "backup": ("back_up", "restore"),
    "commands": ("DeviceCommand", "cancel_command", "find_command", "list_commands", "run_command"),
    "corrections": ("ScoreCorrection", "correct_shot", "corrections_of", "parse_result", "restore_shot"),
    "database": ("create_database", "database_status", "prune_events"),
    "device_settings": ("change_settings", "read_settings"),
    "devices": ("DeviceSummary", "find_device", "list_devices"),
    "explanation": ("ExplainedOrphan", "ExplainedShot", "explain_reference"),
    "butt.layout": ("FacePlace", "FaceRequest", "faces_on_butt", "parse_face"),
    "opening": ("NewSession", "open_sessions", "rules_of"),
    "orphans": ("Orphan", "assign_orphan", "find_orphan", "list_orphans", "reopen_orphan", "void_orphan"),
    "quarantine": ("QuarantineEntry", "list_quarantine", "settle_quarantine"),
    "rebuilds": ("RebuildResult", "await_rebuild", "rebuild_session", "request_rebuild"),
    "sessions": ("SessionSummary", "await_closes", "list_sessions", "mark_end", "request_closes"),
    "shots": ("ShotSummary", "find_session", "find_shot", "list_shots"),
    "butt.slots": ("NewSlot", "parse_slots"),
    "statistics": ("StatisticsState", "read_statistics", "statistics_facts"),
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [
    "DeviceCommand",
    "DeviceSummary",
    "ExplainedOrphan",
    "ExplainedShot",
    "FacePlace",
    "FaceRequest",
    "NewSession",
    "NewSlot",
    "Orphan",
    "QuarantineEntry",
    "RebuildResult",
    "ScoreCorrection",
    "SessionSummary",
    "ShotSummary",
    "StatisticsState",
    "assign_orphan",
    "await_closes",
    "await_rebuild",
    "back_up",
    "cancel_command",
    "change_settings",
    "correct_shot",
    "corrections_of",
    "create_database",
    "database_status",
    "explain_reference",
    "faces_on_butt",
    "find_command",
    "find_device",
    "find_orphan",
    "find_session",
    "find_shot",
    "list_commands",
    "list_devices",
    "list_orphans",
    "list_quarantine",
    "list_sessions",
    "list_shots",
    "mark_end",
    "open_sessions",
    "parse_face",
    "parse_result",
    "parse_slots",
    "prune_events",
    "read_settings",
    "read_statistics",
    "rebuild_session",
    "reopen_orphan",
    "request_closes",
    "request_rebuild",
    "restore",
    "restore_shot",
    "rules_of",
    "run_command",
    "settle_quarantine",
    "statistics_facts",
    "void_orphan",
]


def __getattr__(name: str) -> object:
    """Load a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
