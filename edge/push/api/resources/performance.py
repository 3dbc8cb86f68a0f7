"""``/session_performance``: the shots of a lane's open session with flight, speed and score."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from edge.push.api.operation import AnyOperation, Api, Call, EmptyBody, Tag, get
from edge.push.api.parameters import OneLaneParams
from edge.push.api.resources.shot import HIDDEN_RESULTS, Shot
from edge.push.api.rows import rows
from edge.push.http.envelope import data_response

_PERFORMANCE: Final = """select shots.id, shots.session_id, arrow_id,
        coalesce(arrow_engage_time, arrow_disengage_time) as arrow_engage_time, arrow_disengage_time,
        arrow_landing_time, shots.x, shots.y, tof_s as time_of_flight_seconds, speed_mps as arrow_speed,
        shots.points as score, arrows.human_identifier, is_x, faces.human_identifier as face, result
    from sessions join shots on shots.session_id = sessions.id
    left join arrows on (arrows.id, arrows.hub_id) = (shots.arrow_id, shots.hub_id)
    left join faces on (faces.id, faces.hub_id) = (shots.face_id, shots.hub_id)
    where sessions.is_opened and sessions.lane = $1 and result <> all($2::text[])
    order by coalesce(arrow_disengage_time, arrow_landing_time), shots.id"""


class Performance(Shot):
    """A shot of the open session."""

    time_of_flight_seconds: float | None
    arrow_speed: float | None
    score: int | None
    human_identifier: str | None
    is_x: bool
    face: str | None
    result: str


def operations(api: Api) -> list[AnyOperation]:
    """Return the operation."""

    async def find(call: Call[OneLaneParams, EmptyBody]) -> Response:
        return data_response(await api.reading.value(rows(_PERFORMANCE), call.query.lane, HIDDEN_RESULTS) or "[]")

    summary = "List the shots of a lane's open session with flight, speed and score, in the order of release."
    return [get("/session_performance", Tag.SHOT, summary, find, OneLaneParams, data=list[Performance])]
