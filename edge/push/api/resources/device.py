"""``/device``: sensors with their state."""

from __future__ import annotations

from pydantic import ConfigDict
from starlette.responses import Response

from edge.push.api.operation import AnyOperation, Api, Call, EmptyBody, Tag, get
from edge.push.api.parameters import Answer, LaneParams
from edge.push.api.queries import devices
from edge.push.http.envelope import data_response


class Device(Answer):
    """A sensor and its state."""

    model_config = ConfigDict(extra="allow")

    id: str
    kind: str
    driver: str | None
    lane: int | None
    state: str
    age_s: float | None
    """Seconds since it was last heard."""


def operations(api: Api) -> list[AnyOperation]:
    """Return the operations on devices."""

    async def find(call: Call[LaneParams, EmptyBody]) -> Response:
        return data_response(await devices(api.reading, call.query.lane))

    return [
        get(
            "/device",
            Tag.DEVICE,
            "List the sensors of a lane, or all, with their state.",
            find,
            LaneParams,
            data=list[Device],
        )
    ]
