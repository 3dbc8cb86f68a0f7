"""Open a session with its butt, faces and archers in one step, and propose how, from the lane's last session."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from drivers.clock.host import host_now
from edge.common.advice import SESSION_VALUES, USUAL_BUTT_MM, SessionValues, face_texts
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import DeviceKind, SlotLetter
from edge.operator.butt.layout import faces_on_butt, parse_face
from edge.operator.butt.slots import NewSlot, checked_slots, face_of_slot
from edge.operator.calibration.on_lanes import active_on_lanes, calibrated_butt
from edge.operator.opening import END_TIMEOUT_S, NewSession, open_sessions, rules_of
from edge.operator.records.archers import archer_name
from edge.operator.records.sessions import dated_now, instant_at, refuse_future, refuse_overlap_before
from edge.shots.faces import load_catalogue
from edge.shots.rules import USUAL_RULES, load_rules

USUAL_FACE: Final = "wa_40"
USUAL_DISTANCE_M: Final = 18.0
USUAL_LOCATION: Final = "range"
USUAL_ARROWS: Final = 6
USUAL_RULE_SET: Final = USUAL_RULES
MOST_NAMES: Final = 500
"""Most archers that a proposal lists."""


@dataclass(frozen=True, slots=True)
class WantedSlot:
    """One archer's place, as it is wanted."""

    letter: SlotLetter
    archer: str | None = None
    bow_device_id: str | None = None
    face: str | None = None
    """Name of the face; None for the butt's only one."""


@dataclass(frozen=True, slots=True)
class WantedSession:
    """A session with everything on its butt, as it is wanted."""

    lane: int
    distance_m: float
    faces: Sequence[str]
    """Texts like ``wa_40`` or ``left=wa_40@320,620``."""
    location: str
    is_indoor: bool
    arrows_per_end: int
    sighter_ends: int
    rules: str
    slots: Sequence[WantedSlot]
    since: datetime | None = None
    """Past start; None for now."""
    butt_width_mm: float | None = None
    """None for that of the calibration, or the usual one."""
    butt_height_mm: float | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A session like the last one of a lane, and what else may be chosen."""

    wanted: WantedSession
    face_codes: Sequence[str]
    rule_sets: Sequence[str]
    bows: Sequence[str]
    """The lane's bow devices."""
    archers: Sequence[str]
    """Names of the archers that are known."""


async def open_wanted(connection: Connection, wanted: WantedSession) -> UUID:
    """Open a session with its target, faces and slots; returns its id.

    Raises UsageError for what is wrong in itself, such as an unknown face, CommandError for what the lane does not allow.
    """
    now = await dated_now(connection)
    if wanted.since is not None:
        refuse_future(now, wanted.since, "since")
    requests = [parse_face(text) for text in wanted.faces]
    active = await active_on_lanes(connection, [wanted.lane])
    sides = calibrated_butt(active, wanted.butt_width_mm, wanted.butt_height_mm)
    width, height, places = faces_on_butt(requests, *sides)
    names = list(dict.fromkeys(place.name for place in places))
    new = NewSession(
        lane=wanted.lane,
        start=host_now() if wanted.since is None else instant_at(now, wanted.since),
        location=wanted.location,
        is_indoor=wanted.is_indoor,
        arrows_per_end=wanted.arrows_per_end,
        end_timeout_s=END_TIMEOUT_S,
        distance_m=wanted.distance_m,
        butt_width_mm=width,
        butt_height_mm=height,
        faces=places,
        sighter_ends=wanted.sighter_ends,
        slots=checked_slots([_slot(slot, names) for slot in wanted.slots]),
        rules=rules_of(wanted.rules),
    )
    if wanted.since is not None:
        await refuse_overlap_before(connection, wanted.lane, wanted.since)
    return (await open_sessions(connection, new, [wanted.lane]))[wanted.lane]


async def propose_session(connection: Connection, lane: int) -> Proposal:
    """Propose a session like the last one of the lane; the usual one on a lane without any."""
    row = await connection.fetchrow(
        f"select s.location, s.sighter_ends, {SESSION_VALUES} from sessions s "  # noqa: S608 - fixed text
        "left join targets t on t.session_id = s.id where s.lane = $1 order by s.number desc limit 1",
        lane,
    )
    bows = [
        found["id"]
        for found in await connection.fetch(
            "select id from devices where lane = $1 and kind = $2 order by id", lane, DeviceKind.BOW
        )
    ]
    names = await connection.fetch("select distinct name from archers order by name limit $1", MOST_NAMES)
    if row is None:
        wanted = WantedSession(
            lane, USUAL_DISTANCE_M, [USUAL_FACE], USUAL_LOCATION, False, USUAL_ARROWS, 0, USUAL_RULES, []
        )
    else:
        fields = {**row, "faces": json.loads(row["faces"]), "slots": json.loads(row["slots"])}
        location, sighter_ends = fields.pop("location"), fields.pop("sighter_ends")
        wanted = _like(lane, SessionValues(**fields), location, sighter_ends, bows)
    return Proposal(wanted, list(load_catalogue()), list(load_rules()), bows, [found["name"] for found in names])


def _like(lane: int, last: SessionValues, location: str, sighter_ends: int, bows: Sequence[str]) -> WantedSession:
    """A session like the last one, as far as its faces are still in the catalogue and its bows still on the lane. Pure."""
    is_known = bool(last.faces) and all(code in load_catalogue() for _, code, *_ in last.faces)
    width, height = (None if side == USUAL_BUTT_MM else side for side in (last.butt_width, last.butt_height))
    return WantedSession(
        lane=lane,
        distance_m=USUAL_DISTANCE_M if last.distance is None else last.distance,
        faces=face_texts(last) if is_known else [USUAL_FACE],
        location=location,
        is_indoor=bool(last.is_indoor),
        arrows_per_end=last.arrows_per_end or USUAL_ARROWS,
        sighter_ends=sighter_ends,
        rules=last.rules or USUAL_RULES,
        slots=[
            WantedSlot(SlotLetter(str(letter)), archer, bow if bow in bows else None, face)
            for letter, face, bow, archer in (last.slots if is_known else ())
        ],
        butt_width_mm=width if is_known else None,
        butt_height_mm=height if is_known else None,
    )


def _slot(slot: WantedSlot, names: Sequence[str]) -> NewSlot:
    archer = None if slot.archer is None else archer_name(slot.archer)
    return NewSlot(slot.letter, face_of_slot(slot.letter, slot.face, names), slot.bow_device_id, archer)
