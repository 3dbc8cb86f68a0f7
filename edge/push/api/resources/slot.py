"""``/slot``: the archers' places of each session."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field
from starlette.responses import Response

from edge.common.bounds import storable_text
from edge.common.vocabulary import SlotLetter
from edge.operator.records.locking import SLOT_ROW
from edge.operator.records.slots import change_slot
from edge.push.api.operation import AnyOperation, Api, Body, Call, EmptyBody, NoParams, Tag, change, get
from edge.push.api.parameters import After, Answer, Limit, Null, Query, Text, left_out
from edge.push.api.rows import accepted, conditions, expected, one_row, page, row_of

FILTERS: Final = {name: name for name in ("id", "session_id", "letter", "face", "bow_device_id", "archer_id")}
"""Expression of each filter."""

Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(storable_text)]


class Slot(Answer):
    """An archer's place at the butt of a session."""

    id: UUID
    session_id: UUID
    letter: SlotLetter
    face: str
    """Name of the face, see ``name`` of ``/face``."""
    bow_device_id: str | None
    archer_id: UUID | None


class SlotParams(Query):
    """Filters of ``/slot``, compared for equality; all given ones must match."""

    id: UUID | None = None
    session_id: UUID | None = None
    letter: SlotLetter | None = None
    face: Text | None = None
    bow_device_id: Null | Text | None = None
    archer_id: Null | UUID | None = None
    limit: Limit = 1000
    after: After | None = None


class SlotBody(Body):
    """Values to change; null takes the archer or the bow away."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    archer_id: UUID | None = left_out()
    bow_device_id: Name | None = left_out()
    face: Name = left_out()


def operations(api: Api) -> list[AnyOperation]:
    """Return the operations on slots."""
    select = f"select {SLOT_ROW} from slots"

    async def find(call: Call[SlotParams, EmptyBody]) -> Response:
        arguments: list[object] = []
        where = conditions(FILTERS, call.query, arguments)
        if call.query.after is not None:
            arguments.append(call.query.after)
            where += (
                " and (session_id, letter) > (select l.session_id, l.letter from slots l "
                f"where l.id = ${len(arguments)})"
            )
        ordered = f"{select} where true{where} order by session_id, letter"
        return await page(api.reading, call, ordered, arguments, call.query.limit, "slots")

    async def show(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.reading.connection() as connection:
            found = await row_of(connection, f"{select} where id = $1", call.id)
        return one_row(found, "slot", call.id)

    async def update(call: Call[NoParams, SlotBody]) -> Response:
        async with api.writing.transaction() as connection:
            await change_slot(connection, call.id, call.given, expected(call))
            changed = await row_of(connection, f"{select} where id = $1", call.id)
        return accepted(row_json=changed)

    return [
        get("/slot", Tag.SLOT, "List slots, those of one session together.", find, SlotParams, data=list[Slot], is_paged=True),
        get("/slot/{id}", Tag.SLOT, "Show a slot.", show, NoParams, data=Slot, has_etag=True),
        change(
            "PATCH", "/slot/{id}", Tag.SLOT, "Give a slot another archer, bow or face.", update, SlotBody, status=202,
            has_etag=True,
        ),
    ]  # fmt: skip
