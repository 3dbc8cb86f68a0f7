"""Sheets of sessions for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st

from edge.common.vocabulary import Flag, Result, SessionState
from edge.operator.export.sheet import Place, SheetHead, SheetSource, ShotDetails
from edge.statistics import ShotFacts
from tests.edge.statistics.session_rows import session, shot

START = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
ARCHERS = (Place("A", "Kim", "wa_122"), Place("B", "Ünal <b>", "wa_122"))


def head(*places: Place, sighters: int = 0) -> SheetHead:
    return SheetHead(
        session_id=UUID(int=7),
        lane=3,
        state=SessionState.CLOSED,
        start_time=START,
        end_time=START + timedelta(hours=2),
        location="Field 1",
        is_indoor=False,
        distance_m=70.0,
        faces=["wa_122"],
        arrows_per_end=6,
        sighter_ends=sighters,
        rule_set="wa",
        rule_set_version=1,
        places=places,
    )


def sheet(*shots: ShotFacts, places: tuple[Place, ...] = (), sighters: int = 0) -> SheetSource:
    details = {one.id: ShotDetails(released_at=START + timedelta(seconds=30 * i)) for i, one in enumerate(shots)}
    return SheetSource(head(*places, sighters=sighters), session(*shots, sighters=sighters), details)


def of_ends(ends: int, arrows: int, letters: str, sighters: int = 0) -> SheetSource:
    """A whole session: each archer shoots all ends, with values from X down to 6."""
    values = [(10, True), (10, False), (9, False), (8, False), (7, False), (6, False)]
    shots = [
        shot(
            1000 * end + 100 * place + arrow,
            values[(arrow + end) % 6][0],
            is_x=values[(arrow + end) % 6][1],
            end=end,
            slot=letter or None,
        )
        for end in range(1, ends + 1)
        for place, letter in enumerate(letters or [""])
        for arrow in range(arrows)
    ]
    places = tuple(Place(letter, f"Archer {letter}", "wa_122") for letter in letters)
    return sheet(*shots, places=places, sighters=sighters)


@st.composite
def any_shot(draw: st.DrawFn, number: int) -> ShotFacts:
    """A shot of any result, end and archer."""
    result = draw(st.sampled_from(Result))
    is_x = result is Result.HIT and draw(st.booleans())
    points = {Result.HIT: draw(st.integers(1, 10)), Result.PENDING: None, Result.UNKNOWN: None}.get(result, 0)
    return shot(
        number,
        10 if is_x else points,
        dx=draw(st.none() | st.floats(-600, 600)),
        result=result,
        end=draw(st.none() | st.integers(1, 4)),
        is_x=is_x,
        flags=frozenset(draw(st.sets(st.sampled_from([Flag.EXTRA, Flag.SAME_SPOT, Flag.LATE])))),
        slot=draw(st.sampled_from([None, "A", "B", "D"])),
    )


@st.composite
def any_sheet(draw: st.DrawFn) -> SheetSource:
    """A session of any shots, with slots or without."""
    shots = [draw(any_shot(number)) for number in range(1, 1 + draw(st.integers(0, 12)))]
    places = draw(st.sampled_from([(), ARCHERS]))
    return sheet(*shots, places=places, sighters=draw(st.integers(0, 2)))
