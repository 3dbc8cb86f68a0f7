"""Readings into shots: a pure function. The same readings give the same shots, in whatever order they arrive."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge.common.vocabulary import Assignment, Flag, ReadingKind, Result
from edge.shots.assembly.context import SessionContext
from edge.shots.assembly.coverage import Coverage, bows_on_lane, landing_coverage
from edge.shots.assembly.ends import START, End, Seal, TagPresence, find_ends
from edge.shots.assembly.flight import landing_window_s, longest_flight_s
from edge.shots.assembly.let_downs import doubt_misses_before_unread, find_let_downs
from edge.shots.assembly.matching import Unassigned, match
from edge.shots.assembly.model import Arrow, TimedReading
from edge.shots.assembly.nockings import Draft, doubt_tags, find_nockings
from edge.shots.assembly.scoring import Score, ScoredLanding, diameter_of, find_contacts, is_of_bowless_slot
from edge.shots.assembly.seals import find_seals
from edge.shots.assembly.shot import Shot, correct_shot, flag_not_counted, make_shot
from edge.shots.assembly.verdict import doubt_misses_in_dead_time, judge


@dataclass(frozen=True, slots=True)
class Assembly:
    """The shots, ends and orphans of one session."""

    shots: list[Shot]
    times: list[float]
    """Instant of each shot's first reading."""
    ends: list[End]
    orphans: list[TimedReading]
    unsettled: list[float]
    """Instants of the shots and landings that await data, or the end of their waiting: assemble again soon."""
    timed_out: list[float]
    """Instants of the shots and landings that were decided because a device stayed silent: its late data may change them."""
    next_change: float
    """Instant at which time alone may close the open end; infinity without one."""
    seals: list[Seal]
    """Where the readings may be divided: each part gives its own shots, whatever follows."""


def assemble(readings: Iterable[TimedReading], context: SessionContext, after: Seal = START) -> Assembly:
    """Make the session's shots and ends from the lane's readings, or from all of its readings after a seal.

    Releases before the session and just after it become drafts too, so that they explain their own landings, and so do
    landings just before it, so that the session's releases do not take them. They become no shots of this session.
    """
    ordered = sorted(readings, key=lambda r: (r.t, r.key))
    found = find_ends(ordered, context, after)
    ends, presences = found.ends, found.presences
    last = context.closes if context.closes is not None else math.inf
    on_strings = find_nockings(ordered, context)
    drafts = on_strings.drafts
    doubt_tags(on_strings.nockings, presences)
    landings = [
        r
        for r in ordered
        if r.kind is ReadingKind.LANDING
        and r.key.device_id in context.targets
        and context.starts - landing_window_s(context) <= r.t <= last + landing_window_s(context)
    ]
    judged, undecided = _apply_assignments(drafts, landings, context)
    find_let_downs(on_strings, undecided, found, context)
    left = match(drafts, undecided, context)
    doubt_misses_in_dead_time(drafts, [one.landing for one in left], context)
    doubt_misses_before_unread(on_strings, ends)
    alone, orphans, waiting = _without_release(left, context, last)
    own = [d for d in drafts if context.starts <= d.first.t <= last and not context.belongs_to_previous(d.first)]
    times, shots = _shots([*own, *judged, *alone], context, ends, presences)
    unsettled = [t for t, shot in zip(times, shots, strict=True) if shot.result is Result.PENDING]
    unsettled += [landing.t for landing in waiting]
    return Assembly(
        shots,
        times,
        [end for end in ends if end is not after.end],
        orphans,
        unsettled,
        [draft.first.t for draft in (*own, *alone) if _timed_out(draft, context)]
        + [one.landing.t for one in left if one.is_claimed and one.coverage is Coverage.TIMED_OUT],
        found.next_change,
        find_seals(ordered, found.closed, on_strings, min(unsettled, default=math.inf), context),
    )


def _apply_assignments(
    drafts: Sequence[Draft], landings: Sequence[TimedReading], context: SessionContext
) -> tuple[list[Draft], list[TimedReading]]:
    """Assign landings as operators decided.

    Returns the shots that operators made of landings alone, and the landings without a decision.
    """
    by_release = {draft.release.key: draft for draft in drafts if draft.release}
    judged: list[Draft] = []
    undecided: list[TimedReading] = []
    for landing in landings:
        owner = context.corrections.owners.get(landing.key)
        if landing.t < context.starts:
            undecided.append(landing)
        elif context.corrections.is_void(landing.key) or owner == landing.key:
            judged.append(Draft(None, landing=landing, assignment=Assignment.MANUAL))
        elif owner in by_release:
            by_release[owner].assign(landing, Assignment.MANUAL)
        else:
            undecided.append(landing)
    return judged, undecided


