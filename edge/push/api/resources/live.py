"""``/live`` and ``/lanes``: everything that the live page shows."""

from __future__ import annotations

from pydantic import ConfigDict, JsonValue
from starlette.responses import Response

from edge.push.api.live import live, live_of_all
from edge.push.api.operation import AnyOperation, Api, Call, EmptyBody, NoParams, Tag, get
from edge.push.api.parameters import Answer, LaneParams
from edge.push.api.queries import lanes
from edge.push.http.content import compressed
from edge.push.http.envelope import data_response

Row = dict[str, JsonValue]


class KnownLane(Answer):
    """A lane that has a device or had a session."""

    lane: int
    session_id: str | None
    unclaimed: int
    unclaimed_since: str | None
    open_command: str | None


class Snapshot(Answer):
    """The state of one lane."""

    model_config = ConfigDict(extra="allow")

    lane: int
    session: Row | None
    target: Row | None
    faces: list[Row]
    slots: list[Row]
    shots: list[Row]
    orphans: list[Row]
    ends: list[Row]
    sources: list[str]
    simulated: bool


class LaneSnapshot(Snapshot):
    """The state of one lane, with its devices and the position in the feed to resume from."""

    as_of: str
    now: str
    lanes: list[KnownLane]
    devices: list[Row]
    orphans_command: str


class AllLanes(Answer):
    """The state of all lanes at the same instant."""

    model_config = ConfigDict(extra="allow")

    as_of: str
    now: str
    lanes: list[KnownLane]
    devices: list[Row]
    ranges: list[Snapshot]


def operations(api: Api) -> list[AnyOperation]:
    """Return the operations."""

    async def one(call: Call[LaneParams, EmptyBody]) -> Response:
        return compressed(call.request, data_response(await live(api.reading, call.query.lane)))

    async def every(call: Call[NoParams, EmptyBody]) -> Response:
        return compressed(call.request, data_response(await live_of_all(api.reading)))

    async def known(_: Call[NoParams, EmptyBody]) -> Response:
        return data_response(await lanes(api.reading))

    return [
        get(
            "/live",
            Tag.LIVE,
            "Show all of a lane, by default of the first one with an open session.",
            one,
            LaneParams,
            data=LaneSnapshot,
        ),
        get("/live/all", Tag.LIVE, "Show all lanes.", every, NoParams, data=AllLanes),
        get("/lanes", Tag.LIVE, "List the lanes with a device or a session.", known, NoParams, data=list[KnownLane]),
    ]
