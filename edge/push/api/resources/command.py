"""``/command``: commands to devices, which their daemons run."""

from __future__ import annotations

import json
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, Field, JsonValue
from starlette.responses import Response

from edge.common.bounds import LARGEST_BIGINT, storable_text
from edge.common.config.errors import CommandError
from edge.common.vocabulary import CommandState, ErrorCode
from edge.operator.commands import await_cancelled, find_command, request_cancel
from edge.operator.requests import request_known
from edge.push.api.judging import PENDING
from edge.push.api.operation import (
    PREFIX,
    AnyOperation,
    Api,
    Call,
    EmptyBody,
    NoParams,
    Operation,
    PathKind,
    Tag,
    change,
    get,
)
from edge.push.api.parameters import Answer, Body, Limit, Query, Text
from edge.push.api.rows import CREATED, conditions, deleted, one_row, page, row_of
from edge.push.http.envelope import data_response
from edge.push.http.write_pool import rejection

_STATE: Final = "case when state = 'pending' and expires_at <= clock_timestamp() then 'expired' else state end"
"""State of a command: the first reader with the right to write it writes that one has expired."""
_COLUMNS: Final = f"""id, device_id, kind, arguments, who, {_STATE} as state, requested_at, expires_at, deadline_s,
    cancel_requested, claimed_at, phase, done, total, result, error, hint, finished_at"""
_ONE: Final = f"select {_COLUMNS} from commands where id = $1"
_FILTERS: Final = {"device_id": "device_id", "kind": "kind", "state": f"({_STATE})"}
"""Expression of each filter."""


class DeviceCommand(Answer):
    """A command to a device; its events are ``command.updated``."""

    id: int
    device_id: str
    kind: str
    arguments: dict[str, JsonValue]
    who: str
    state: CommandState
    requested_at: AwareDatetime
    expires_at: AwareDatetime
    deadline_s: float
    cancel_requested: bool
    claimed_at: AwareDatetime | None
    phase: str | None
    """Step that it has reached, in words."""
    done: int | None
    total: int | None
    result: dict[str, JsonValue] | None
    """Values that the device read back."""
    error: str | None
    hint: str | None
    finished_at: AwareDatetime | None


class CommandParams(Query):
    """Filters of ``/command``, compared for equality; all given ones must match."""

    device_id: Text | None = None
    kind: Text | None = None
    state: CommandState | None = None
    limit: Limit = 100
    after: (
        Annotated[int, Field(ge=1, le=LARGEST_BIGINT, description="Number of the last row of the answer before.")]
        | None
    ) = None


class CommandBody(Body):
    """A command that is requested."""

    device_id: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(storable_text)]
    kind: Annotated[str, Field(min_length=1, max_length=40), AfterValidator(storable_text)]
    """A command of the device's driver, such as ``read_config``."""
    arguments: dict[str, bool | int | float | str] = Field(default_factory=dict)


def operations(api: Api) -> list[AnyOperation]:
    """Return the operations on commands."""

    async def find(call: Call[CommandParams, EmptyBody]) -> Response:
        arguments: list[object] = []
        where = conditions(_FILTERS, call.query, arguments)
        if call.query.after is not None:
            arguments.append(call.query.after)
            where += f" and id < ${len(arguments)}"
        select = f"select {_COLUMNS} from commands where true{where} order by id desc"
        return await page(api.reading, call, select, arguments, call.query.limit, "commands")

    async def show(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.reading.connection() as connection:
            found = await row_of(connection, _ONE, call.number)
        return one_row(found, "command", call.number)

    async def request(call: Call[NoParams, CommandBody]) -> Response:
        body = call.body
        async with api.writing.connection() as connection:
            command = await request_known(connection, body.device_id, body.kind, body.arguments, call.who)
        response = data_response(json.dumps(command.id), CREATED)
        response.headers["location"] = f"{PREFIX}/command/{command.id}"
        return response

    async def cancel(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.writing.connection() as connection:
            before = await find_command(connection, call.number)
            if call.if_match is not None:
                call.if_match.require(await row_of(connection, _ONE, before.id) or "{}")
            if before.has_ended:
                raise CommandError(
                    f"command {before.id} has ended before: it is {before.state}", hint="There is nothing to cancel."
                )
            await request_cancel(connection, before.id)
        if not (await await_cancelled(api.writing.connection, before.id)).has_ended:
            fault = CommandError(
                f"command {before.id} still runs: its daemon does not answer",
                hint="It ends when the daemon answers again or is started, else by itself 30 s after its deadline.",
                code=ErrorCode.PENDING,
            )
            raise rejection(fault)
        return deleted()

    return [
        get("/command", Tag.COMMAND, "List commands, newest first.", find, CommandParams,
            data=list[DeviceCommand], is_paged=True),
        get("/command/{id}", Tag.COMMAND, "Show a command with its progress and result.", show, NoParams,
            data=DeviceCommand, has_etag=True, id_kind=PathKind.NUMBER),
        change("POST", "/command", Tag.COMMAND, "Request a command that the driver of a device knows.", request,
               CommandBody, data=int, status=201, errors={404: "The device does not exist."}),
        Operation("DELETE", "/command/{id}", Tag.COMMAND, "Cancel a command; one that ran may have had its effect.",
                  cancel, NoParams, EmptyBody, status=204, id_kind=PathKind.NUMBER, has_etag=True, errors=PENDING),
    ]  # fmt: skip
