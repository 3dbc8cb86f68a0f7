"""``/device``: sensors with their state."""

from __future__ import annotations

from pydantic import ConfigDict
from starlette.responses import Response

from edge.push.api.operation import AnyOperation, Api, Call, EmptyBody, NoParams, PathKind, Tag, get
from edge.push.api.parameters import Answer, LaneParams
from edge.push.api.queries import device_of, devices
from edge.push.api.rows import missing
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

    async def show(call: Call[NoParams, EmptyBody]) -> Response:
        found = await device_of(api.reading, call.name)
        if found is None:
            raise missing("device", call.name)
        return data_response(found)

    return [
        get(
            "/device/{id}",
            Tag.DEVICE,
            "Show a sensor with its state.",
            show,
            NoParams,
            data=Device,
            id_kind=PathKind.NAME,
        ),
        get(
            "/device",
            Tag.DEVICE,
            "List the sensors of a lane, or all, with their state.",
            find,
            LaneParams,
            data=list[Device],
        ),
    ]
