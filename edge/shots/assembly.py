"""Readings into shots: a pure function. The same readings give the same shots, whatever the order they came in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID, uuid5

from edge.shots.by_hand import ByHand, by_hand
from edge.shots.ends import End, end_at, find_ends
from edge.shots.matching import Assignment, Draft, clock_error_s, flight_is_possible, match
from edge.shots.parameters import RULE_VERSION
from edge.shots.scoring import DIAMETER_INDOORS_MM, DIAMETER_OUTDOORS_MM, Score, score_landing
from edge.shots.sensed import Key, Scene, Sensed

FAR = datetime.max.replace(tzinfo=UTC)
SHOT_NAMESPACE = UUID("7d0b7a52-0f43-5b0e-8c4e-3a0a4c9d2f11")


@dataclass(frozen=True, slots=True)
class Shot:
    """One shot as it now looks. Field names are the columns of ``shots``."""

    id: UUID
    end_number: int | None
    arrow_id: UUID | None
    arrow_tag: str | None
    arrow_engage_time: datetime | None
    arrow_disengage_time: datetime | None
    arrow_landing_time: datetime | None
    x: float | None
    y: float | None
    result: str
    points: int | None
    is_x: bool
    face_id: UUID | None
    face_version: int | None
    rule_version: int
    line_margin_mm: float | None
    line_call: bool
    diameter_mm: float | None
    diameter_assumed: bool
    assignment: Assignment | None
    time_source: str
    tof_s: float | None
    speed_mps: float | None
    flags: tuple[str, ...]
    void_reason: str | None
    release: Key | None
    landing: Key | None


@dataclass(frozen=True, slots=True)
class Assembly:
    """Everything that a session's readings say."""

    shots: list[Shot]
    ends: list[End]
    orphans: list[Sensed]
    undecided: bool
    """Time alone may change something: look again in a second."""


def shot_id(key: Key) -> UUID:
    """The shot made of this release, or of this landing without one, for ever."""
    return uuid5(SHOT_NAMESPACE, f"{key.device_id}/{key.stream_id}/{key.seq}")


def assemble(readings: Iterable[Sensed], scene: Scene) -> Assembly:
    """Make the session's shots and ends of the lane's readings."""
    ordered = sorted(readings, key=lambda r: (r.t, r.key))
    ends = find_ends(ordered, scene)
    last = scene.closes if scene.closes is not None else float("inf")
    window = scene.parameters.landing_window_s(scene.distance_m or 0.0)
    drafts = _drafts([r for r in ordered if scene.starts <= r.t <= last], scene)
    landings = [
        r
        for r in ordered
        if r.kind == "landing" and r.key.device_id in scene.targets and scene.starts <= r.t <= last + window
    ]
    said = by_hand(scene.corrections)
    chosen, open_landings = _choose(drafts, landings, said)
    _find_let_downs([d for d in drafts if d.landing is None], ordered, open_landings, scene, ends)
    left = match(drafts, open_landings, scene)
    alone, orphans, waiting = _without_release(left, scene, last)
    shots = [_corrected(_shot(draft, scene, ends), said) for draft in [*drafts, *chosen, *alone]]
    shots.sort(key=lambda s: (s.arrow_disengage_time or s.arrow_landing_time or FAR, s.id))
    pending = any(shot.result == "pending" for shot in shots)
    return Assembly(shots, ends, orphans, undecided=pending or waiting or any(end.closes is None for end in ends))


def _choose(drafts: Sequence[Draft], landings: Sequence[Sensed], said: ByHand) -> tuple[list[Draft], list[Sensed]]:
    """Do what persons decided of landings; returns the shots they made of landings alone, and the undecided landings."""
    by_release = {draft.release.key: draft for draft in drafts if draft.release}
    chosen: list[Draft] = []
    undecided: list[Sensed] = []
    for landing in landings:
        owner = said.owners.get(landing.key)
        if said.is_void(landing.key) or owner == landing.key:
            chosen.append(Draft(None, landing=landing, assignment="manual"))
        elif owner in by_release:
            by_release[owner].landing, by_release[owner].assignment = landing, "manual"
        else:
            undecided.append(landing)
    return chosen, undecided


def _drafts(readings: Sequence[Sensed], scene: Scene) -> list[Draft]:
    """One draft a release, each with the engage it ends."""
    nocked: dict[str, Sensed] = {}
    drafts: list[Draft] = []
    for reading in readings:
        bow = reading.key.device_id
        if bow not in scene.bows:
            continue
        if reading.kind == "engage":
            before = nocked.get(bow)
            repeated = (
                before is not None
                and before.tag == reading.tag
                and reading.t - before.t <= scene.parameters.merge_engage_s
            )
            if not repeated:
                nocked[bow] = reading
        elif reading.kind == "release":
            engage = nocked.pop(bow, None)
            if reading.cause == "removed":
                continue
            draft = Draft(reading)
            if engage is not None and _belongs(engage, reading, scene):
                draft.engage = engage
            else:
                draft.flags.add("no_engage")
            drafts.append(draft)
    return drafts


def _belongs(engage: Sensed, release: Sensed, scene: Scene) -> bool:
    same = engage.tag is None or release.tag is None or engage.tag == release.tag
    return same and release.t - engage.t <= scene.parameters.engage_timeout_s


