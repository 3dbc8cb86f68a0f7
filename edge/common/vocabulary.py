"""Enums that tables, services, commands and page share: results, flags, states and event types of a shot's life.

Each list has this one home. Tests compare it with the schema's CHECK constraints, with the page's list, with the tables in
``docs/shots.md``, and, for the kinds of readings, with the driver contract, which ``edge.common`` may not import.
"""

from __future__ import annotations

from enum import StrEnum


class DeviceKind(StrEnum):
    """The kind of a device (``devices.kind``); the same list as in the driver contract."""

    BOW = "bow"
    ARROW = "arrow"
    TARGET = "target"


class ReadingKind(StrEnum):
    """The kind of event that one reading records (``readings.kind``); the same list as in the driver contract."""

    ENGAGE = "engage"
    RELEASE = "release"
    LANDING = "landing"
    TAGS = "tags"
    PIN = "pin"
    SCAN = "scan"


class ReleaseCause(StrEnum):
    """The reason why an arrow left the string, where the device knows it (``readings.cause``); as in the driver contract."""

    REMOVED = "removed"
    SHOT = "shot"


class SensorOrigin(StrEnum):
    """The point that a target's raw positions count from (``devices.sensor_origin``); as in the driver contract."""

    LOWER_LEFT = "lower_left"
    CENTRE = "centre"


class CalibrationKind(StrEnum):
    """The kind of a calibration (``calibrations.kind``), by its device."""

    TARGET = "target"
    BOW = "bow"
    ARROW = "arrow"


class CalibrationModel(StrEnum):
    """The shape of the map from a target's positions to the butt (``calibrations.model``)."""

    SIMILARITY = "similarity"
    """Translation, rotation and one scale."""
    AFFINE = "affine"
    """Two scales and a shear besides."""


class CalibrationAction(StrEnum):
    """The reason why another calibration became active (``calibration_activations.action``)."""

    ACTIVATE = "activate"
    ROLLBACK = "rollback"


class Result(StrEnum):
    """The outcome of one shot (``shots.result``)."""

    PENDING = "pending"
    HIT = "hit"
    OFF_FACE = "off_face"
    OFF_VIEW = "off_view"
    MISS = "miss"
    UNKNOWN = "unknown"
    NOT_SHOT = "not_shot"
    VOID = "void"


NO_SHOT = frozenset((Result.NOT_SHOT, Result.VOID))
"""Results of rows that are no shot: let-downs, and shots that were voided or superseded."""


class Flag(StrEnum):
    """A remark on one shot (``shots.flags``), each explained in ``docs/shots.md``."""

    NO_ENGAGE = "no_engage"
    LET_DOWN = "let_down"
    LATE = "late"
    CLOCK = "clock"
    TAG_MISMATCH = "tag_mismatch"
    CROSS_READ = "cross_read"
    WRONG_TAG = "wrong_tag"
    RETIRED_ARROW = "retired_arrow"
    SCANNED = "scanned"
    BOUNCE = "bounce"
    PASS_THROUGH = "pass_through"  # noqa: S105  # an arrow that passes through the butt
    CONTACT = "contact"
    DEAD_TIME = "dead_time"
    UNSORTED = "unsorted"
    EXTRA = "extra"
    SAME_SPOT = "same_spot"
    WRONG_FACE = "wrong_face"
    CORRECTED = "corrected"
    SUPERSEDED = "superseded"


NOT_COUNTED = frozenset((Flag.EXTRA, Flag.SAME_SPOT))
"""Flags of shots that keep their value and count in no total."""


class Assignment(StrEnum):
    """How a landing found its release (``shots.assignment``)."""

    ID = "id"
    INFERRED = "inferred"
    MANUAL = "manual"


class TimeSource(StrEnum):
    """The devices that timed a shot (``shots.time_source``)."""

    BOTH = "both"
    BOW = "bow"
    TARGET = "target"


