"""Select and Query at simulated tags: target, action, session, and the flag SL."""

from __future__ import annotations

import pytest

from drivers.r200.codec import Bank, Select
from simulators.devices.gen2_tag import Gen2Tag
from simulators.devices.r200.selection import takes_part

TIDS = [bytes.fromhex("e2806890200012345678abcd"), bytes.fromhex("e2806890200012345678abce")]
MEANT, OTHER = (Gen2Tag(tid) for tid in TIDS)
ALL, SESSION_1, TARGET_B, NOT_SL, SL = 0x1020, 0x1120, 0x10A0, 0x1820, 0x1C20
"""Parameters of Query with Q 4: those of a reader after a reset, and with one field changed."""


def answering(query: int, *, target: int = 0, action: int = 0, is_truncated: bool = False) -> str:
    """Which of the tags takes part: the one with the TID that is selected, the other, both or none."""
    select = Select(Bank.TID, 0, 96, TIDS[0], target, action, is_truncated)
    return "".join(
        name for name, tag in (("meant ", MEANT), ("other", OTHER)) if takes_part(tag, select, query)
    ).strip()


BOTH = "meant other"


@pytest.mark.parametrize(
    ("action", "of_a", "of_b"),
    [
        (0, "meant", "other"),
        (1, BOTH, ""),
        (2, "meant", "other"),
        (3, "other", "meant"),
        (4, "other", "meant"),
        (5, "other", "meant"),
        (6, BOTH, ""),
        (7, "meant", "other"),
    ],
)
def test_action_sets_the_flag_of_the_session(action: int, of_a: str, of_b: str) -> None:
    assert answering(ALL, action=action) == of_a
    assert answering(TARGET_B, action=action) == of_b


@pytest.mark.parametrize(
    ("action", "of_sl"), list(enumerate(["meant", "meant", "", "meant", "other", "", "other", "other"]))
)
def test_action_sets_sl(action: int, of_sl: str) -> None:
    others = {"meant": "other", "other": "meant", "": BOTH}[of_sl]
    assert answering(SL, target=4, action=action) == of_sl
    assert answering(NOT_SL, target=4, action=action) == others
    assert answering(ALL, target=4, action=action) == BOTH, "a Query that does not ask for SL"


def test_flags_of_another_session_do_not_count() -> None:
    assert answering(SESSION_1) == BOTH
    assert answering(SESSION_1, target=1) == "meant"
    assert answering(ALL, target=1) == answering(ALL, target=7) == BOTH


def test_without_a_select_that_fits_every_tag_answers() -> None:
    assert answering(ALL, is_truncated=True) == BOTH
    assert takes_part(OTHER, None, ALL)
    assert not takes_part(OTHER, None, SL)
    assert takes_part(OTHER, Select(Bank.TID, 0, 0, b""), ALL)
