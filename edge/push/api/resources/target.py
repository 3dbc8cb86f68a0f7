"""``/target``: the butt of each session, and the calibrations of a lane's targets."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict
from starlette.responses import Response

from edge.common.vocabulary import CalibrationKind, DeviceKind
from edge.operator.records.locking import TARGET_ROW
from edge.operator.records.targets import NewTarget, change_target, create_target, delete_target
from edge.push.api.operation import PREFIX, AnyOperation, Api, Body, Call, EmptyBody, NoParams, Tag, change, get
from edge.push.api.parameters import After, Answer, Limit, Metres, Millimetres, OneLaneParams, Query, Side, left_out
from edge.push.api.rows import accepted, conditions, created, deleted, expected, one_row, page, row_of, rows
from edge.push.http.envelope import data_response
from edge.push.http.read_pool import TIMEOUT_S

FILTERS: Final = {
    "id": "t.id", "max_x": "t.max_x", "max_y": "t.max_y", "distance": "t.distance::float8", "session_id": "t.session_id",
}  # fmt: skip
"""Expression of each filter."""
_SELECT: Final = "select t.id, t.max_x, t.max_y, t.distance, t.session_id from targets t join sessions s on (s.id, s.hub_id) = (t.session_id, t.hub_id)"
_CALIBRATIONS: Final = """
    select d.id as device_id, c.id as calibration_id, c.version, last.at as activated_at, c.sigma_mm,
        (c.parameters ->> 'butt_width_mm')::float8 as max_x, (c.parameters ->> 'butt_height_mm')::float8 as max_y,
        'archstats-sensor calibrate target ' || d.id as command
    from devices d
    left join lateral (
        select a.calibration_id, a.at, a.hub_id from calibration_activations a
        where a.device_id = d.id and a.kind = $2 order by a.id desc limit 1
    ) last on true
    left join calibrations c on (c.id, c.hub_id) = (last.calibration_id, last.hub_id)
    where d.lane = $1 and d.kind = $3 order by d.id
"""


class Target(Answer):
    """The butt of a session."""

    id: UUID
    max_x: float
    """Width, millimetres."""
    max_y: float
    """Height, millimetres."""
    distance: float
    """Metres."""
    session_id: UUID


class CalibratedTarget(Answer):
    """A target of a lane with its active calibration; null where it has none."""

    device_id: str
    calibration_id: UUID | None
    version: int | None
    activated_at: AwareDatetime | None
    sigma_mm: float | None
    """Standard deviation of a position in one direction."""
    max_x: float | None
    """Width of the butt that it was calibrated on, millimetres."""
    max_y: float | None
    command: str
    """Command that calibrates it, on the hub."""


class TargetParams(Query):
    """Filters of ``/target``, compared for equality; all given ones must match."""

    id: UUID | None = None
    max_x: Millimetres | None = None
    max_y: Millimetres | None = None
    distance: Millimetres | None = None
    session_id: UUID | None = None
    limit: Limit = 1000
    after: After | None = None


class NewTargetBody(Body):
    """The butt of a session."""

    max_x: Side
    max_y: Side
    distance: Metres
    session_id: UUID


class TargetBody(Body):
    """Values to change; a target stays that of its session."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    max_x: Side = left_out()
    max_y: Side = left_out()
    distance: Metres = left_out()


def operations(api: Api) -> list[AnyOperation]:
    """Return the operations on targets."""

    async def find(call: Call[TargetParams, EmptyBody]) -> Response:
        arguments: list[object] = []
        where = conditions(FILTERS, call.query, arguments)
        if call.query.after is not None:
            arguments.append(call.query.after)
            where += (
                " and (s.hub_id, s.number) > (select l.hub_id, l.number from targets o "
                f"join sessions l on (l.id, l.hub_id) = (o.session_id, o.hub_id) where o.id = ${len(arguments)})"
            )
        return await page(
            api.reading,
            call,
            f"{_SELECT} where true{where} order by s.hub_id, s.number",
            arguments,
            call.query.limit,
            "targets",
        )

    async def of_session(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.reading.connection() as connection:
            query = rows(f"select {TARGET_ROW} from targets where session_id = $1")
            found: str = await connection.fetchval(query, call.id, timeout=TIMEOUT_S)
        return data_response(found)

    async def calibrations(call: Call[OneLaneParams, EmptyBody]) -> Response:
        async with api.reading.connection() as connection:
            found: str = await connection.fetchval(
                rows(_CALIBRATIONS), call.query.lane, CalibrationKind.TARGET, DeviceKind.TARGET, timeout=TIMEOUT_S
            )
        return data_response(found)

    async def show(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.reading.connection() as connection:
            found = await row_of(connection, f"select {TARGET_ROW} from targets where id = $1", call.id)
        return one_row(found, "target", call.id)

    async def create(call: Call[NoParams, NewTargetBody]) -> Response:
        given = call.body
        async with api.writing.connection() as connection:
            target_id = await create_target(
                connection, NewTarget(given.session_id, given.max_x, given.max_y, given.distance)
            )
        return created(target_id, f"{PREFIX}/target/{target_id}")

    async def update(call: Call[NoParams, TargetBody]) -> Response:
        async with api.writing.transaction() as connection:
            await change_target(connection, call.id, call.given, expected(call))
            changed = await row_of(connection, f"select {TARGET_ROW} from targets where id = $1", call.id)
        return accepted(row_json=changed)

    async def delete(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.writing.connection() as connection:
            await delete_target(connection, call.id, expected(call))
        return deleted()

    return [
        get(
            "/target", Tag.TARGET, "List targets in the order of their sessions.", find, TargetParams, data=list[Target],
            is_paged=True,
        ),
        get(
            "/target/session-id/{id}", Tag.TARGET, "Show the target of a session, as a list of one or none.", of_session, NoParams,
            data=list[Target],
        ),
        get(
            "/target/calibrate", Tag.TARGET, "Show how the targets of a lane are calibrated.", calibrations, OneLaneParams,
            data=list[CalibratedTarget],
        ),
        get("/target/{id}", Tag.TARGET, "Show a target.", show, NoParams, data=Target, has_etag=True),
        change(
            "POST", "/target", Tag.TARGET, "Give a session its target.", create, NewTargetBody, data=UUID, status=201,
            errors={404: "The session does not exist."},
        ),
        change(
            "PATCH", "/target/{id}", Tag.TARGET, "Change a target whose session has no shots yet.", update, TargetBody,
            status=202, has_etag=True,
        ),
        change(
            "DELETE", "/target/{id}", Tag.TARGET, "Delete a target and its faces.", delete, EmptyBody, status=204, has_etag=True,
        ),
    ]  # fmt: skip
