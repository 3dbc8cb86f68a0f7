"""``/calibration``: stored calibrations of devices, and which of them is active."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from pydantic import AwareDatetime, JsonValue
from starlette.responses import Response

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CalibrationKind, CalibrationModel
from edge.operator.calibration.activation import activate, rollback
from edge.operator.calibration.records import CALIBRATIONS, Calibration, find_calibrated_device, find_calibration
from edge.operator.calibration.settings import INSIDE, activate_settings, roll_back_settings
from edge.push.api.operation import AnyOperation, Api, Call, EmptyBody, NoParams, Tag, change, get
from edge.push.api.parameters import After, Answer, B, Flag, Limit, Q, Query, Text, WithReason
from edge.push.api.rows import accepted, conditions, one_row, page, row_of

_LISTED: Final = """id, device_id, kind, version, model, sigma_mm, centre_error_mm, face_code, is_accepted, who, at, note,
    coalesce(is_active, false) as is_active, activated_at, fits"""
_ONE: Final = f"select {_LISTED}, parameters, points from ({CALIBRATIONS}) found where id = $1"
_FILTERS: Final = {
    "device_id": "device_id",
    "kind": "kind",
    "is_active": "coalesce(is_active, false)",
    "is_accepted": "is_accepted",
}
"""Expression of each filter."""


class ListedCalibration(Answer):
    """A stored calibration."""

    id: UUID
    device_id: str
    kind: CalibrationKind
    version: int
    """Number among those of the device, from 1."""
    model: CalibrationModel | None
    """Targets: shape of the map."""
    sigma_mm: float | None
    """Targets: standard deviation of a position in one direction."""
    centre_error_mm: float | None
    face_code: str | None
    is_accepted: bool
    """Whether sigma was within the limit of the face."""
    who: str
    at: AwareDatetime
    note: str | None
    is_active: bool
    activated_at: AwareDatetime | None
    """When it became active last."""
    fits: bool
    """Whether the device still counts positions from the point that it did then."""


class WholeCalibration(ListedCalibration):
    """A stored calibration with its values; see docs/calibration.md."""

    parameters: dict[str, JsonValue]
    points: list[dict[str, JsonValue]]


class CalibrationParams(Query):
    """Filters of ``/calibration``, compared for equality; all given ones must match."""

    device_id: Text | None = None
    kind: CalibrationKind | None = None
    is_active: Flag | None = None
    is_accepted: Flag | None = None
    limit: Limit = 1000
    after: After | None = None


class ActivateBody(WithReason):
    """Why a calibration is activated."""

    force: bool = False
    """Activate it although its sigma is above the limit of its face."""


def operations(api: Api) -> list[AnyOperation]:
    """Return the operations on calibrations."""
    return [*_reading(api), *_changing(api)]


def _reading(api: Api) -> list[AnyOperation]:
    async def find(call: Call[CalibrationParams, EmptyBody]) -> Response:
        arguments: list[object] = []
        where = conditions(_FILTERS, call.query, arguments)
        if call.query.after is not None:
            arguments.append(call.query.after)
            last = f"(select c.at, c.version, c.id from calibrations c where c.id = ${len(arguments)})"
            where += f" and (at, version, id) < {last}"
        select = (
            f"select {_LISTED} from ({CALIBRATIONS}) found where true{where} order by at desc, version desc, id desc"
        )
        return await page(api.reading, call, select, arguments, call.query.limit, "calibrations")

    async def show(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.reading.connection() as connection:
            found = await row_of(connection, _ONE, call.id)
        return one_row(found, "calibration", call.id)

    summary = "List calibrations of devices, newest first."
    return [
        get("/calibration", Tag.CALIBRATION, summary, find, CalibrationParams, data=list[ListedCalibration], is_paged=True),
        get(
            "/calibration/{id}", Tag.CALIBRATION, "Show a calibration with its points.", show, NoParams,
            data=WholeCalibration, has_etag=True,
        ),
    ]  # fmt: skip


def _changing(api: Api) -> list[AnyOperation]:
    async def make_active(call: Call[NoParams, ActivateBody]) -> Response:
        async with api.writing.connection() as connection:
            found = await find_calibration(connection, str(call.id))
            await _require_seen(connection, call)
            if not found.is_accepted and not call.body.force:
                raise CommandError(
                    f"calibration {found.name} is not accepted: its sigma is above the limit of its face",
                    hint="Calibrate again, or activate it with force.",
                )
            make = activate_settings if found.kind in INSIDE else activate
            await make(connection, found, call.who, call.body.reason)
        return accepted()

    async def roll_back(call: Call[NoParams, WithReason]) -> Response:
        async with api.writing.connection() as connection:
            found = await _active(connection, call.id)
            await _require_seen(connection, call)
            device = await find_calibrated_device(connection, found.device_id)
            back = roll_back_settings if found.kind in INSIDE else rollback
            await back(connection, device, call.who, call.body.reason)
        return accepted()

    one = "/calibration/{id}"
    more: dict[str, Any] = {"status": 202, "has_etag": True}
    return [
        change(
            "POST", f"{one}/activate", Tag.CALIBRATION, "Make a calibration active from now on; earlier shots keep theirs.",
            make_active, ActivateBody, **more,
        ),
        change(
            "POST", f"{one}/rollback", Tag.CALIBRATION,
            "Take back an active calibration: the one before is active again, or none before the first.", roll_back,
            WithReason, **more,
        ),
    ]  # fmt: skip


async def _require_seen(connection: Connection, call: Call[Q, B]) -> None:
    """Raise RequestRejected (412) unless the calibration is as the operator saw it."""
    if call.if_match is not None:
        call.if_match.require(await row_of(connection, _ONE, call.id) or "{}")


async def _active(connection: Connection, identity: UUID) -> Calibration:
    """The calibration of this id. Raises CommandError when it is not active."""
    found = await find_calibration(connection, str(identity))
    if not found.is_active:
        raise CommandError(
            f"calibration {found.name} is not active, so it is not taken back", hint="Roll back the one that is active."
        )
    return found
