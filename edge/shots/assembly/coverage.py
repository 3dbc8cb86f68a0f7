"""Coverage: whether the devices of a lane would have reported the event that decides a shot."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from edge.common.vocabulary import UnwatchedCause
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.flight import landing_window_s, unseen_release_between
from edge.shots.assembly.model import TimedReading
from edge.shots.assembly.timeline import LaneAssignment


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


@dataclass(frozen=True, slots=True)
class Watch:
    """An interval in which a device is proven to have worked, or is not; seconds on the session's axis."""

    since: float
    until: float
    causes: frozenset[UnwatchedCause] = frozenset()
    """Why it is not proven; empty where it is."""


def device_watch(device: str, since: float, until: float, context: SessionContext) -> list[Watch]:
    """An interval cut into the parts in which a device is proven to have worked and those in which it is not, in their order.

    It is proven where the device is on the lane, blind at no time, and all its events are stored: the landing window of a release
    has complete coverage exactly where it lies in one such part of each target of the lane.
    """
    assignments = context.assignments.get(device, (LaneAssignment(),))
    blind = [b for b in context.blind if b.device_id == device]
    stored = context.watermarks.get(device, -math.inf)
    cuts = [t for a in assignments for t in (a.since, a.until)] + [t for b in blind for t in (b.since, b.until)]
    times = sorted({since, until, *(t for t in (*cuts, stored) if since < t < until)})
    parts = []
    for start, end in pairwise(times):
        middle = (start + end) / 2
        causes: set[UnwatchedCause] = set()
        if not any(a.since <= middle < a.until for a in assignments):
            causes.add(UnwatchedCause.OFF_LANE)
        if any(b.since < middle < b.until for b in blind):
            causes.add(UnwatchedCause.GAP)
        if middle > stored:
            causes.add(UnwatchedCause.NOT_STORED)
        parts.append(Watch(start, end, frozenset(causes)))
    instants = {b.since for b in blind if b.since == b.until}
    return _merged(parts, {a.since for a in assignments} | instants)


def _merged(parts: Iterable[Watch], divided: set[float]) -> list[Watch]:
    """Neighbours of the same kind as one, unless the device came to the lane anew or was blind for an instant between them."""
    merged: list[Watch] = []
    for part in parts:
        if merged and merged[-1].causes == part.causes and part.since not in divided:
            merged[-1] = Watch(merged[-1].since, part.until, part.causes)
        else:
            merged.append(part)
    return merged
