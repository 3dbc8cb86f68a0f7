"""The pure modules of the controls: what a form sends, where an error stands, and how paper and sensors differ."""

from __future__ import annotations

from typing import Any

import pytest

from drivers.r200.programming import Phase
from tests.edge.push.page.fixture_types import Call
from tests.edge.push.page.shots import FACE, shot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SESSION, PAPER, VALUES = "operate/model/session.js", "operate/model/paper.js", "operate/model/values.js"
HISTORY = "operate/model/history.js"
PREFILL: dict[str, Any] = {
    "lane": 1, "distance_m": 18, "faces": ["wa_40"], "location": "Hall", "is_indoor": True, "arrows_per_end": 3,
    "sighter_ends": 0, "rules": "wa", "slots": [], "butt_width_mm": None, "butt_height_mm": None,
}  # fmt: skip


async def body(call: Call, prefill: dict[str, Any], **changes: Any) -> Any:
    """Return what the form sends after changes of the values that it proposes."""
    values = await call(SESSION, "openValues", prefill)
    return await call(SESSION, "openBody", values | changes, prefill)


async def test_a_proposal_is_sent_as_it_came(call: Call) -> None:
    sent = await body(call, PREFILL)
    assert sent == {name: value for name, value in PREFILL.items() if not name.startswith("butt_")}


async def test_faces_in_their_places_are_sent_as_before(call: Call) -> None:
    before = PREFILL | {
        "faces": ["left=wa_40@320,620", "right=wa_40@920,620"],
        "slots": [{"letter": "B", "archer": "Jo", "bow_device_id": None, "face": "right"}],
        "butt_width_mm": 1280,
    }
    sent = await body(call, before, archer_A="Kim")
    assert (sent["faces"], sent["butt_width_mm"]) == (before["faces"], 1280)
    assert sent["slots"] == [{"letter": "A", "archer": "Kim"}, {"letter": "B", "archer": "Jo", "face": "right"}]
    other = await body(call, before, face="wa_80")
    assert (other["faces"], other["slots"]) == (["wa_80"], [{"letter": "B", "archer": "Jo"}])


async def test_each_archer_can_have_a_face(call: Call) -> None:
    sent = await body(call, PREFILL, archer_A="Kim", archer_C="Jo", bow_C="bow-2", own_faces=True)
    assert sent["faces"] == ["A=wa_40", "C=wa_40"]
    assert sent["slots"] == [
        {"letter": "A", "archer": "Kim", "face": "A"},
        {"letter": "C", "archer": "Jo", "bow_device_id": "bow-2", "face": "C"},
    ]
    assert (await body(call, PREFILL, own_faces=True))["faces"] == ["wa_40"]  # without archers one face


async def test_arrows_shot_before_are_counted_on_request(call: Call) -> None:
    values = await call(SESSION, "openValues", PREFILL)
    assert (await call(SESSION, "openBody", values, PREFILL, "2026-01-01T10:00:00Z"))["since"] == "2026-01-01T10:00:00Z"


async def test_two_archers_have_two_names(call: Call) -> None:
    faults = await call(
        SESSION,
        "openFaults",
        {"archer_A": "Kim", "archer_B": " kim ", "bow_A": "x", "bow_D": "x", "own_faces": True},
        PREFILL,
    )
    assert set(faults) == {"archer_B", "bow_D"}


async def test_archers_at_one_face_need_a_bow_each(call: Call) -> None:
    two = {"face": "wa_40", "archer_A": "Kim", "archer_B": "Jo", "own_faces": False}
    assert set(await call(SESSION, "openFaults", two, PREFILL)) == {"own_faces"}
    assert set(await call(SESSION, "openFaults", two | {"bow_A": "bow-1"}, PREFILL)) == {"own_faces"}
    for allowed in ({"own_faces": True}, {"bow_A": "bow-1", "bow_B": "bow-2"}, {"archer_B": ""}):
        assert await call(SESSION, "openFaults", two | allowed, PREFILL) == {}
    assert set(await call(SESSION, "openFaults", two | {"face": "=", "own_faces": True}, PREFILL)) == {"face"}
    slots = [{"letter": letter, "face": face} for letter, face in (("A", "left"), ("B", "right"))]
    assert await call(SESSION, "openFaults", two | {"face": "="}, PREFILL | {"slots": slots}) == {}


