"""The words of the world are words of the edge and of the driver contract."""

from __future__ import annotations

from drivers.contract import ReadingKind
from edge.common import vocabulary
from simulators.world.vocabulary import EventKind, Result


def test_results_are_results_of_shots() -> None:
    assert {result.value for result in Result} <= {result.value for result in vocabulary.Result}


def test_events_are_readings_except_an_emptied_butt() -> None:
    assert {kind.value for kind in EventKind} - {kind.value for kind in ReadingKind} == {EventKind.PULLED}
