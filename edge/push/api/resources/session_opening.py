"""``/session/open`` and ``/session/prefill``: a session with its butt, faces and archers in one step."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, Field
from starlette.responses import Response

from edge.common.bounds import storable_text
from edge.common.vocabulary import SlotLetter
from edge.operator.records.opening import (
    USUAL_ARROWS,
    USUAL_LOCATION,
    USUAL_RULE_SET,
    WantedSession,
    WantedSlot,
    open_wanted,
    propose_session,
)
from edge.push.api.operation import PREFIX, AnyOperation, Api, Body, Call, EmptyBody, NoParams, Tag, change, get
from edge.push.api.parameters import Answer, ArrowsPerEnd, Instant, Metres, OwnLane, Query, SighterEnds, Text
from edge.push.api.rows import created
from edge.push.http.envelope import data_response

MOST_FACES: Final = 12
"""Most faces on one butt that a request may ask for."""
MOST_SLOTS: Final = len(SlotLetter)

FaceText = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(storable_text)]
"""A face as the command line takes it: ``wa_40``, ``left=wa_40`` or ``left=wa_40@320,620``."""
ArcherName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S"), AfterValidator(storable_text)]
ButtSide = Annotated[float, Field(ge=100, le=99_999)]
Letter = Annotated[SlotLetter, Field(strict=False)]


class SlotBody(Body):
    """One archer's place."""

    letter: Letter
    archer: ArcherName | None = None
    bow_device_id: Text | None = None
    face: FaceText | None = None
    """Name of the face; needed on a butt with several."""


class OpeningBody(Body):
    """A session with everything on its butt."""

    lane: OwnLane = 1
    distance_m: Metres
    faces: Annotated[list[FaceText], Field(min_length=1, max_length=MOST_FACES)]
    location: Text = USUAL_LOCATION
    is_indoor: bool = False
    arrows_per_end: ArrowsPerEnd = USUAL_ARROWS
    sighter_ends: SighterEnds = 0
    rules: Annotated[str, Field(min_length=1, max_length=50), AfterValidator(storable_text)] = USUAL_RULE_SET
    slots: Annotated[list[SlotBody], Field(max_length=MOST_SLOTS)] = Field(default_factory=list)
    since: Instant | None = None
    """Past start: what was shot since then becomes part of the session."""
    butt_width_mm: ButtSide | None = None
    butt_height_mm: ButtSide | None = None


class ProposedSlot(Answer):
    """One archer's place."""

    letter: SlotLetter
    archer: str | None
    bow_device_id: str | None
    face: str | None


class Proposal(Answer):
    """A body of ``POST /session/open`` like the lane's last session, and what else may be chosen."""

    lane: int
    distance_m: float
    faces: list[str]
    location: str
    is_indoor: bool
    arrows_per_end: int
    sighter_ends: int
    rules: str
    slots: list[ProposedSlot]
    butt_width_mm: float | None
    butt_height_mm: float | None
    face_codes: list[str]
    rule_sets: list[str]
    bows: list[str]
    """The lane's bow devices."""
    archers: list[str]


class ProposalParams(Query):
    """``lane``, 1 by default."""

    lane: OwnLane = 1


def operations(api: Api) -> list[AnyOperation]:
    """Return the operations that open a session."""

    async def open_with_butt(call: Call[NoParams, OpeningBody]) -> Response:
        given = call.body
        slots = [WantedSlot(one.letter, one.archer, one.bow_device_id, one.face) for one in given.slots]
        wanted = WantedSession(
            given.lane, given.distance_m, given.faces, given.location, given.is_indoor, given.arrows_per_end, given.sighter_ends,
            given.rules, slots, given.since, given.butt_width_mm, given.butt_height_mm,
        )  # fmt: skip
        async with api.writing.connection() as connection:
            session_id = await open_wanted(connection, wanted)
        return created(session_id, f"{PREFIX}/session/{session_id}")

    async def propose(call: Call[ProposalParams, EmptyBody]) -> Response:
        async with api.reading.connection() as connection:
            found = await propose_session(connection, call.query.lane)
        proposal = asdict(found)
        wanted = proposal.pop("wanted")
        del wanted["since"]
        return data_response(json.dumps(wanted | proposal))

    return [
        get(
            "/session/prefill", Tag.SESSION, "Propose a session like the lane's last one.", propose, ProposalParams,
            data=Proposal,
        ),
        change(
            "POST", "/session/open", Tag.SESSION, "Open a session with its butt, faces and archers.", open_with_butt, OpeningBody,
            data=UUID, status=201,
        ),
    ]  # fmt: skip
