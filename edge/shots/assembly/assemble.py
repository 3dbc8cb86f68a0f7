"""Readings into shots: a pure function. The same readings give the same shots, whatever the order they came in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from edge.shots.assembly.butt import Stay
from edge.shots.assembly.by_hand import ByHand, by_hand
from edge.shots.assembly.contact import Landed, find_contacts
from edge.shots.assembly.draft import Draft
from edge.shots.assembly.ends import End, find_ends
from edge.shots.assembly.flight import landing_window_s, longest_flight_s
from edge.shots.assembly.let_downs import find_let_downs
from edge.shots.assembly.matching import match
from edge.shots.assembly.model import Arrow, Scene, Sensed
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
    orphans: list[Sensed]
    undecided: bool
    """Time alone may change something: look again in a second."""
    gave_up: bool
    """Something was decided because a device stayed silent; it may be otherwise when the device speaks again."""


def assemble(readings: Iterable[Sensed], scene: Scene) -> Assembly:
    """Make the session's shots and ends of the lane's readings.

    Releases before the session and just after it are made into drafts too, so that they explain their landings, and
    landings just before it, so that its releases do not take what was another's; they are shots of no session, or of the
    one before.
    """
    ordered = sorted(readings, key=lambda r: (r.t, r.key))
    ends, stays = find_ends(ordered, scene)
    last = scene.closes if scene.closes is not None else math.inf
    nockings, drafts = find_nockings(ordered, scene)
    doubt_tags(nockings, stays)
    landings = [
        r
        for r in ordered
        if r.kind == "landing"
        and r.key.device_id in scene.targets
        and scene.starts - landing_window_s(scene) <= r.t <= last + landing_window_s(scene)
    ]
    said = by_hand(scene.corrections)
    chosen, undecided = _choose(drafts, landings, said, scene)
    find_let_downs(drafts, nockings, undecided, stays, ends)
    left = match(drafts, undecided, scene)
    excuse_dead_time(drafts, scene)
    alone, orphans, waiting = _without_release(left, scene, last)
    ours = [d for d in drafts if scene.starts <= d.first.t <= last and not scene.is_of_before(d.first)]
    shots = _shots([*ours, *chosen, *alone], scene, ends, stays, said)
    pending = any(shot.result == "pending" for shot in shots)
    return Assembly(
        shots,
        ends,
        orphans,
        undecided=pending or waiting or any(end.closes is None for end in ends),
        gave_up=any(_was_given_up(draft, scene) for draft in (*ours, *alone)),
    )


def _choose(
    drafts: Sequence[Draft], landings: Sequence[Sensed], said: ByHand, scene: Scene
) -> tuple[list[Draft], list[Sensed]]:
    """Do what persons decided of landings; returns the shots they made of landings alone, and the undecided landings."""
    by_release = {draft.release.key: draft for draft in drafts if draft.release}
    chosen: list[Draft] = []
    undecided: list[Sensed] = []
    for landing in landings:
        owner = said.owners.get(landing.key)
        if landing.t < scene.starts:
            undecided.append(landing)
        elif said.is_void(landing.key) or owner == landing.key:
            chosen.append(Draft(None, landing=landing, assignment="manual"))
        elif owner in by_release:
            by_release[owner].landing, by_release[owner].assignment = landing, "manual"
        else:
            undecided.append(landing)
    return chosen, undecided


def _without_release(landings: Sequence[Sensed], scene: Scene, last: float) -> tuple[list[Draft], list[Sensed], bool]:
    """Landings that no release explains: shots of a lane whose bow was not there, or somebody must look."""
    alone: list[Draft] = []
    orphans: list[Sensed] = []
    waiting = False
    for landing in landings:
        if landing.t > last + longest_flight_s(scene):
            continue  # it flew after the session
        if landing.t < scene.starts or scene.is_of_before(landing):
            continue
        seeing = bows_seeing(landing, scene)
        if seeing:
            orphans.append(landing)
        elif not bows_there(landing, scene) or scene.now - landing.t > scene.parameters.give_up_s:
            alone.append(Draft(None, landing=landing, assignment="id" if landing.tag else None))
        else:
            waiting = True
    return alone, orphans, waiting


def _was_given_up(draft: Draft, scene: Scene) -> bool:
    """Whether a device that is silent could still change what became of it."""
    if draft.let_down:
        return False
    if draft.landing is None and draft.release is not None:
        return watch(draft.release.t, scene) == "gave up"
    alone = draft.release is None and draft.landing is not None
    return alone and any(scene.watermarks.get(bow, -math.inf) < draft.first.t for bow in bows_there(draft.first, scene))


def bows_there(landing: Sensed, scene: Scene) -> frozenset[str]:
    """The bows that were on the lane when this arrow may have been released."""
    return scene.on_lane(scene.bows, landing.t - landing_window_s(scene), landing.t)


def bows_seeing(landing: Sensed, scene: Scene) -> frozenset[str]:
    """The lane's bows that would have told of the release of this arrow."""
    since = landing.t - landing_window_s(scene)
    told = [bow for bow in bows_there(landing, scene) if scene.watermarks.get(bow, -math.inf) >= landing.t]
    return frozenset(bow for bow in told if not scene.saw_nothing(frozenset((bow,)), since, landing.t))


def _shots(
    drafts: Sequence[Draft], scene: Scene, ends: Sequence[End], stays: Sequence[Stay], said: ByHand
) -> list[Shot]:
    """Score the drafts, each alone and then beside the others; in order of shooting."""
    by_tag = {arrow.id.hex: arrow for arrow in scene.arrows.values()}
    bounced = {stay.landing for stay in stays if stay.bounced}
    judged: list[tuple[Draft, Arrow | None, float, Score]] = []
    for draft in sorted(drafts, key=lambda d: (d.first.t, d.first.key)):
        arrow = _arrow(draft, by_tag)
        known = arrow.diameter_mm if arrow is not None else None
        diameter = known or (DIAMETER_INDOORS_MM if scene.is_indoor else DIAMETER_OUTDOORS_MM)
        draft.bounced = draft.landing is not None and draft.landing.key in bounced
        judged.append((draft, arrow, diameter, judge(draft, scene, diameter)))
    contacts = find_contacts(
        [Landed(draft.landing, diameter, score) for draft, _, diameter, score in judged if draft.landing is not None],
        stays,
        ends,
        scene,
    )
    shots: list[Shot] = []
    for draft, arrow, diameter, score in judged:
        contact = contacts.get(draft.landing.key) if draft.landing is not None else None
        if contact is not None:
            draft.flags.add("contact")
        shot = make_shot(draft, arrow, diameter, contact.score if contact is not None else score, scene, ends)
        shots.append(corrected(shot, said))
    return tallied(shots, scene)


def _arrow(draft: Draft, by_tag: Mapping[str, Arrow]) -> Arrow | None:
    """Which arrow it was; a bow's tag that is not believed names none."""
    landed = draft.landing.tag if draft.landing is not None else None
    if landed is None and draft.doubted:
        return None
    return by_tag.get(draft.tag) if draft.tag is not None else None
