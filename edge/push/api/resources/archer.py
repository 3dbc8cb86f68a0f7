"""``/archer``: archers, by name alone."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, Field
from starlette.responses import Response

from edge.common.bounds import storable_text
from edge.operator.records.archers import LONGEST_NAME, create_archer, delete_archer, rename_archer
from edge.operator.records.locking import ARCHER_ROW
from edge.push.api.operation import PREFIX, AnyOperation, Api, Body, Call, EmptyBody, NoParams, Tag, change, get
from edge.push.api.parameters import After, Answer, Limit, Query, Text
from edge.push.api.rows import accepted, conditions, created, deleted, expected, one_row, page, row_of

FILTERS: Final = {"id": "id", "name": "name"}
"""Expression of each filter."""


class Archer(Answer):
    """An archer."""

    id: UUID
    name: str


class ArcherParams(Query):
    """Filters of ``/archer``, compared for equality."""

    id: UUID | None = None
    name: Text | None = None
    limit: Limit = 1000
    after: After | None = None


class ArcherBody(Body):
    """The name of an archer: the only thing that is kept of a person."""

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, pattern=r"\S"), AfterValidator(storable_text)]


def operations(api: Api) -> list[AnyOperation]:
    """Return the operations on archers."""
    select = f"select {ARCHER_ROW} from archers"

    async def find(call: Call[ArcherParams, EmptyBody]) -> Response:
        arguments: list[object] = []
        where = conditions(FILTERS, call.query, arguments)
        if call.query.after is not None:
            arguments.append(call.query.after)
            where += f" and (name, id) > (select l.name, l.id from archers l where l.id = ${len(arguments)})"
        return await page(
            api.reading, call, f"{select} where true{where} order by name, id", arguments, call.query.limit, "archers"
        )

    async def show(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.reading.connection() as connection:
            found = await row_of(connection, f"{select} where id = $1", call.id)
        return one_row(found, "archer", call.id)

    async def create(call: Call[NoParams, ArcherBody]) -> Response:
        async with api.writing.connection() as connection:
            archer_id = await create_archer(connection, call.body.name)
        return created(archer_id, f"{PREFIX}/archer/{archer_id}")

    async def update(call: Call[NoParams, ArcherBody]) -> Response:
        async with api.writing.transaction() as connection:
            await rename_archer(connection, call.id, call.body.name, expected(call))
            changed = await row_of(connection, f"{select} where id = $1", call.id)
        return accepted(row_json=changed)

    async def delete(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.writing.connection() as connection:
            await delete_archer(connection, call.id, expected(call))
        return deleted()

    return [
        get("/archer", Tag.ARCHER, "List archers by name.", find, ArcherParams, data=list[Archer], is_paged=True),
        get("/archer/{id}", Tag.ARCHER, "Show an archer.", show, NoParams, data=Archer, has_etag=True),
        change("POST", "/archer", Tag.ARCHER, "Enter an archer.", create, ArcherBody, data=UUID, status=201),
        change(
            "PATCH", "/archer/{id}", Tag.ARCHER, "Rename an archer, in past sessions too.", update, ArcherBody, status=202,
            has_etag=True,
        ),
        change("DELETE", "/archer/{id}", Tag.ARCHER, "Delete an archer without slots.", delete, EmptyBody, status=204, has_etag=True),
    ]  # fmt: skip
