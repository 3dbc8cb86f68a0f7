"""The result of each shot: let-downs, hits, misses, and shots that the target cannot decide."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum

from edge.common.vocabulary import Flag, Result
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.ends import End, TagPresence, closing_of
from edge.shots.assembly.flight import landing_window_s
from edge.shots.assembly.model import TimedReading
from edge.shots.assembly.nockings import Draft, Nocking
from edge.shots.assembly.scoring import Score, score_landing


class Coverage(StrEnum):
    """The extent to which the lane's targets watched a landing window."""

    COMPLETE = "complete"
    BLIND = "blind"
    """A target was blind for a part of it."""
    WAITING = "waiting"
    """Not all events of the window are stored yet."""
    TIMED_OUT = "timed out"
    """A target stayed silent until the shot had to be decided."""


def coverage(released: float, context: SessionContext) -> Coverage:
    """The targets' coverage of the landing window of a release."""
    closes = released + landing_window_s(context)
    targets = context.on_lane(context.targets, released, closes)
    if targets and all(context.watermarks.get(t, -math.inf) > closes for t in targets):
        blind = any(context.each_missed_some(frozenset((t,)), released, closes) for t in targets)
        return Coverage.BLIND if blind else Coverage.COMPLETE
    return Coverage.TIMED_OUT if context.now > closes + context.parameters.give_up_s else Coverage.WAITING


def judge(draft: Draft, context: SessionContext, diameter_mm: float) -> Score:
    """The score of one shot by itself; may add flags to the draft."""
    if draft.let_down:
        draft.flags.add(Flag.LET_DOWN)
        return Score(Result.NOT_SHOT, None)
    landing, release = draft.landing, draft.release
    if landing is not None:
        position = landing.position
        if position is None:
            return Score(Result.UNKNOWN, None)
        if context.target is None:
            return Score(Result.HIT, None)
        return score_landing(*position, diameter_mm, context.target, context.parameters)
    if release is None:
        return Score(Result.UNKNOWN, None)
    covered = coverage(release.t, context)
    if covered is Coverage.WAITING:
        return Score(Result.PENDING, None)
    if covered is Coverage.COMPLETE and not draft.miss_doubts:
        return Score(Result.MISS, 0)
    draft.flags |= draft.miss_doubts
    return Score(Result.UNKNOWN, None)


def doubt_misses_in_dead_time(drafts: Sequence[Draft], context: SessionContext) -> None:
    """Mark releases beside a shot that landed: the target may have detected two arrows as one landing."""
    dead = context.parameters.dead_time_s
    landed = sorted(d.release.t for d in drafts if d.release is not None and d.landing is not None)
    for draft in drafts:
        if draft.release is None or draft.landing is not None:
            continue
        t = draft.release.t
        if bisect_left(landed, t - dead) < bisect_right(landed, t + dead):
            draft.miss_doubts.add(Flag.DEAD_TIME)


def find_let_downs(
    drafts: Sequence[Draft],
    nockings: Sequence[Nocking],
    landings: Sequence[TimedReading],
    presences: Sequence[TagPresence],
    ends: Sequence[End],
) -> None:
    """Mark releases whose arrow was nocked again at the same bow before the end closed, without a landing in between.

    Also marks releases whose tag appeared at the target without an impact: such an arrow passed through and is no miss.
    """
    nocked: dict[tuple[str, str], list[float]] = defaultdict(list)
    for nocking in nockings:
        if nocking.engage.tag is not None and not nocking.doubted:
            nocked[nocking.engage.key.device_id, nocking.engage.tag].append(nocking.engage.t)
    landed: dict[str, list[float]] = defaultdict(list)
    for landing in landings:
        if landing.tag is not None:
            landed[landing.tag].append(landing.t)
    appeared: dict[str, list[float]] = defaultdict(list)
    for presence in presences:
        if presence.landing is None:
            appeared[presence.tag].append(presence.since)
    for draft in drafts:
        release, tag = draft.release, draft.read_tag
        if release is None or tag is None or draft.landing is not None or draft.doubted:
            continue
        closing = closing_of(ends, release.t)
        renocked = _first_after(nocked[release.key.device_id, tag], release.t)
        if _first_after(appeared[tag], release.t) < min(renocked, closing):
            draft.miss_doubts.add(Flag.PASS_THROUGH)
        elif renocked <= closing and renocked <= _first_after(landed[tag], release.t):
            draft.let_down = renocked < math.inf


def _first_after(times: Sequence[float], t: float) -> float:
    index = bisect_right(times, t)
    return times[index] if index < len(times) else math.inf
