"""Faces on a butt, and the slots of archers at it."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.common.config.errors import CommandError, UsageError
from edge.common.vocabulary import SlotLetter
from edge.operator.butt.layout import GAP_MM, FacePlace, FaceRequest, faces_on_butt, parse_face
from edge.operator.butt.slots import NewSlot, parse_slots
from edge.shots.faces import load_catalogue

CODES = sorted(load_catalogue())


def centres(*texts: str, side: float = 1280.0) -> list[tuple[str, float, float]]:
    _, _, places = faces_on_butt([parse_face(text) for text in texts], side, side)
    return [(place.human_identifier, place.x_mm, place.y_mm) for place in places]


def test_one_face_is_in_the_middle() -> None:
    assert centres("wa_40") == [("A", 640.0, 640.0)]
    assert centres("wa_40_triple") == [("A", 640.0, 860.0), ("B", 640.0, 640.0), ("C", 640.0, 420.0)]
    assert faces_on_butt([FaceRequest("wa_122")])[:2] == (1280.0, 1280.0)
    assert faces_on_butt([FaceRequest("wa_40")])[:2] == (1240.0, 1240.0)


def test_several_faces_are_spread_in_rows() -> None:
    assert centres("wa_40", "wa_40") == [("1", 360.0, 640.0), ("2", 920.0, 640.0)]
    four = [("1", 360.0, 920.0), ("2", 920.0, 920.0), ("3", 360.0, 360.0), ("4", 920.0, 360.0)]
    assert centres(*["wa_40"] * 4) == four
    name, x, y = centres("l=wa_40_triple", "r=wa_40_triple")[0]
    assert (name, round(x, 1), y) == ("l A", 393.3, 860.0)
    _, _, narrow = faces_on_butt([FaceRequest("wa_field_20")] * 3, 640.0, 300.0)
    assert [place.x_mm for place in narrow] == [100.0, 320.0, 540.0]  # without margins, 2 cm apart


@given(st.lists(st.sampled_from(CODES), min_size=1, max_size=6), st.floats(400.0, 3000.0), st.floats(400.0, 3000.0))
def test_faces_lie_wholly_on_the_butt_and_apart(codes: list[str], width: float, height: float) -> None:
    try:
        _, _, places = faces_on_butt([FaceRequest(code) for code in codes], width, height)
    except CommandError:
        return
    slack = 1e-6
    for place in places:
        outer = place.radii_mm[-1] - slack
        assert outer <= place.x_mm <= width - outer
        assert outer <= place.y_mm <= height - outer
    for one, other in combinations(places, 2):
        if one.name != other.name:
            apart = math.dist((one.x_mm, one.y_mm), (other.x_mm, other.y_mm)) - one.radii_mm[-1] - other.radii_mm[-1]
            assert apart >= GAP_MM - slack


def test_faces_keep_given_places() -> None:
    assert centres("l=wa_40@300,620", "r=wa_40@720.5,620") == [("l", 300.0, 620.0), ("r", 720.5, 620.0)]


def test_faces_of_one_name_are_the_spots_of_one() -> None:
    sheet = [
        "kim=worcester_spot@620,620",
        "lee=wa_40@250,250",
        "kim=worcester_spot@420,820",
        "kim=worcester_spot@820,820",
    ]
    assert [name for name, _, _ in centres(*sheet)] == ["kim 1", "lee", "kim 2", "kim 3"]
    _, _, places = faces_on_butt([FaceRequest("worcester_spot", "kim")] * 5)
    assert {place.name for place in places} == {"kim"}
    assert len({(place.x_mm, place.y_mm) for place in places}) == 5


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["wa_40@199,640"], "face 1 does not lie wholly on the butt"),
        (["wa_40@300,640", "wa_40@699,640"], "faces 1 and 2 overlap"),
        (["wa_122", "wa_122"], "these 2 faces do not fit on a butt of 1280 by 1280 mm"),
        (["wa_40@300,640", "wa_40"], "face 2 has no place"),
        (["l=wa_40", "l=wa_60"], "two faces are named l"),
        (["l=wa_40_triple", "l=wa_40_triple"], "two faces are named l"),
        (["2=wa_40", "wa_40"], "two faces are named 2"),
        (["l=wa_field_20"] * 10, "10 faces are named l"),
        (["wa_40@300"], "is not a face"),
        (["wa_40@a,b"], "has no place on the butt"),
        (["wa_40@nan,1"], "has no place on the butt"),
        (["=wa_40"], "is not a face"),
        (["my face=wa_40"], "is not a face"),
        (["ifaa_field_60"], "there is no face 'ifaa_field_60'"),
        (["-"], "there is no face '-'"),
    ],
)
def test_impossible_faces_are_refused_with_remedy(texts: list[str], message: str) -> None:
    with pytest.raises((CommandError, UsageError), match=message) as caught:
        centres(*texts)
    assert caught.value.hint


def places(*names: str) -> list[FacePlace]:
    return faces_on_butt([FaceRequest("wa_40", name) for name in names], 3000.0, 3000.0)[2]


def test_slots_are_read_from_their_texts() -> None:
    slots = parse_slots(["B=r,archer=Lee Park", "A=l,bow=bow-1,archer=Kim"], places("l", "r"))
    letters = SlotLetter.A, SlotLetter.B
    assert slots == [NewSlot(letters[0], "l", "bow-1", "Kim"), NewSlot(letters[1], "r", None, "Lee Park")]
    shared = parse_slots(["A", "B,bow=bow-2"], places("l"))
    assert [(slot.face, slot.bow) for slot in shared] == [("l", None), ("l", "bow-2")]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["E=l"], "is not a slot"),
        (["A=l,bow="], "is not a slot"),
        (["A=l,arrow=x"], "is not a slot"),
        (["A=l,bow=x,bow=y"], "is not a slot"),
        (["A"], "slot A has no face"),
        (["A=x"], "a face 'x' that is not on the butt"),
        (["A=l", "A=r"], "slot A is given twice"),
        (["A=l,bow=x", "B=r,bow=x"], "bow x is given twice"),
        (["A=l,archer=Kim Lee", "B=r,archer=kim  lee"], "archer kim  lee is in the slots A and B"),
    ],
)
def test_impossible_slots_are_refused_with_remedy(texts: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse_slots(texts, places("l", "r"))
    assert caught.value.hint