class SlotLetter(StrEnum):
    """An archer's place at a butt (``slots.letter``)."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


class CalledValue(StrEnum):
    """The value of an arrow as it is called on the shooting line (``paper_ends.arrow_values``), the highest first."""

    X = "X"
    TEN = "10"
    NINE = "9"
    EIGHT = "8"
    SEVEN = "7"
    SIX = "6"
    FIVE = "5"
    FOUR = "4"
    THREE = "3"
    TWO = "2"
    ONE = "1"
    MISS = "M"


class UnwatchedCause(StrEnum):
    """The reason why a device is not proven to have worked in an interval, on the certificate of a session."""

    GAP = "gap"
    """It was blind or its events are lost (``device_gaps``)."""
    OFF_LANE = "off_lane"
    """It was not assigned to the lane."""
    NOT_STORED = "not_stored"
    """Its watermark is earlier: what it sensed is not stored."""


class SessionState(StrEnum):
    """The state of a session, derived from ``sessions.is_opened`` and ``sessions.closing_time``."""

    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class EndClosure(StrEnum):
    """The reason why an end closed (``ends.closed_by``)."""

    TAGS = "tags"
    OPERATOR = "operator"
    TIMEOUT = "timeout"
    SESSION = "session"


class CorrectionKind(StrEnum):
    """The kind of one entry of ``corrections``."""

    RESULT = "result"
    RESTORE = "restore"
    ASSIGN = "assign"
    DISMISS = "dismiss"
    REOPEN = "reopen"


class OrphanStatus(StrEnum):
    """The state of a landing without a release (``orphans.status``)."""

    OPEN = "open"
    ASSIGNED = "assigned"
    VOIDED = "voided"


class ReportKind(StrEnum):
    """The kind of a stored report (``quarantine.kind`` and the tag in a spooled row)."""

    READING = "reading"
    START = "start"
    CLOCK = "clock"


class SessionClock(StrEnum):
    """The reason why the times of a session may be wrong."""

    BEHIND = "behind"
    """The wall clock was behind when its boot began, and was not set since."""
    STEPPED = "stepped"
    """The wall clock was stepped after the session was opened; its times are by the earlier clock."""


class BootClock(StrEnum):
    """The wall clock of a host's boot (``host_boots.clock``)."""

    TRUSTED = "trusted"
    BEHIND = "behind"
    """It is before the last instant known of the boot before."""
    CORRECTED = "corrected"
    """It was behind and has been set since."""


class DeviceState(StrEnum):
    """The state of one device (``device_status.state``); ``DEGRADED`` and ``UNKNOWN`` are derived and never stored."""

    STARTING = "starting"
    WAITING = "waiting"
    READY = "ready"
    SILENT = "silent"
    LOST = "lost"
    STOPPED = "stopped"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"


class CommandState(StrEnum):
    """The state of one command to a device (``commands.state``)."""

    PENDING = "pending"
    """No daemon has claimed it yet."""
    RUNNING = "running"
    """The device's daemon has claimed it."""
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"
    """No daemon claimed it in time. It never runs."""
    CANCELLED = "cancelled"
    """An operator ended it. One that was running by then may have had its effect."""


class EventType(StrEnum):
    """The type of one event of the feed (``events.type``)."""

    SHOT_CREATED = "shot.created"
    SHOT_UPDATED = "shot.updated"
    SHOT_VOIDED = "shot.voided"
    SESSION_OPENED = "session.opened"
    SESSION_CLOSED = "session.closed"
    DEVICE_STATUS = "device.status"
    ARROW_PROGRAMMED = "arrow.programmed"
    CALIBRATION_ACTIVATED = "calibration.activated"
    READING_ORPHAN = "reading.orphan"
    COMMAND_UPDATED = "command.updated"
    SESSION_UPDATED = "session.updated"
    """A session has other values, is closing, or was opened again."""
    SESSION_DELETED = "session.deleted"
    END_MARKED = "end.marked"
    """An operator closed the current end."""
    ARROW_CREATED = "arrow.created"
    ARROW_CHANGED = "arrow.changed"
    PAPER_ENTERED = "paper.entered"
    """A second scorer entered an end from paper."""


class ErrorCode(StrEnum):
    """Stable code of an error for programs; the API sends it with each message."""

    REFUSED = "refused"
    """The state of things does not allow it; the message says why."""
    INVALID_VALUE = "invalid_value"
    NO_FIELDS = "no_fields"
    """A change that names nothing to change."""
    NOT_FOUND = "not_found"
    CHANGED_MEANWHILE = "changed_meanwhile"
    """Someone else changed the row since it was read."""
    SESSION_ALREADY_OPEN = "session_already_open"
    SESSION_NOT_OPEN = "session_not_open"
    SESSION_HAS_SHOTS = "session_has_shots"
    TARGET_EXISTS = "target_exists"
    IDENTIFIER_IN_USE = "identifier_in_use"
    ALREADY_EXISTS = "already_exists"
    IN_USE = "in_use"
    """Other rows refer to it, so it is not deleted."""
    DEVICE_FAILED = "device_failed"
    """A device or its daemon did not do what was requested."""
    PENDING = "pending"
    """Accepted, and not done within the time that a request waits."""
    BUSY = "busy"
    """Others use what it needs; nothing was changed, and it may be tried again."""
    DATABASE_AWAY = "database_away"
    AT_CENTRE = "at_centre"
    """The centre of several hubs only shows; changes belong on the hub."""
