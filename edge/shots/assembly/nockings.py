"""What the bows tell: arrows put on a string, and released. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge.shots.assembly.butt import TagPresence
from edge.shots.assembly.draft import Draft
from edge.shots.assembly.model import SessionContext, TimedReading


@dataclass(slots=True)
class Nocking:
    """An arrow on a string."""

    engage: TimedReading
    until: float
    """When it left the string, or another was nocked, or it was given up."""
    draft: Draft | None = None
    """The shot it became."""
    doubted: bool = False
    """The tag may be another arrow's."""

    def doubt(self, flag: str) -> None:
        """Do not trust its tag, and say why."""
        self.doubted = True
        if self.draft is not None:
            self.draft.doubted = True
            self.draft.flags.add(flag)


def find_nockings(readings: Iterable[TimedReading], context: SessionContext) -> tuple[list[Nocking], list[Draft]]:
    """One draft a release, each with the engage it ends; readings in order of time."""
    on_string: dict[str, Nocking] = {}
    nockings: list[Nocking] = []
    drafts: list[Draft] = []
    for reading in readings:
        bow = reading.key.device_id
        if bow not in context.bows:
            continue
        if reading.kind == "engage":
            before = on_string.get(bow)
            if before is not None and _is_repeat(before.engage, reading, context):
                continue
            if before is not None:
                before.until = min(before.until, reading.t)
            on_string[bow] = Nocking(reading, reading.t + context.parameters.engage_timeout_s)
            nockings.append(on_string[bow])
        elif reading.kind == "release":
            nocked = on_string.pop(bow, None)
            if nocked is not None:
                nocked.until = min(nocked.until, reading.t)
            if reading.cause == "removed":
                continue
            draft = Draft(reading)
            if nocked is not None and _belongs(nocked.engage, reading, context):
                draft.engage, nocked.draft = nocked.engage, draft
            else:
                draft.flags.add("no_engage")
            drafts.append(draft)
    return nockings, drafts


def expired_nockings(readings: Iterable[TimedReading], context: SessionContext) -> list[Nocking]:
    """Arrows of the session that were nocked, and of which the bow told nothing more until they were given up.

    Only those whose whole time-out lies in the session: what a bow tells after the closing is none of its readings.
    """
    over = min(context.now, math.inf if context.closes is None else context.closes)
    nockings, _ = find_nockings(sorted(readings, key=lambda r: (r.t, r.key)), context)
    patience = context.parameters.engage_timeout_s
    return [
        n for n in nockings if n.engage.t >= context.starts and n.until == n.engage.t + patience and n.until <= over
    ]


def doubt_tags(nockings: Sequence[Nocking], stays: Sequence[TagPresence]) -> None:
    """Find tags that the bow's reader took from another arrow: one at a neighbour's bow, or one in the butt."""
    by_tag: dict[str, list[Nocking]] = defaultdict(list)
    for nocking in nockings:
        if nocking.engage.tag is not None:
            by_tag[nocking.engage.tag].append(nocking)
    for same in by_tag.values():
        for place, one in enumerate(same):
            for other in same[place + 1 :]:
                if other.engage.t >= one.until:
                    break
                if one.engage.key.device_id != other.engage.key.device_id:
                    _doubt_weaker(one, other)
    for stay in stays:
        same = by_tag.get(stay.tag, [])
        for nocking in same[bisect_left(same, stay.since, key=lambda n: n.engage.t) :]:
            if stay.until is not None and nocking.engage.t >= stay.until:
                break
            nocking.doubt("wrong_tag")


def _doubt_weaker(one: Nocking, other: Nocking) -> None:
    """An arrow is on one string only: the stronger reading is believed, and neither where they are alike."""
    strengths = (one.engage.rssi, other.engage.rssi)
    if strengths[0] is None or strengths[1] is None or strengths[0] == strengths[1]:
        weaker = [one, other]
    else:
        weaker = [one if strengths[0] < strengths[1] else other]
    for nocking in weaker:
        nocking.doubt("cross_read")


def _is_repeat(before: TimedReading, engage: TimedReading, context: SessionContext) -> bool:
    return before.tag == engage.tag and engage.t - before.t <= context.parameters.merge_engage_s


def _belongs(engage: TimedReading, release: TimedReading, context: SessionContext) -> bool:
    same = engage.tag is None or release.tag is None or engage.tag == release.tag
    return same and release.t - engage.t <= context.parameters.engage_timeout_s