async def test_a_distance_in_yards_is_sent_in_metres(call: Call) -> None:
    assert await call(SESSION, "inUnit", 70, "yd") == 76.6
    assert await call(SESSION, "inMetres", 76.6, "yd", 70) == 70  # unchanged, so not by the rounded yards
    assert await call(SESSION, "inMetres", 20, "yd", 70) == 18.288
    assert await call(SESSION, "inMetres", 18, "m", 70) == 18


async def test_an_entry_is_compared_with_its_own_archer(call: Call) -> None:
    shots = [shot(1, 10) | {"end": 1, "extra": False, "slot": slot, "letter": ""} for slot in ("A", None)]
    assert await call(PAPER, "sensorValues", shots, 1, "A") == ["10"]
    assert await call(PAPER, "sensorValues", shots, 1, "B") == []
    assert await call(PAPER, "rowOf", shots, 1, "B") is None
    assert len(await call(PAPER, "sensorValues", shots, 1, "")) == 2


async def test_ends_that_the_sensors_did_not_see_can_be_entered(call: Call) -> None:
    ends = await call(PAPER, "cardEnds", [], [{"slot": None, "end_number": 2, "values": ["9"]}], 1)
    assert [(one["number"], one["name"], one["count"]) for one in ends] == [(3, "2", 0), (2, "1", 0)]
    assert [one["number"] for one in await call(PAPER, "cardEnds", [], [], 0)] == [1]


async def test_every_step_of_programming_has_words(call: Call) -> None:
    for phase in Phase:
        text = await call("operate/model/arrow.js", "progressText", {"phase": phase, "done": 0, "total": 0})
        assert text != phase, phase


async def test_an_error_stands_beside_its_field(call: Call) -> None:
    errors = [
        {"code": "x", "message": "too far", "loc": ["body", "distance_m"]},
        {"code": "x", "message": "no such bow", "loc": ["body", "slots", 0, "bow_device_id"]},
        {"code": "x", "message": "the lane is open"},
    ]
    found = await call("operate/model/answer.js", "faultsOf", errors, ["distance_m", "slots"])
    assert found == {"fields": {"distance_m": "too far", "slots": "no such bow"}, "general": ["the lane is open"]}


async def test_typed_values_survive_a_change_by_others(call: Call) -> None:
    typed = {"location": "Garden", "arrows_per_end": 6, "is_indoor": False}
    initial = {"location": "Hall", "arrows_per_end": 6, "is_indoor": False}
    now = {"location": "Hall 2", "arrows_per_end": 3, "is_indoor": False}
    merged = await call("operate/model/answer.js", "mergedValues", typed, initial, now)
    assert merged == {"values": {"location": "Garden", "arrows_per_end": 3, "is_indoor": False}, "kept": ["location"]}
    assert await call("operate/model/answer.js", "changedValues", merged["values"], now) == {"location": "Garden"}


async def test_keys_are_the_values_of_the_face(call: Call) -> None:
    assert await call(VALUES, "valuesOf", [FACE]) == ["X", *map(str, range(10, 0, -1)), "M"]
    plain = FACE | {"x_radius": None, "points": [5, 4, 3]}
    assert await call(VALUES, "valuesOf", [plain]) == ["5", "4", "3", "M"]
    assert await call(VALUES, "pointsOfX", [FACE], None) == 10
    assert await call(VALUES, "pointsOfX", [FACE], 11) == 11


@pytest.mark.parametrize(
    ("value", "sent"), [("X", {"is_x": True}), ("M", {"points": 0}), ("9", {"points": 9})], ids=["x", "miss", "nine"]
)
async def test_a_key_is_sent_as_its_value(call: Call, value: str, sent: dict[str, Any]) -> None:
    assert await call(VALUES, "correction", value, "seen") == sent | {"reason": "seen"}


