"""The opening of firmware 6: what it discards, and the command for raw positions that it cannot show."""

from __future__ import annotations

import pytest

from drivers.freetarget.codec import Dialect
from drivers.freetarget.session import ASK_SETTINGS, ASK_VERSION, SET_RAW_POSITIONS
from tests.drivers.freetarget.live import LiveSession, S


def test_commands_wait_until_the_target_listens_again() -> None:
    """Firmware 6 discards what arrives just after it has printed its settings."""
    live = LiveSession(Dialect.V6)
    live.wait(0)
    live.answer()
    live.wait(5.0)
    before = len(live.sent)
    live.print_settings()
    live.wait(0.1)
    assert len(live.sent) == before
    live.wait(0.2)
    assert len(live.sent) > before
    assert live.now_ns < live.session.silent_ns < live.now_ns + 10 * S


@pytest.mark.parametrize("damage", ["lost", "changed"])
def test_a_lost_command_for_raw_positions_is_sent_again(damage: str) -> None:
    live = LiveSession(Dialect.V6, echoes=False)
    live.wait(0)
    live.receive(ASK_VERSION)
    live.answer()
    live.wait(0.2)
    live.print_settings()
    live.wait(0.2)
    assert live.sent[-1] == SET_RAW_POSITIONS
    if damage == "changed":
        live.receive(SET_RAW_POSITIONS)
        live.receive('\r\n\r\nCannot decode: {"TARGFT_TYPE":0}')
    live.wait(0.15)
    live.receive(ASK_VERSION)
    live.answer()
    assert live.outline() == []
    live.wait(0.15)
    assert live.sent[-1] == SET_RAW_POSITIONS
    live.receive(SET_RAW_POSITIONS)
    live.wait(0.15)
    live.receive(ASK_VERSION)
    live.answer()
    assert live.outline() == ["start"]
    assert live.sent == [ASK_VERSION, ASK_SETTINGS, SET_RAW_POSITIONS, ASK_VERSION, SET_RAW_POSITIONS, ASK_VERSION]
