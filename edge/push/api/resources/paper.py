"""``/session/{id}/paper``: ends as a second scorer called them, beside those of the sensors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

from pydantic import Field
from starlette.responses import Response

from edge.common.vocabulary import CalledValue, SlotLetter
from edge.operator.export.files import json_text
from edge.operator.paper.compare import ComparedEnd
from edge.operator.paper.entries import LAST_END, NewPaperEnd, enter_end, read_compared
from edge.push.api.operation import AnyOperation, Api, Call, EmptyBody, NoParams, Tag, change, get
from edge.push.api.parameters import Body
from edge.push.api.resources.export import refusing
from edge.push.api.rows import CREATED
from edge.push.http.content import compressed
from edge.push.http.envelope import data_response


class PaperBody(Body):
    """An end as it was called. An earlier entry of the same end is kept, and no longer valid."""

    slot: SlotLetter | None = None
    """The archer's place; null on a butt without slots."""
    end_number: Annotated[int, Field(ge=1, le=LAST_END, description="As of the shots: sighter ends included.")]
    values: Annotated[
        Sequence[CalledValue],
        Field(max_length=72, description="In any order; none withdraw what was entered for the end."),
    ]


def operations(api: Api) -> list[AnyOperation]:
    """Return the operations on ends on paper."""

    async def compare(call: Call[NoParams, EmptyBody]) -> Response:
        with refusing(call):
            async with api.reading.connection() as connection:
                found = await read_compared(connection, call.id)
        return compressed(call.request, data_response(json_text([asdict(end) for end in found.ends])))

    async def enter(call: Call[NoParams, PaperBody]) -> Response:
        end = NewPaperEnd(call.body.slot, call.body.end_number, call.body.values)
        with refusing(call):
            async with api.writing.connection() as connection:
                number = await enter_end(connection, call.id, end, call.who)
        return data_response(json.dumps(number), CREATED)

    missing = {404: "The session does not exist."}
    return [
        get("/session/{id}/paper", Tag.PAPER, "Compare the ends on paper with those of the sensors.", compare, NoParams,
            data=list[ComparedEnd], errors=missing),
        change("POST", "/session/{id}/paper", Tag.PAPER, "Enter an end as a second scorer called it, or withdraw it.", enter, PaperBody,
               data=int, status=CREATED, errors=missing),
    ]  # fmt: skip