def _find_let_downs(
    drafts: Sequence[Draft], readings: Sequence[Sensed], landings: Sequence[Sensed], scene: Scene, ends: Sequence[End]
) -> None:
    """An arrow that is nocked again before the end closes never flew."""
    engages: dict[tuple[str, str], list[Sensed]] = defaultdict(list)
    landed: dict[str, list[float]] = defaultdict(list)
    for reading in readings:
        if reading.kind == "engage" and reading.tag is not None and reading.key.device_id in scene.bows:
            engages[reading.key.device_id, reading.tag].append(reading)
    for landing in landings:
        if landing.tag is not None:
            landed[landing.tag].append(landing.t)
    for draft in drafts:
        release, tag = draft.release, draft.released_tag
        if release is None or tag is None:
            continue
        again = next((e for e in engages[release.key.device_id, tag] if e.t > release.t), None)
        if again is None or end_at(ends, again.t) != end_at(ends, release.t):
            continue
        if not any(release.t < t < again.t for t in landed[tag]):
            draft.let_down = True
            draft.flags.add("let_down")


def _without_release(landings: Sequence[Sensed], scene: Scene, last: float) -> tuple[list[Draft], list[Sensed], bool]:
    """Landings that no release explains: shots of a lane whose bow was not there, or somebody must look."""
    alone: list[Draft] = []
    orphans: list[Sensed] = []
    waiting = False
    for landing in landings:
        if landing.t > last:
            continue
        covered = [bow for bow in scene.bows if scene.watermarks.get(bow, float("-inf")) >= landing.t]
        seeing = [
            b for b in covered if not scene.saw_nothing(frozenset((b,)), landing.t - _longest_flight(scene), landing.t)
        ]
        if not scene.bows or (not seeing and scene.now - landing.t > scene.parameters.give_up_s):
            alone.append(Draft(None, landing=landing, assignment="id"))
        elif seeing:
            orphans.append(landing)
        else:
            waiting = True
    return alone, orphans, waiting


def _longest_flight(scene: Scene) -> float:
    return scene.parameters.landing_window_s(scene.distance_m or 0.0)


def _shot(draft: Draft, scene: Scene, ends: Sequence[End]) -> Shot:
    release, landing, tag = draft.release, draft.landing, draft.tag
    first = release or landing
    if first is None:
        raise ValueError("a shot is made of a release or a landing")
    arrow = scene.arrows.get(UUID(hex=tag)) if tag is not None and len(tag) == 32 else None
    if arrow is not None and not arrow.is_active:
        draft.flags.add("retired_arrow")
    assumed = DIAMETER_INDOORS_MM if scene.is_indoor else DIAMETER_OUTDOORS_MM
    known = arrow.diameter_mm if arrow is not None else None
    diameter = known or assumed
    score = _judge(draft, scene, diameter)
    tof = _flight_time(draft, scene)
    distance = scene.distance_m
    return Shot(
        id=shot_id(first.key),
        end_number=end_at(ends, first.t),
        arrow_id=arrow.id if arrow else None,
        arrow_tag=tag,
        arrow_engage_time=draft.engage.at if draft.engage else None,
        arrow_disengage_time=release.at if release else None,
        arrow_landing_time=landing.at if landing and landing.x is not None and landing.y is not None else None,
        x=landing.x if landing and landing.y is not None else None,
        y=landing.y if landing and landing.x is not None else None,
        result=score.result,
        points=score.points,
        is_x=score.is_x,
        face_id=score.face_id,
        face_version=score.face_version,
        rule_version=RULE_VERSION,
        line_margin_mm=score.line_margin_mm,
        line_call=score.line_call,
        diameter_mm=diameter if landing else None,
        diameter_assumed=known is None,
        assignment=draft.assignment,
        time_source="both" if release and landing else "bow" if release else "target",
        tof_s=tof,
        speed_mps=distance / tof if tof and distance else None,
        flags=tuple(sorted(draft.flags)),
        void_reason=None,
        release=release.key if release else None,
        landing=landing.key if landing else None,
    )


def _corrected(shot: Shot, said: ByHand) -> Shot:
    """The shot as a person decided it is worth."""
    first = shot.release or shot.landing
    verdict = said.verdicts.get(first) if first is not None else None
    if verdict is None or verdict.result is None:
        return shot
    return replace(
        shot,
        result=verdict.result,
        points=verdict.points,
        is_x=verdict.is_x,
        void_reason=(verdict.reason or "taken back") if verdict.result == "void" else None,
        flags=tuple(sorted({*shot.flags, "corrected"})),
    )


def _judge(draft: Draft, scene: Scene, diameter: float) -> Score:
    if draft.let_down:
        return Score("not_shot", None)
    landing, release = draft.landing, draft.release
    if landing is not None:
        if landing.x is None or landing.y is None:
            return Score("unknown", None)
        if scene.target is None:
            return Score("hit", None)
        return score_landing(landing.x, landing.y, diameter, scene.target, scene.parameters)
    if release is None:
        return Score("unknown", None)
    closes = release.t + scene.parameters.landing_window_s(scene.distance_m or 0.0)
    told = scene.targets and all(scene.watermarks.get(t, float("-inf")) > closes for t in scene.targets)
    blind = any(scene.saw_nothing(frozenset((t,)), release.t, closes) for t in scene.targets)
    if told and not blind:
        return Score("miss", 0)
    if (told and blind) or scene.now > closes + scene.parameters.give_up_s:
        return Score("unknown", None)
    return Score("pending", None)


def _flight_time(draft: Draft, scene: Scene) -> float | None:
    """Seconds from release to landing, where the clocks are good enough to tell."""
    release, landing = draft.release, draft.landing
    if release is None or landing is None or draft.late or not flight_is_possible(draft, landing, scene):
        return None
    tof = landing.t - release.t
    if release.error_s is None or landing.error_s is None or tof <= 0:
        draft.flags.add("clock")
        return None
    if release.error_s + landing.error_s > scene.parameters.speed_error * tof or tof < clock_error_s(
        release, landing, scene
    ):
        draft.flags.add("clock")
        return None
    return tof
