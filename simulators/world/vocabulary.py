"""The words of the simulated range: results of a release, kinds of events, types of bows.

Their one home on this side of the wire: the world imports nothing but the standard library. A test compares them with the
driver contract and with the edge's vocabulary.
"""

from __future__ import annotations

from enum import StrEnum


class Result(StrEnum):
    """The true outcome of one release."""

    HIT = "hit"
    """In a scoring zone of the face."""
    OFF_FACE = "off_face"
    """In the butt beside the face."""
    MISS = "miss"
    """Not in the butt."""
    NOT_SHOT = "not_shot"
    """Let down: the arrow left the string without flying."""


LANDED = frozenset((Result.HIT, Result.OFF_FACE))
"""Results of arrows that are in the butt."""


class EventKind(StrEnum):
    """The kind of one event on a lane. All but ``PULLED`` are reading kinds of the driver contract."""

    ENGAGE = "engage"
    RELEASE = "release"
    LANDING = "landing"
    PIN = "pin"
    """A calibration probe is pressed on the butt. The world never does; an operator may."""
    PULLED = "pulled"
    """The archer empties the butt; a target reports it as an empty set of tags."""


class BowType(StrEnum):
    """The type of an archer's bow."""

    RECURVE = "recurve"
    COMPOUND = "compound"
    BAREBOW = "barebow"
    LONGBOW = "longbow"
