"""``/arrow``: arrows with the keys of the original, and what is done with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID, uuid4

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field
from starlette.responses import Response

from edge.common.bounds import storable_text
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import ErrorCode
from edge.operator.arrows import (
    SIZES,
    VISIBLE,
    NewArrow,
    amend_arrow,
    arrow_facts,
    choose_scanner,
    consistent_void,
    lock_arrow,
    program_arrow,
    register_arrows,
    remove_arrow,
    restore_arrow,
    void_arrow,
)
from edge.operator.arrows.program import require_active
from edge.operator.arrows.records import Arrow as StoredArrow
from edge.operator.arrows.records import arrow_of_id
from edge.operator.arrows.sizes import DIAMETER, LABEL_POSITION, LENGTH, LONGEST_LABEL, SPINE, WEIGHT, normal_label
from edge.push.api.operation import PREFIX, AnyOperation, Api, Call, EmptyBody, NoParams, Operation, Tag, change, get
from edge.push.api.parameters import (
    After,
    Answer,
    B,
    Body,
    Flag,
    Instant,
    Limit,
    Millimetres,
    NewId,
    Null,
    Q,
    Query,
    Text,
    WithReason,
    left_out,
)
from edge.push.api.rows import accepted, conditions, created, deleted, missing, one_row, page, row_of
from edge.push.http.envelope import data_response, reject

LONGEST_WAIT_S: Final = 30.0
"""Longest wait of a request for a tag on the scanner."""

_COLUMNS: Final = """id, length, human_identifier, is_programmed, label_position, weight, diameter, spine, registration_date,
    is_active, voided_date"""
_FILTERS: Final = {
    name: name
    for name in (
        "id", "length", "human_identifier", "is_programmed", "label_position", "weight", "diameter", "spine",
        "registration_date", "is_active", "voided_date",
    )
}  # fmt: skip
"""Expression of each filter."""
_ONE: Final = f"select {_COLUMNS} from arrows where id = $1 and {VISIBLE}"
_ORDER: Final = "registration_date, id"

Length = Annotated[float, Field(ge=LENGTH.lowest, le=LENGTH.highest)]
Weight = Annotated[float, Field(ge=WEIGHT.lowest, le=WEIGHT.highest)]
Diameter = Annotated[float, Field(ge=DIAMETER.lowest, le=DIAMETER.highest)]
Spine = Annotated[float, Field(ge=SPINE.lowest, le=SPINE.highest)]
Place = Annotated[float, Field(ge=LABEL_POSITION.lowest, le=LABEL_POSITION.highest)]
Label = Annotated[str, Field(min_length=1, max_length=LONGEST_LABEL, pattern=r"\S"), AfterValidator(storable_text)]
"""Blanks at its ends are removed; capital and small letters differ, as on the shafts."""


class Arrow(Answer):
    """An arrow. Its UUID is the EPC in its tag, and never changes."""

    id: UUID
    length: float | None
    """Centimetres."""
    human_identifier: str
    """Label on the shaft, once among the active arrows."""
    is_programmed: bool
    label_position: float | None
    """Distance of the tag from the nock end, centimetres."""
    weight: float | None
    """Grams."""
    diameter: float | None
    """Of the shaft, millimetres."""
    spine: float | None
    registration_date: AwareDatetime
    is_active: bool
    voided_date: AwareDatetime | None


class ArrowParams(Query):
    """Filters of ``/arrow``, compared for equality; all given ones must match."""

    id: UUID | None = None
    length: Null | Millimetres | None = None
    human_identifier: Text | None = None
    is_programmed: Flag | None = None
    label_position: Null | Millimetres | None = None
    weight: Null | Millimetres | None = None
    diameter: Null | Millimetres | None = None
    spine: Null | Millimetres | None = None
    registration_date: Instant | None = None
    is_active: Flag | None = None
    voided_date: Null | Instant | None = None
    limit: Limit = 1000
    after: After | None = None


class ArrowBody(Body):
    """An arrow to be registered."""

    id: NewId
    human_identifier: Label
    length: Length
    is_programmed: bool
    """Whether another program wrote the UUID into a tag."""
    registration_date: Instant | None = None
    label_position: Place | None = None
    weight: Weight | None = None
    diameter: Diameter | None = None
    spine: Spine | None = None
    is_active: bool = True
    voided_date: Instant | None = None


class ArrowChange(Body):
    """Values that an arrow gets; those that are not named stay, and a size that is null is not known from now on."""

    human_identifier: Label = left_out()
    length: Length | None = left_out()
    is_programmed: bool = left_out()
    registration_date: Instant = left_out()
    label_position: Place | None = left_out()
    weight: Weight | None = left_out()
    diameter: Diameter | None = left_out()
    spine: Spine | None = left_out()
    is_active: bool = left_out()
    voided_date: Instant | None = left_out()


class ProgramBody(Body):
    """How an arrow is programmed."""

    scanner_id: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(storable_text)] | None = None
    """Not needed where there is one scanner."""
    lock: bool = False
    """Lock the tag for ever."""
    wait_s: Annotated[float, Field(ge=0, le=LONGEST_WAIT_S)] = 10.0
    """Longest wait for a tag on the scanner, in seconds."""


class ArrowState(Answer):
    """All that is known of an arrow and its tag."""

    model_config = ConfigDict(extra="allow")

    id: UUID
    human_identifier: str
    state: str
    tag_tid: str | None
    is_programmed: bool
    is_locked: bool
    is_write_unfinished: bool
    is_tag_unknown: bool
    shots: int


class ProgrammedTag(Answer):
    """The proof of a tag that holds the UUID of an arrow."""

    arrow: ArrowState
    command_id: int
    was_written: bool
    """False when the tag held the UUID already."""
    relation: str
    """Of the tag to the arrow before."""
    evidence: dict[str, str | int | float | bool]
    """Values that the scanner read back."""


def operations(api: Api) -> list[AnyOperation]:
    """Return the operations on arrows."""
    return [*_reading(api), *_changing(api)]


def _reading(api: Api) -> list[AnyOperation]:
    async def new_id(_: Call[NoParams, EmptyBody]) -> Response:
        return data_response(json.dumps(str(uuid4())))

    async def find(call: Call[ArrowParams, EmptyBody]) -> Response:
        arguments: list[object] = []
        where = conditions(_FILTERS, call.query, arguments)
        if call.query.after is not None:
            arguments.append(call.query.after)
            where += f" and ({_ORDER}) > (select {_ORDER} from arrows where id = ${len(arguments)})"
        select = f"select {_COLUMNS} from arrows where {VISIBLE}{where} order by {_ORDER}"
        return await page(api.reading, call, select, arguments, call.query.limit, "arrows")

    async def show(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.reading.connection() as connection:
            found = await row_of(connection, _ONE, call.id)
        return one_row(found, "arrow", call.id)

    async def state(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.reading.connection() as connection:
            is_shown = await row_of(connection, _ONE, call.id) is not None
            found = await arrow_of_id(connection, call.id) if is_shown else None
        if found is None:
            raise missing("arrow", call.id)
        return data_response(_json(arrow_facts(found)))

    return [
        get(
            "/arrow/new_arrow_uuid",
            Tag.ARROW,
            "Make a UUID for a new arrow; nothing is stored.",
            new_id,
            NoParams,
            data=UUID,
        ),
        get("/arrow", Tag.ARROW, "List arrows, oldest first.", find, ArrowParams, data=list[Arrow], is_paged=True),
        get("/arrow/{id}", Tag.ARROW, "Show an arrow.", show, NoParams, data=Arrow, has_etag=True),
        get(
            "/arrow/{id}/state",
            Tag.ARROW,
            "Show all that is known of an arrow and its tag.",
            state,
            NoParams,
            data=ArrowState,
        ),
    ]


def _changing(api: Api) -> list[AnyOperation]:
    in_use: set[str] = set()

    async def register(call: Call[NoParams, ArrowBody]) -> Response:
        body = call.body
        new = NewArrow(
            normal_label(body.human_identifier.strip()),
            {size.name: getattr(body, size.name) for size in SIZES},
            body.id,
            is_programmed=body.is_programmed,
            registered_at=body.registration_date,
            voided_at=body.voided_date,
        )
        async with api.writing.connection() as connection:
            consistent_void(is_active=body.is_active, voided_date=body.voided_date)
            await register_arrows(connection, [new], call.who)
        return created(body.id, f"{PREFIX}/arrow/{body.id}")

    async def amend(call: Call[NoParams, ArrowChange]) -> Response:
        async with api.writing.transaction() as connection:
            arrow = await _locked(connection, call)
            await amend_arrow(connection, arrow, call.given, call.who)
            changed = await row_of(connection, _ONE, call.id)
        return accepted(row_json=changed)

    async def remove(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.writing.transaction() as connection:
            arrow = await _locked(connection, call)
            await remove_arrow(connection, arrow, call.who)
        return deleted()

    async def void(call: Call[NoParams, WithReason]) -> Response:
        async with api.writing.transaction() as connection:
            await void_arrow(connection, await _locked(connection, call), call.who, call.body.reason)
        return accepted()

    async def restore(call: Call[NoParams, EmptyBody]) -> Response:
        async with api.writing.transaction() as connection:
            await restore_arrow(connection, await _locked(connection, call))
        return accepted()

    async def program(call: Call[NoParams, ProgramBody]) -> Response:
        body = call.body
        async with api.writing.transaction() as connection:
            arrow = await _locked(connection, call)
            require_active(arrow)
            scanner = await choose_scanner(connection, body.scanner_id)
        with _alone(in_use, scanner.id):
            api.long.refuse_full("other scanners program arrows; nothing was written; try again")
            async with api.long.connection() as connection:
                done = await program_arrow(
                    connection, arrow, scanner.id, call.who, lambda _: None, lock=body.lock, wait_s=body.wait_s
                )
        facts = {
            "arrow": arrow_facts(done.arrow),
            "command_id": done.command.id,
            "was_written": done.was_written,
            "relation": done.relation,
            "evidence": dict(done.evidence),
        }
        return data_response(_json(facts))

    one = "/arrow/{id}"
    return [
        change("POST", "/arrow", Tag.ARROW, "Register an arrow.", register, ArrowBody, data=UUID, status=201),
        change("PATCH", one, Tag.ARROW, "Change an arrow.", amend, ArrowChange, status=202, has_etag=True),
        Operation(
            "DELETE",
            one,
            Tag.ARROW,
            "Remove an arrow that has no shot and no tag of a scanner. Its UUID is never given again.",
            remove,
            NoParams,
            EmptyBody,
            status=204,
            has_etag=True,
        ),
        change(
            "POST",
            f"{one}/void",
            Tag.ARROW,
            "Retire an arrow: it keeps its shots, and its label is free.",
            void,
            WithReason,
            status=202,
            has_etag=True,
        ),
        change(
            "POST",
            f"{one}/restore",
            Tag.ARROW,
            "Make a voided arrow active again.",
            restore,
            EmptyBody,
            status=202,
            has_etag=True,
        ),
        change(
            "POST",
            f"{one}/program",
            Tag.ARROW,
            "Write the arrow's UUID into the tag on a scanner, and prove it.",
            program,
            ProgramBody,
            data=ProgrammedTag,
            has_etag=True,
            errors={409: "The state of things does not allow it; `busy`: another request programs by this scanner."},
        ),
    ]


async def _locked(connection: Connection, call: Call[Q, B]) -> StoredArrow:
    """Lock the arrow of a request, and return it. Raises RequestRejected (412) unless it is as the operator saw it."""
    arrow = await lock_arrow(connection, call.id)
    if call.if_match is not None:
        call.if_match.require(await row_of(connection, _ONE, call.id) or "{}")
    return arrow


@contextmanager
def _alone(in_use: set[str], scanner: str) -> Iterator[None]:
    """Let one request at a time program by a scanner. Raises RequestRejected (409) for another one."""
    if scanner in in_use:
        message = (
            f"{scanner} programs an arrow for another request, so nothing was written; try again once that has ended"
        )
        raise reject(409, ErrorCode.BUSY, message)
    in_use.add(scanner)
    try:
        yield
    finally:
        in_use.discard(scanner)


def _json(facts: object) -> str:
    return json.dumps(facts, default=lambda value: value.isoformat() if isinstance(value, datetime) else str(value))