@pytest.mark.parametrize(
    ("result", "points", "value"),
    [
        ("hit", 9, "9"),
        ("miss", 0, "M"),
        ("off_face", 0, "M"),
        ("unknown", None, ""),
        ("pending", None, ""),
        ("void", 9, ""),
    ],
)
async def test_a_shot_has_the_value_of_a_key(call: Call, result: str, points: int | None, value: str) -> None:
    assert await call(VALUES, "valueOf", shot(1, points, result=result)) == value


@pytest.mark.parametrize(
    ("paper", "sensors", "differing"),
    [
        (["10", "9", "M"], ["M", "9", "10"], []),
        (["10", "8", "8"], ["10", "9", "8"], [["8", "9"]]),
        (["X", "9"], ["10", "9"], [["X", "10"]]),
        (["10", "9"], ["10", "9", "7"], [["", "7"]]),  # one arrow too few marks no other
        (["10", "9", "7"], [], [["10", ""], ["9", ""], ["7", ""]]),
        (["9"], [""], [["9", ""]]),  # the sensors have not decided
    ],
)
async def test_differences_are_those_of_single_arrows(
    call: Call, paper: list[str], sensors: list[str], differing: list[list[str]]
) -> None:
    rows = await call(PAPER, "compare", paper, sensors)
    assert [[row["paper"], row["sensor"]] for row in rows if row["differs"]] == differing
    assert len(rows) == max(len(paper), len(sensors))


async def test_a_sum_counts_an_x_by_the_rules(call: Call) -> None:
    assert await call(PAPER, "sumOf", ["X", "10", "M", ""], 10) == 20
    assert await call(PAPER, "sumOf", ["X", "10"], 11) == 21


async def test_a_landing_is_offered_to_shots_without_one(call: Call) -> None:
    missing: dict[str, Any] = {"landing_seq": None, "release_seq": 4, "result": "unknown"}
    shots = [
        shot(1),
        shot(2, None, **missing),
        shot(3, None, **missing),
        shot(4, None, landing_seq=None, release_seq=1, result="void"),
    ]
    found = await call("operate/model/orphan.js", "candidates", shots, {"at": shots[2]["arrow_disengage_time"]})
    assert [one["id"] for one in found] == ["shot-003", "shot-002"]
    choice = await call("operate/model/orphan.js", "resolution", "alone", "seen")
    assert choice == {"action": "assign", "body": {"shot_id": None, "reason": "seen"}}


@pytest.mark.parametrize(("name", "following"), [("A09", "A10"), ("B7", "B8"), ("Z99", "Z100"), ("left", "")])
async def test_the_next_arrow_has_the_next_number(call: Call, name: str, following: str) -> None:
    assert await call("operate/model/arrow.js", "nextName", name) == following


async def test_sizes_that_are_not_known_are_not_sent(call: Call) -> None:
    values = {"human_identifier": " A1 ", "length": 70.5, "diameter": None, "weight": 20, "spine": None}
    sent = await call("operate/model/arrow.js", "arrowBody", "id", values)
    assert sent == {"id": "id", "human_identifier": "A1", "length": 70.5, "is_programmed": False, "weight": 20}


async def test_history_names_arrows_of_no_archer(call: Call) -> None:
    archer = {
        "slot": "A",
        "archer": None,
        "arrows": 6,
        "points": 50,
        "average": None,
        "spread": None,
        "best": None,
        "is_best": False,
    }
    session = {
        "id": "1",
        "lane": 1,
        "start_time": "2026-01-01T10:00:00Z",
        "distance_m": 18,
        "faces": [],
        "location": "Hall",
    }
    shared = await call(HISTORY, "historyRow", session | {"archers": [archer, archer | {"slot": None}]})
    alone = await call(HISTORY, "historyRow", session | {"archers": [archer | {"slot": None}]})
    assert [one["name"] for one in shared["archers"] + alone["archers"]] == ["A", "Arrows of no archer", ""]