def _without_release(
    unassigned: Sequence[Unassigned], context: SessionContext, last: float
) -> tuple[list[Draft], list[TimedReading], list[TimedReading]]:
    """Divide landings that no release explains: shots of archers without a working bow, orphans, and "not yet known"."""
    alone: list[Draft] = []
    orphans: list[TimedReading] = []
    waiting: list[TimedReading] = []
    for one in unassigned:
        landing = one.landing
        if landing.t > last + longest_flight_s(context):
            continue  # it flew after the session
        if landing.t < context.starts or context.belongs_to_previous(landing):
            continue
        if one.waits:
            waiting.append(landing)
            continue
        bows, is_bowless = bows_on_lane(landing, context), is_of_bowless_slot(landing, context)
        if one.is_claimed or (watching_bows(landing, context) and not is_bowless):
            orphans.append(landing)
        elif (
            not bows
            or (is_bowless and all(context.watermarks.get(bow, -math.inf) >= landing.t for bow in bows))
            or context.now - landing.t > context.parameters.give_up_s
        ):
            alone.append(Draft(None, landing=landing, assignment=Assignment.ID if landing.tag else None))
        else:
            waiting.append(landing)
    return alone, orphans, waiting


def _timed_out(draft: Draft, context: SessionContext) -> bool:
    """Whether late data of a silent device may still change the shot."""
    if draft.let_down and not context.targets:
        return False
    if draft.landing is None and draft.release is not None:
        return landing_coverage(draft.release.t, context) is Coverage.TIMED_OUT
    alone = draft.release is None and draft.landing is not None
    return alone and any(
        context.watermarks.get(bow, -math.inf) < draft.first.t for bow in bows_on_lane(draft.first, context)
    )


def watching_bows(landing: TimedReading, context: SessionContext) -> frozenset[str]:
    """The bows on the lane that would have reported the release of a landing's arrow."""
    since = landing.t - landing_window_s(context)
    reported = [b for b in bows_on_lane(landing, context) if context.watermarks.get(b, -math.inf) >= landing.t]
    return frozenset(bow for bow in reported if not context.each_missed_some(frozenset((bow,)), since, landing.t))


def _shots(
    drafts: Sequence[Draft], context: SessionContext, ends: Sequence[End], presences: Sequence[TagPresence]
) -> tuple[list[float], list[Shot]]:
    """Score the drafts, each alone and then beside the others; in order of shooting, with the instant of each."""
    bounced = {presence.landing for presence in presences if presence.bounced}
    scored: list[tuple[Draft, Arrow | None, float, Score]] = []
    for draft in sorted(drafts, key=lambda d: (d.first.t, d.first.key)):
        arrow = _arrow_of(draft, context)
        diameter = diameter_of(arrow, context)
        draft.bounced = draft.landing is not None and draft.landing.key in bounced
        scored.append((draft, arrow, diameter, judge(draft, context, diameter)))
    contacts = find_contacts(
        [ScoredLanding(d.landing, diameter, score) for d, _, diameter, score in scored if d.landing is not None],
        presences,
        ends,
        context,
    )
    shots: list[Shot] = []
    for draft, arrow, diameter, score in scored:
        contact = contacts.get(draft.landing.key) if draft.landing is not None else None
        if contact is not None:
            draft.flags.add(Flag.CONTACT)
        shot = make_shot(draft, arrow, diameter, contact.score if contact is not None else score, context, ends)
        shots.append(correct_shot(shot, context))
    return [draft.first.t for draft, *_ in scored], flag_not_counted(shots, context)


def _arrow_of(draft: Draft, context: SessionContext) -> Arrow | None:
    """The registered arrow of a shot; a doubted tag of a bow identifies none."""
    landed = draft.landing.tag if draft.landing is not None else None
    if landed is None and draft.doubted:
        return None
    return context.arrow_of(draft.tag) if draft.tag is not None else None
