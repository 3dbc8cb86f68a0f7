"""``/session/{id}/export.csv`` and its siblings: the sheet, the score sheet and the certificate of a session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict
from starlette.responses import Response

from edge.common.config.errors import CommandError
from edge.common.vocabulary import ErrorCode, SessionState, SlotLetter
from edge.operator.export.documents import STYLESHEET, Document, document_text
from edge.operator.export.markup import stylesheet_link
from edge.operator.export.words import chosen_language
from edge.push.api.operation import JSON, AnyOperation, Api, Call, EmptyBody, NoParams, Tag, get
from edge.push.api.parameters import B, Q
from edge.push.api.rows import missing
from edge.push.http.content import compressed
from edge.push.http.envelope import data_response, headers
from edge.push.http.write_pool import rejection

CSV: Final = "text/csv; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"
ROOT: Final = "../../../../"
"""From a document of a session to the root of the service, whatever prefix a proxy puts before it."""
_NOT_FOUND: Final = {404: "The session does not exist."}
_CERTIFICATE_ERRORS: Final = {**_NOT_FOUND, 409: "This is the centre of several hubs, which makes no certificate."}


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class ExportedPlace(_Open):
    """An archer's place."""

    letter: SlotLetter | None
    archer: str | None
    face: str | None


class ExportedSession(_Open):
    """The session of a sheet or certificate."""

    id: UUID
    lane: int
    state: SessionState
    start_time: AwareDatetime
    end_time: AwareDatetime | None
    location: str
    distance_m: float | None
    places: list[ExportedPlace]


class ExportedEnd(_Open):
    """An end as on a score sheet."""

    end: int | None
    end_number: int | None
    is_sighter: bool
    values: list[str]
    surplus: list[str]
    sum: int
    running: int | None
    tens: int
    xs: int


class ExportedArcher(_Open):
    """The ends and totals of one archer."""

    slot: SlotLetter | None
    archer: str | None
    points: int
    arrows: int
    average: float | None
    ends: list[ExportedEnd]


class ExportedShot(_Open):
    """A shot of the sheet."""

    number: int
    id: UUID
    slot: SlotLetter | None
    value: str | None
    points: int | None
    counts: bool
    released_at: AwareDatetime | None
    landed_at: AwareDatetime | None
    x_mm: float | None
    y_mm: float | None


class SessionSheet(BaseModel):
    """The sheet of a session; see docs/range/export.md."""

    session: ExportedSession
    archers: list[ExportedArcher]
    shots: list[ExportedShot]


class CertifiedPart(_Open):
    """An interval in which a device is proven to have worked, or is not."""

    since: AwareDatetime
    until: AwareDatetime
    is_proven: bool


class CertifiedDevice(_Open):
    """A device of the session."""

    id: str
    kind: str
    parts: list[CertifiedPart]


class SessionCertificate(_Open):
    """The certificate of a session; see docs/range/export.md."""

    session: ExportedSession
    sources: list[str]
    devices: list[CertifiedDevice]
    calibrations: list[_Open]
    corrections: list[_Open]
    rescores: list[_Open]
    counts: dict[str, int]
    made_at: AwareDatetime


@contextmanager
def refusing(call: Call[Q, B]) -> Iterator[None]:
    """Answer what an operator's function refuses: 404 for a session that does not exist, else by its code."""
    try:
        yield
    except CommandError as fault:
        if fault.code is ErrorCode.NOT_FOUND:
            raise missing("session", call.id) from fault
        raise rejection(fault) from fault


def operations(api: Api) -> list[AnyOperation]:
    """Return the operations that export a session."""

    def serving(document: Document, media_type: str) -> Callable[[Call[NoParams, EmptyBody]], Awaitable[Response]]:
        async def serve(call: Call[NoParams, EmptyBody]) -> Response:
            language = chosen_language(call.request.headers.get("accept-language", ""))
            stylesheet = stylesheet_link(f"{ROOT}{api.static}{STYLESHEET}")
            with refusing(call):
                async with api.reading.connection() as connection:
                    text, name = await document_text(connection, call.id, document, language, stylesheet)
            if media_type == JSON:
                response = data_response(text)
            else:
                response = Response(text.encode(), headers=headers(), media_type=media_type)
            if media_type != HTML:
                response.headers["content-disposition"] = f'attachment; filename="{name}"'
            response = compressed(call.request, response)
            if media_type == HTML:
                response.headers.update({"content-language": language, "vary": "accept-encoding, accept-language"})
            return response

        return serve

    def document(
        path: str,
        summary: str,
        kind: Document,
        media_type: str,
        data: object = None,
        errors: dict[int, str] = _NOT_FOUND,
    ) -> AnyOperation:
        handler = serving(kind, media_type)
        return get(
            f"/session/{{id}}/{path}",
            Tag.EXPORT,
            summary,
            handler,
            NoParams,
            data=data,
            errors=errors,
            media_type=media_type,
        )

    return [
        document("export.csv", "Every shot of a session, one a line.", Document.CSV, CSV),
        document("ends.csv", "The ends of a session, highest values first, one a line for each archer.", Document.ENDS, CSV),
        document("export.json", "Shots and ends of a session.", Document.JSON, JSON, SessionSheet),
        document("scoresheet.html", "A score sheet to print, one page for each archer.", Document.SCORE_SHEET, HTML),
        document("certificate.html", "The certificate of a session to print.", Document.CERTIFICATE, HTML, None, _CERTIFICATE_ERRORS),
        document("certificate.json", "What watched a session, when that is proven, and what operators decided.",
                 Document.CERTIFICATE_JSON, JSON, SessionCertificate, _CERTIFICATE_ERRORS),
    ]  # fmt: skip
