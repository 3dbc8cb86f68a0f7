"""``/face``: the faces on each target."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field
from starlette.responses import Response

from edge.common.bounds import storable_text
from edge.common.config.errors import UsageError
from edge.operator.records.faces import OWN_CODE, NewFace, Rings, change_face, create_face, delete_face
from edge.operator.records.locking import FACE_ROW
from edge.push.api.operation import PREFIX, AnyOperation, Api, Body, Call, EmptyBody, NoParams, Tag, change, get
from edge.push.api.parameters import After, Answer, Limit, Query, Text, left_out
from edge.push.api.rows import accepted, conditions, created, deleted, expected, one_row, page, row_of

FILTERS: Final = {name: name for name in ("id", "target_id", "human_identifier", "name", "code")}
"""Expression of each filter."""
MOST_RINGS: Final = 20

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S"), AfterValidator(storable_text)]
Place = Annotated[float, Field(ge=0, lt=100_000)]
Radius = Annotated[float, Field(gt=0, lt=100_000)]
Radii = Annotated[list[Radius], Field(min_length=1, max_length=MOST_RINGS)]
Points = Annotated[list[Annotated[int, Field(ge=0, le=1000)]], Field(min_length=1, max_length=MOST_RINGS)]


class Face(Answer):
    """A face, or one spot of a multiple face, on a target. Millimetres from the lower left of the butt."""

    id: UUID
    target_id: UUID
    human_identifier: str
    name: str
    """Name of the whole face, which its spots share."""
    code: str
    version: int
    x: float
    y: float
    radii: list[float]
    """Outer radius of each ring, ascending."""
    points: list[int]
    """Points of each ring, descending."""
    x_radius: float | None


class FaceParams(Query):
    """Filters of ``/face``, compared for equality; all given ones must match."""

    id: UUID | None = None
    target_id: UUID | None = None
    human_identifier: Text | None = None
    name: Text | None = None
    code: Text | None = None
    limit: Limit = 1000
    after: After | None = None


class NewFaceBody(Body):
    """A face by the code of the catalogue, or with radii and points of its own."""

    target_id: UUID
    human_identifier: Name
    x: Place
    y: Place
    code: Name | None = None
    """Code of the catalogue, such as ``wa_40``; its rings come from there."""
    radii: Radii | None = None
    points: Points | None = None
    x_radius: Radius | None = None
    name: Name | None = None


class FaceBody(Body):
    """Values to change; a face stays on its target."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    human_identifier: Name = left_out()
    name: Name = left_out()
    x: Place = left_out()
    y: Place = left_out()
    radii: Radii = left_out()
    points: Points = left_out()
    x_radius: Radius | None = left_out()


def operations(api: Api) -> list[AnyOperation]:
    """Return the operations on faces."""
    select = f"select {FACE_ROW} from faces"

    async def find(call: Call[FaceParams, EmptyBody]) -> Response:
        arguments: list[object] = []
        where = conditions(FILTERS, call.query, arguments)
        if call.query.after is not None:
            arguments.append(call.query.after)
            where += (
                " and (target_id, human_identifier, id) > (select l.target_id, l.human_identifier, l.id from faces l "
                f"where l.id = ${len(arguments)})"
            )
        ordered = f"{select} where true{where} order by target_id, human_identifier, id"
        return await page(api.reading, call, ordered, arguments, call.query.limit, "faces")

    async def show(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.reading.connection() as connection:
            found = await row_of(connection, f"{select} where id = $1", call.id)
        return one_row(found, "face", call.id)

    async def create(call: Call[NoParams, NewFaceBody]) -> Response:
        async with api.writing.connection() as connection:
            face_id = await create_face(connection, _new(call.body))
        return created(face_id, f"{PREFIX}/face/{face_id}")

    async def update(call: Call[NoParams, FaceBody]) -> Response:
        async with api.writing.transaction() as connection:
            await change_face(connection, call.id, call.given, expected(call))
            changed = await row_of(connection, f"{select} where id = $1", call.id)
        return accepted(row_json=changed)

    async def delete(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.writing.connection() as connection:
            await delete_face(connection, call.id, expected(call))
        return deleted()

    return [
        get(
            "/face", Tag.FACE, "List faces, those of one target together.", find, FaceParams, data=list[Face], is_paged=True,
        ),
        get("/face/{id}", Tag.FACE, "Show a face.", show, NoParams, data=Face, has_etag=True),
        change(
            "POST", "/face", Tag.FACE, "Put a face on a target.", create, NewFaceBody, data=UUID, status=201,
            errors={404: "The target does not exist."},
        ),
        change(
            "PATCH", "/face/{id}", Tag.FACE, "Change a face whose session has no shots yet.", update, FaceBody,
            status=202, has_etag=True,
        ),
        change("DELETE", "/face/{id}", Tag.FACE, "Take a face off its target.", delete, EmptyBody, status=204, has_etag=True),
    ]  # fmt: skip


def _new(given: NewFaceBody) -> NewFace:
    """Return the face that a body asks for. Raises UsageError for one with both a code and rings, or neither."""
    if given.code is not None:
        if given.radii is not None or given.points is not None or given.x_radius is not None:
            raise UsageError(
                "a face has the rings of its code, or rings of its own", hint="Leave out code, or radii, points and x_radius.",
                field="code",
            )  # fmt: skip
        return NewFace(given.target_id, given.human_identifier, given.x, given.y, None, given.code, given.name)
    if given.radii is None or given.points is None:
        raise UsageError("a face needs rings", hint="Give a code of the catalogue, or radii and points.", field="radii")
    rings = Rings(given.radii, given.points, given.x_radius)
    return NewFace(given.target_id, given.human_identifier, given.x, given.y, rings, OWN_CODE, given.name)
