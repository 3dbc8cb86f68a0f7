"""The opening of firmware 6: what it discards, and the command for raw positions that it cannot show."""

from __future__ import annotations

import pytest

from drivers.freetarget import driver, session
from drivers.freetarget.codec import Dialect
from drivers.freetarget.session import ASK_SETTINGS, ASK_VERSION, SET_RAW_POSITIONS
from drivers.transport import serial
from edge.sensor.daemon import READER_LOOP_S
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


def test_settings_that_are_printed_for_long_are_a_sign_of_life() -> None:
    live = LiveSession(Dialect.V6)
    live.go_live()
    live.session.request(ASK_SETTINGS)
    live.wait(0.2)
    live.receive('\r\n{\r\n"NAME":"FET-DOC", \r\n')
    live.wait(8.0)
    live.receive('"SENSOR": 232.00, \r\n}\r\n')
    assert live.session.settings_read == 2
    assert live.session.silent_ns == live.now_ns + 6 * S


def test_opening_leaves_time_for_a_second_attempt() -> None:
    """A restarting board answers after some seconds; a daemon whose opening takes longer than its loop counts as hung."""
    boot_s, printing_s = 3.0, 6.0
    assert boot_s + session.PRINTING_NS / 1e9 + printing_s < driver.OPEN_S
    assert serial.OPEN_S + driver.OPEN_S < READER_LOOP_S
