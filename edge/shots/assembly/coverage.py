"""Coverage: whether the devices of a lane would have reported the event that decides a shot."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum

from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.flight import landing_window_s, unseen_release_between
from edge.shots.assembly.model import TimedReading


class Coverage(StrEnum):
    """The extent to which the lane's targets or bows watched an interval."""

    COMPLETE = "complete"
    BLIND = "blind"
    """A device was blind for a part of it."""
    WAITING = "waiting"
    """Not all events of the interval are stored yet."""
    TIMED_OUT = "timed out"
    """A device stayed silent until the shot had to be decided."""


def landing_coverage(released: float, context: SessionContext) -> Coverage:
    """The targets' coverage of the landing window of a release."""
    closes = released + landing_window_s(context)
    targets = context.on_lane(context.targets, released, closes)
    if targets and all(context.watermarks.get(t, -math.inf) > closes for t in targets):
        blind = any(context.each_missed_some(frozenset((t,)), released, closes) for t in targets)
        return Coverage.BLIND if blind else Coverage.COMPLETE
    return Coverage.TIMED_OUT if context.now > closes + context.parameters.give_up_s else Coverage.WAITING


def release_coverage(landing: TimedReading, context: SessionContext) -> Coverage:
    """The bows' coverage of the interval in which the arrow of a landing was released.

    Only where it is complete have the known releases alone launched the landing's arrow.
    """
    since, until = unseen_release_between(landing, context)
    bows = context.on_lane(context.bows, since, until)
    if any(context.each_missed_some(frozenset((bow,)), since, until) for bow in bows):
        return Coverage.BLIND
    if all(_is_stored(context.watermarks, bow, until) for bow in bows):
        return Coverage.COMPLETE
    return Coverage.TIMED_OUT if context.now > landing.t + context.parameters.give_up_s else Coverage.WAITING


def _is_stored(watermarks: Mapping[str, float], device: str, t: float) -> bool:
    return watermarks.get(device, -math.inf) >= t


def bows_on_lane(landing: TimedReading, context: SessionContext) -> frozenset[str]:
    """The bows that were on the lane when the arrow of a landing may have been released."""
    return context.on_lane(context.bows, landing.t - landing_window_s(context), landing.t)
