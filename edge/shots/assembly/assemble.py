"""Readings into shots: a pure function. The same readings give the same shots, whatever the order they came in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from edge.shots.assembly.butt import TagPresence
from edge.shots.assembly.by_hand import CorrectionSet, by_hand
from edge.shots.assembly.contact import Landed, find_contacts
from edge.shots.assembly.draft import Draft
from edge.shots.assembly.ends import End, find_ends
from edge.shots.assembly.flight import landing_window_s, longest_flight_s
from edge.shots.assembly.let_downs import find_let_downs
from edge.shots.assembly.matching import match
from edge.shots.assembly.model import Arrow, SessionContext, TimedReading
from edge.shots.assembly.nockings import doubt_tags, find_nockings
from edge.shots.assembly.scoring import DIAMETER_INDOORS_MM, DIAMETER_OUTDOORS_MM, Score
from edge.shots.assembly.shot import Shot, corrected, make_shot, shot_id
from edge.shots.assembly.tally import tallied
from edge.shots.assembly.verdict import excuse_dead_time, judge, watch

__all__ = ["Assembly", "Shot", "assemble", "shot_id"]


@dataclass(frozen=True, slots=True)
class Assembly:
    """Everything that a session's readings say."""

    shots: list[Shot]
    ends: list[End]
    orphans: list[TimedReading]
    undecided: bool
    """Time alone may change something: look again in a second."""
    gave_up: bool
    """Something was decided because a device stayed silent; it may be otherwise when the device speaks again."""


def assemble(readings: Iterable[TimedReading], context: SessionContext) -> Assembly:
    """Make the session's shots and ends of the lane's readings.

    Releases before the session and just after it are made into drafts too, so that they explain their landings, and
    landings just before it, so that its releases do not take what was another's; they are shots of no session, or of the
    one before.
    """
    ordered = sorted(readings, key=lambda r: (r.t, r.key))
    ends, stays = find_ends(ordered, context)
    last = context.closes if context.closes is not None else math.inf
    nockings, drafts = find_nockings(ordered, context)
    doubt_tags(nockings, stays)
    landings = [
        r
        for r in ordered
        if r.kind == "landing"
        and r.key.device_id in context.targets
        and context.starts - landing_window_s(context) <= r.t <= last + landing_window_s(context)
    ]
    said = by_hand(context.corrections)
    chosen, undecided = _choose(drafts, landings, said, context)
    find_let_downs(drafts, nockings, undecided, stays, ends)
    left = match(drafts, undecided, context)
    excuse_dead_time(drafts, context)
    alone, orphans, waiting = _without_release(left, context, last)
    ours = [d for d in drafts if context.starts <= d.first.t <= last and not context.is_of_before(d.first)]
    shots = _shots([*ours, *chosen, *alone], context, ends, stays, said)
    pending = any(shot.result == "pending" for shot in shots)
    return Assembly(
        shots,
        ends,
        orphans,
        undecided=pending or waiting or any(end.closes is None for end in ends),
        gave_up=any(_was_given_up(draft, context) for draft in (*ours, *alone)),
    )


def _choose(
    drafts: Sequence[Draft], landings: Sequence[TimedReading], said: CorrectionSet, context: SessionContext
) -> tuple[list[Draft], list[TimedReading]]:
    """Do what persons decided of landings; returns the shots they made of landings alone, and the undecided landings."""
    by_release = {draft.release.key: draft for draft in drafts if draft.release}
    chosen: list[Draft] = []
    undecided: list[TimedReading] = []
    for landing in landings:
        owner = said.owners.get(landing.key)
        if landing.t < context.starts:
            undecided.append(landing)
        elif said.is_void(landing.key) or owner == landing.key:
            chosen.append(Draft(None, landing=landing, assignment="manual"))
        elif owner in by_release:
            by_release[owner].landing, by_release[owner].assignment = landing, "manual"
        else:
            undecided.append(landing)
    return chosen, undecided


