"""The score sheet of a session to print: one A4 page for each archer, or more where the ends do not fit. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edge.common.vocabulary import SessionState
from edge.operator.export.markup import Content, Markup, document, element, facts_table, joined, row, table
from edge.operator.export.sheet import UNDECIDED, ArcherSheet, EndRow, SheetHead, SheetSource, archer_sheets
from edge.operator.export.words import Language, Words

MOST_COLUMNS = 12
"""Most arrows of an end in a row of the sheet; a longer end takes several rows."""
ROOMY_ENDS = 16
"""Most ends with rows of full height: more are set closely, so that 32 fit on a page."""


def score_sheet_html(source: SheetSource, language: Language, stylesheet: Markup) -> str:
    """The page of each archer, with the signatures of archer and scorer."""
    words = Words(language)
    pages = [_page(source.head, sheet, words) for sheet in archer_sheets(source)]
    title = f"{words['score_sheet']} {words.date(source.head.start_time)} {words['lane']} {source.head.lane}"
    return document(title, language, stylesheet, *pages)


def session_facts(head: SheetHead, words: Words) -> Iterator[tuple[Content, Content]]:
    """The facts of a session that head every printed page."""
    yield words["date"], words.date(head.start_time)
    yield words["place"], f"{head.location}, {words['indoor' if head.is_indoor else 'outdoor']}"
    yield words["lane"], str(head.lane)
    yield words["distance"], None if head.distance_m is None else words.metres(head.distance_m)


def rules_text(head: SheetHead, words: Words) -> str:
    """The rules with their version."""
    return f"{head.rule_set}, {words['version']} {head.rule_set_version}"


def _page(head: SheetHead, sheet: ArcherSheet, words: Words) -> Markup:
    place = sheet.place
    state = None if head.state is SessionState.CLOSED else words[f"state_{head.state}"]
    name = place.archer or (words["no_archer"] if place.letter is None and head.places else "")
    facts = facts_table([
        (words["archer"], element("strong", name) if name else element("span", class_="blank")),
        (words["slot"], place.letter),
        *session_facts(head, words),
        (words["face"], place.face or ", ".join(head.faces)),
        (words["rules"], rules_text(head, words)),
        (words["state"], state),
    ])  # fmt: skip
    has_undecided = any(end.undecided for end in sheet.ends)
    return element(
        "article",
        element("h1", words["score_sheet"]),
        facts,
        _ends_table(head, sheet, words),
        element(
            "footer",
            _totals(sheet, words),
            element("p", words["undecided_note"], class_="note") if has_undecided else None,
            _signatures(name, words.date(head.start_time), words),
        ),
        class_="sheet" if len(sheet.ends) <= ROOMY_ENDS else "sheet dense",
    )


def _ends_table(head: SheetHead, sheet: ArcherSheet, words: Words) -> Markup:
    most = max([1, head.arrows_per_end, *(len(end.values) for end in sheet.ends)])
    columns = min(most, MOST_COLUMNS)
    header: list[Content] = [words["end"], *range(1, columns + 1), words["sum"], words["total"], "10+X", "X"]
    rows = joined(_end_rows(end, columns, words) for end in sheet.ends)
    return table(header, [rows], class_="ends")


def _totals(sheet: ArcherSheet, words: Words) -> Markup:
    totals = sheet.totals
    average = "" if totals.average is None else words.number(totals.average, 2)
    header: list[Content] = ["", words["sum"], "10+X", "X", words["average"]]
    cells = (element("td", element("strong", value)) for value in (totals.points, sheet.tens, totals.xs, average))
    return table(header, [element("tr", element("th", words["total"], scope="row"), *cells)], class_="ends totals")


def _end_rows(end: EndRow, columns: int, words: Words) -> Markup:
    """An end in one row; a long one in several, of which the last has the sums."""
    name = words["sighter"] if end.is_sighter else words["no_end"] if end.end is None else str(end.end)
    chunks = [end.values[start : start + columns] for start in range(0, len(end.values), columns)] or [()]
    marks = "sighter" if end.is_sighter else None
    rows = [
        row(
            [name if number == 0 else "", *_padded(chunk, columns), *_sums(end, is_last=number == len(chunks) - 1)],
            class_=marks,
        )
        for number, chunk in enumerate(chunks)
    ]
    if end.surplus:
        text = f"{words['surplus']} {', '.join(end.surplus)}"
        rows.append(element("tr", element("td"), element("td", text, colspan=columns + 4), class_="surplus"))
    return joined(rows)


def _padded(values: Sequence[str], columns: int) -> list[Content]:
    marked: list[Content] = [element("b", value) if value == UNDECIDED else value for value in values]
    return [*marked, *[""] * (columns - len(values))]


def _sums(end: EndRow, *, is_last: bool) -> list[Content]:
    if not is_last:
        return [""] * 4
    return [end.sum, "" if end.running is None else end.running, *(["", ""] if end.is_sighter else [end.tens, end.xs])]


def _signatures(name: str, date: str, words: Words) -> Markup:
    """The lines to sign on, with the archer's name and the day: they stay with the totals, whatever page they are on."""
    signers = (("signature_archer", f"{name}, {date}" if name else date), ("signature_scorer", date))
    boxes = (element("div", element("span", words[key]), element("br"), element("span", of)) for key, of in signers)
    return element("div", *boxes, class_="signatures")
