"""Let-downs: releases whose arrow was nocked again, and so was not shot.

A release without a landing is a miss or a let-down. A device that was blind may have hidden the difference: the bow the
second nocking, the target the landing or the emptying of the butt between the two. Then the shot is neither, and likewise where
an arrow without a tag was nocked next, which may be the same. A bow that knows that the arrow flew leaves no such doubt.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from edge.common.vocabulary import Flag
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.ends import End, FoundEnds, closing_before, closing_of, opening_of
from edge.shots.assembly.model import TimedReading
from edge.shots.assembly.nockings import Draft, FoundNockings


def find_let_downs(
    on_strings: FoundNockings, landings: Sequence[TimedReading], found: FoundEnds, context: SessionContext
) -> None:
    """Mark the let-downs among the releases without a landing, and the misses that may be one.

    A release is a let-down when its arrow was nocked again at the same bow before the end closed, without a landing in
    between. Also marks releases whose tag appeared at the target without an impact: the arrow passed through, and is no miss.
    """
    nocked = _times((n.engage.key.device_id, n.tag, n.engage.t) for n in on_strings.nockings if not n.doubted)
    read = _times((n.engage.key.device_id, n.tag, n.engage.t) for n in on_strings.nockings)
    landed = _times((None, landing.tag, landing.t) for landing in landings)
    appeared = _times((None, p.tag, p.since) for p in found.presences if p.landing is None)
    events = _events_of(on_strings)
    blind_bows = {interval.device_id for interval in context.blind}
    for draft in on_strings.drafts:
        release, tag, bow = draft.release, draft.read_tag, draft.first.key.device_id
        if release is None or draft.landing is not None:
            continue
        t, closing = release.t, closing_of(found.ends, release.t)
        if draft.is_sure:
            if tag is not None and not draft.doubted and _first_after(appeared[None, tag], t) < closing:
                draft.miss_doubts.add(Flag.PASS_THROUGH)
            continue
        if bow in blind_bows and _nocking_is_hidden(draft, events, found.ends, context):
            draft.miss_doubts.add(Flag.LET_DOWN)
        if tag is None:
            continue
        if draft.doubted:
            if _first_after(read[bow, tag], t) <= closing and _is_unwatched(opening_of(found.ends, t), t, context):
                draft.miss_doubts.add(Flag.LET_DOWN)  # it was pulled unseen, perhaps, and the bow was right
            continue
        renocked = _first_after(nocked[bow, tag], t)
        if _first_after(appeared[None, tag], t) < min(renocked, closing):
            draft.miss_doubts.add(Flag.PASS_THROUGH)
        elif renocked < math.inf and renocked <= min(closing, _first_after(landed[None, tag], t)):
            if _is_unwatched(t, renocked, context):
                draft.miss_doubts.add(Flag.LET_DOWN)
            else:
                draft.let_down = True


def doubt_misses_before_unread(on_strings: FoundNockings, ends: Sequence[End]) -> None:
    """Mark the releases after which the bow nocked an arrow whose tag was not read: it may be the same, after a let-down.

    The landings are assigned by now: one with a tag shows which arrow was nocked.
    """
    unread: dict[str, list[float]] = defaultdict(list)
    landed: dict[tuple[str, str | None], list[float]] = defaultdict(list)
    for nocking in on_strings.nockings:
        if nocking.tag is None:
            bow, t = nocking.engage.key.device_id, nocking.engage.t
            unread[bow].append(t)
            landed[bow, nocking.draft.tag if nocking.draft is not None else None].append(t)
    for draft in on_strings.drafts:
        if draft.release is None or draft.landing is not None or draft.is_sure:
            continue
        t, bow, tag = draft.release.t, draft.first.key.device_id, draft.read_tag
        closing = closing_of(ends, t)
        followers = (unread[bow],) if tag is None else (landed[bow, None], landed[bow, tag])
        if any(_last_until(times, t, closing) > t for times in followers):
            draft.miss_doubts.add(Flag.LET_DOWN)


def _nocking_is_hidden(draft: Draft, events: _BowEvents, ends: Sequence[End], context: SessionContext) -> bool:
    """Whether the bow may have missed the nocking that would show a let-down, or cannot recognise its arrow in it."""
    t, bow = draft.first.t, draft.first.key.device_id
    closing, parameters = closing_of(ends, draft.first.t), context.parameters
    if context.is_blind(bow, t, closing, parameters.shortest_change_s):
        return True  # nocked and released again within one gap
    last = _last_until(events.released[bow], t, closing)
    if last > t and context.is_blind(bow, t, last):
        return True
    if draft.engage is not None or draft.read_tag is not None:
        return False
    since = max(closing_before(ends, t), t - parameters.engage_timeout_s)
    return context.is_blind(bow, since, t) and _last_until(events.nocked[bow], t, closing) > t


class _BowEvents(NamedTuple):
    """Instants of a session's events by bow, each in order."""

    released: Mapping[str, Sequence[float]]
    """Releases whose nocking was not sensed."""
    nocked: Mapping[str, Sequence[float]]


def _events_of(on_strings: FoundNockings) -> _BowEvents:
    released: dict[str, list[float]] = defaultdict(list)
    nocked: dict[str, list[float]] = defaultdict(list)
    for release in on_strings.without_engage:
        released[release.key.device_id].append(release.t)
    for nocking in on_strings.nockings:
        nocked[nocking.engage.key.device_id].append(nocking.engage.t)
    return _BowEvents(released, nocked)


def _last_until(times: Sequence[float], t: float, closing: float) -> float:
    """The last instant after ``t`` up to a closing; ``t`` itself without one."""
    index = bisect_right(times, closing)
    return max(t, times[index - 1]) if index else t


def _is_unwatched(since: float, until: float, context: SessionContext) -> bool:
    """Whether a target missed a part of an interval."""
    return any(context.is_blind(target, since, until) for target in context.targets)


def _times(
    events: Iterable[tuple[str | None, str | None, float]],
) -> Mapping[tuple[str | None, str], list[float]]:
    """The instants of events in order, by device and tag; events without a tag are left out."""
    times: dict[tuple[str | None, str], list[float]] = defaultdict(list)
    for device, tag, t in events:
        if tag is not None:
            times[device, tag].append(t)
    return times


def _first_after(times: Sequence[float], t: float) -> float:
    index = bisect_right(times, t)
    return times[index] if index < len(times) else math.inf