def _without_release(
    landings: Sequence[TimedReading], context: SessionContext, last: float
) -> tuple[list[Draft], list[TimedReading], bool]:
    """Landings that no release explains: shots of a lane whose bow was not there, or somebody must look."""
    alone: list[Draft] = []
    orphans: list[TimedReading] = []
    waiting = False
    for landing in landings:
        if landing.t > last + longest_flight_s(context):
            continue  # it flew after the session
        if landing.t < context.starts or context.is_of_before(landing):
            continue
        seeing = bows_seeing(landing, context)
        if seeing:
            orphans.append(landing)
        elif not bows_there(landing, context) or context.now - landing.t > context.parameters.give_up_s:
            alone.append(Draft(None, landing=landing, assignment="id" if landing.tag else None))
        else:
            waiting = True
    return alone, orphans, waiting


def _was_given_up(draft: Draft, context: SessionContext) -> bool:
    """Whether a device that is silent could still change what became of it."""
    if draft.let_down:
        return False
    if draft.landing is None and draft.release is not None:
        return watch(draft.release.t, context) == "gave up"
    alone = draft.release is None and draft.landing is not None
    return alone and any(
        context.watermarks.get(bow, -math.inf) < draft.first.t for bow in bows_there(draft.first, context)
    )


def bows_there(landing: TimedReading, context: SessionContext) -> frozenset[str]:
    """The bows that were on the lane when this arrow may have been released."""
    return context.on_lane(context.bows, landing.t - landing_window_s(context), landing.t)


def bows_seeing(landing: TimedReading, context: SessionContext) -> frozenset[str]:
    """The lane's bows that would have told of the release of this arrow."""
    since = landing.t - landing_window_s(context)
    told = [bow for bow in bows_there(landing, context) if context.watermarks.get(bow, -math.inf) >= landing.t]
    return frozenset(bow for bow in told if not context.saw_nothing(frozenset((bow,)), since, landing.t))


def _shots(
    drafts: Sequence[Draft],
    context: SessionContext,
    ends: Sequence[End],
    stays: Sequence[TagPresence],
    said: CorrectionSet,
) -> list[Shot]:
    """Score the drafts, each alone and then beside the others; in order of shooting."""
    by_tag = {arrow.id.hex: arrow for arrow in context.arrows.values()}
    bounced = {stay.landing for stay in stays if stay.bounced}
    judged: list[tuple[Draft, Arrow | None, float, Score]] = []
    for draft in sorted(drafts, key=lambda d: (d.first.t, d.first.key)):
        arrow = _arrow(draft, by_tag)
        known = arrow.diameter_mm if arrow is not None else None
        diameter = known or (DIAMETER_INDOORS_MM if context.is_indoor else DIAMETER_OUTDOORS_MM)
        draft.bounced = draft.landing is not None and draft.landing.key in bounced
        judged.append((draft, arrow, diameter, judge(draft, context, diameter)))
    contacts = find_contacts(
        [Landed(draft.landing, diameter, score) for draft, _, diameter, score in judged if draft.landing is not None],
        stays,
        ends,
        context,
    )
    shots: list[Shot] = []
    for draft, arrow, diameter, score in judged:
        contact = contacts.get(draft.landing.key) if draft.landing is not None else None
        if contact is not None:
            draft.flags.add("contact")
        shot = make_shot(draft, arrow, diameter, contact.score if contact is not None else score, context, ends)
        shots.append(corrected(shot, said))
    return tallied(shots, context)


def _arrow(draft: Draft, by_tag: Mapping[str, Arrow]) -> Arrow | None:
    """Which arrow it was; a bow's tag that is not believed names none."""
    landed = draft.landing.tag if draft.landing is not None else None
    if landed is None and draft.doubted:
        return None
    return by_tag.get(draft.tag) if draft.tag is not None else None
