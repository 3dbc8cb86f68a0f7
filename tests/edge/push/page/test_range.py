"""The state of a lane on the page: a snapshot and events, each of which may arrive twice."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page

from tests.edge.push.page.shots import shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SNAPSHOT: dict[str, Any] = {
    "lane": 1, "lanes": [], "session": {"id": "S", "sighter_ends": 0, "arrows_per_end": 3}, "target": None, "faces": [],
    "simulated": False, "sources": [], "orphans": [], "now": "2026-01-01T10:10:00Z",
}  # fmt: skip

RANGE = """async ([snapshot, events, after]) => {
    const { Range } = await import("/static/model/range.js");
    const range = new Range(snapshot, 5000);
    const changes = events.map((shot) => range.take(shot));
    return { changes: changes.map((one) => one && [one.isNew, one.isLate, one.before ?? null]),
        shots: range.shots(5000 + after).map((one) => [one.id, one.result, one.previous_value, one.recent]) };
}"""


FACES_OF = """async ([snapshot, shots]) => {
    const { Range } = await import("/static/model/range.js");
    const range = new Range(snapshot, 5000);
    return shots.map((shot) => range.facesOf(shot).map((face) => face.id));
}"""


async def test_a_shot_is_explained_on_the_faces_of_its_archer(modules: Page) -> None:
    faces = [{"id": "1", "name": "left"}, {"id": "2", "name": "left"}, {"id": "3", "name": "right"}]
    slots = [{"letter": letter, "face": face, "archer": None} for letter, face in (("A", "left"), ("B", "right"))]
    shots = [
        shot(1, slot="A"),
        shot(2, slot="B"),
        shot(3, slot=None),
        shot(4, slot="A", flags=["wrong_face"]),
        shot(5, slot="A", face_id="3"),
    ]
    snapshot = SNAPSHOT | {"faces": faces, "slots": slots, "shots": []}
    assert await modules.evaluate(FACES_OF, [snapshot, shots]) == [
        ["1", "2"],
        ["3"],
        ["1", "2", "3"],
        ["1", "2", "3"],
        ["1", "2", "3"],
    ]


async def known(modules: Page, shots: list[dict[str, Any]], events: list[dict[str, Any]], after_ms: int = 0) -> Any:
    return await modules.evaluate(RANGE, [SNAPSHOT | {"shots": shots}, events, after_ms])


async def test_a_repeated_event_changes_nothing(modules: Page) -> None:
    first = shot(1, None, dx=None, result="pending")
    hit = shot(1, 9, revision=2)
    found = await known(modules, [first], [first, hit, first, hit, shot(2), shot(3, session_id="another")])
    assert found["changes"] == [None, [False, False, "…"], None, None, [True, False, None], None]
    assert [one[:2] for one in found["shots"]] == [["shot-001", "hit"], ["shot-002", "hit"]]


async def test_a_change_of_a_shown_value_is_late(modules: Page) -> None:
    was = {"result": "miss", "points": 0, "is_x": False}
    late = shot(1, 8, revision=3, previous_value=was, corrected_at="2026-01-01T10:10:00Z")
    found = await known(modules, [shot(1, 0, dx=None, result="miss", revision=2)], [late])
    assert found["changes"] == [[False, True, "M"]]
    assert found["shots"] == [["shot-001", "hit", "M", True]]


async def test_a_correction_is_recent_for_a_minute_by_the_hubs_clock(modules: Page) -> None:
    corrected = shot(
        1,
        8,
        previous_value={"result": "miss", "points": 0, "is_x": False},
        corrected_at="2026-01-01T10:09:30Z",
        revision=2,
    )
    for after_ms, recent in ((0, True), (29_000, True), (31_000, False)):
        found = await known(modules, [corrected], [], after_ms)
        assert found["shots"] == [["shot-001", "hit", "M", recent]]


async def test_the_same_value_by_another_result_is_no_correction(modules: Page) -> None:
    same = shot(1, 0, result="off_face", previous_value={"result": "miss", "points": 0, "is_x": False},
                corrected_at="2026-01-01T10:10:00Z", revision=2)  # fmt: skip
    found = await known(modules, [same], [])
    assert found["shots"] == [["shot-001", "off_face", None, False]]


async def test_superseded_shots_disappear_and_voided_ones_stay(modules: Page) -> None:
    gone = shot(1, None, result="void", flags=["superseded"], revision=2)
    voided = shot(2, None, result="void", flags=["corrected"], revision=2)
    found = await known(modules, [shot(1), shot(2)], [gone, voided])
    assert [change[1] for change in found["changes"]] == [True, True]
    assert [one[:2] for one in found["shots"]] == [["shot-002", "void"]]
