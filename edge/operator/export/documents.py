"""The documents of a session by their kind: read, written as text, and named."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from importlib.resources import files
from uuid import UUID

from edge.common.postgres.connection import Connection
from edge.operator.export.certificate import certificate_facts
from edge.operator.export.certificate_page import certificate_html
from edge.operator.export.certifying import read_certificate
from edge.operator.export.files import ends_csv, json_text, sheet_facts, shots_csv
from edge.operator.export.markup import Markup, stylesheet_text
from edge.operator.export.reading import read_sheet
from edge.operator.export.score_sheet import score_sheet_html
from edge.operator.export.sheet import SheetHead, SheetSource
from edge.operator.export.words import Language

STYLESHEET = "sheets.css"
"""Stylesheet of printed pages, among the page's files."""


class Document(StrEnum):
    """A document of a session; the value is its name on the command line."""

    CSV = "csv"
    JSON = "json"
    ENDS = "ends"
    SCORE_SHEET = "scoresheet"
    CERTIFICATE = "certificate"
    CERTIFICATE_JSON = "certificate-json"


OF_HUB = frozenset((Document.CERTIFICATE, Document.CERTIFICATE_JSON))
"""Documents of data that stay on the hub; a centre of several hubs has the others."""
SUFFIXES = {
    Document.CSV: "csv",
    Document.JSON: "json",
    Document.ENDS: "csv",
    Document.SCORE_SHEET: "html",
    Document.CERTIFICATE: "html",
    Document.CERTIFICATE_JSON: "json",
}

_OF_SHEET: dict[Document, Callable[[SheetSource], str]] = {
    Document.CSV: shots_csv,
    Document.ENDS: ends_csv,
    Document.JSON: lambda source: json_text(sheet_facts(source)),
}


async def document_text(
    connection: Connection, session_id: UUID, document: Document, language: Language, stylesheet: Markup
) -> tuple[str, str]:
    """The text of a document, and its file name. Raises CommandError when the session does not exist."""
    if document in OF_HUB:
        certificate = await read_certificate(connection, session_id)
        is_page = document is Document.CERTIFICATE
        text = (
            certificate_html(certificate, language, stylesheet)
            if is_page
            else json_text(certificate_facts(certificate))
        )
        return text, file_name(certificate.head, document)
    source = await read_sheet(connection, session_id)
    if document is Document.SCORE_SHEET:
        return score_sheet_html(source, language, stylesheet), file_name(source.head, document)
    return _OF_SHEET[document](source), file_name(source.head, document)


def file_name(head: SheetHead, document: Document) -> str:
    """A name that says lane, local day and session: ``lane-1-2026-05-01-1a2b3c4d-ends.csv``."""
    kind = {Document.CSV: "shots", Document.JSON: "session"}.get(document, document.removesuffix("-json"))
    return f"lane-{head.lane}-{head.start_time.astimezone():%Y-%m-%d}-{str(head.session_id)[:8]}-{kind}.{SUFFIXES[document]}"


def own_stylesheet() -> Markup:
    """The stylesheet within the page itself, for a file that is opened without a server."""
    return stylesheet_text(files("edge.push").joinpath("static", STYLESHEET).read_text(encoding="utf-8"))
