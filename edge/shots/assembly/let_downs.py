"""Arrows that left the string and never flew. Pure."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence

from edge.shots.assembly.butt import TagPresence
from edge.shots.assembly.draft import Draft
from edge.shots.assembly.ends import End, closing_of
from edge.shots.assembly.model import TimedReading
from edge.shots.assembly.nockings import Nocking


def find_let_downs(
    drafts: Sequence[Draft],
    nockings: Sequence[Nocking],
    landings: Sequence[TimedReading],
    stays: Sequence[TagPresence],
    ends: Sequence[End],
) -> None:
    """Mark releases whose arrow was nocked again at the same bow before the end closed, and was not at the target between.

    Also marks those whose tag was seen at the target without an impact: such an arrow went through, and missed nothing.
    """
    again: dict[tuple[str, str], list[float]] = defaultdict(list)
    for nocking in nockings:
        if nocking.engage.tag is not None and not nocking.doubted:
            again[nocking.engage.key.device_id, nocking.engage.tag].append(nocking.engage.t)
    landed: dict[str, list[float]] = defaultdict(list)
    for landing in landings:
        if landing.tag is not None:
            landed[landing.tag].append(landing.t)
    appeared: dict[str, list[float]] = defaultdict(list)
    for stay in stays:
        if stay.landing is None:
            appeared[stay.tag].append(stay.since)
    for draft in drafts:
        release, tag = draft.release, draft.read_tag
        if release is None or tag is None or draft.landing is not None or draft.doubted:
            continue
        closing = closing_of(ends, release.t)
        renocked = _first_after(again[release.key.device_id, tag], release.t)
        if _first_after(appeared[tag], release.t) < min(renocked, closing):
            draft.no_miss.add("pass_through")
        elif renocked <= closing and renocked <= _first_after(landed[tag], release.t):
            draft.let_down = renocked < math.inf


def _first_after(times: Sequence[float], t: float) -> float:
    place = bisect_right(times, t)
    return times[place] if place < len(times) else math.inf
