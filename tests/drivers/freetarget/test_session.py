"""The session of one target: opening, watermarks, gaps, restarts."""

from __future__ import annotations

import pytest

from drivers.contract import Pulse, Reading, Source, StreamStart
from drivers.freetarget.codec import Dialect
from drivers.freetarget.session import ASK_SETTINGS, ASK_VERSION, SET_RAW_POSITIONS, Phase
from tests.drivers.freetarget.live import MS, LiveSession, S


@pytest.mark.parametrize("dialect", list(Dialect))
def test_impacts_count_from_the_second_answer_on(dialect: Dialect) -> None:
    live = LiveSession(dialect)
    live.shot(7)  # an old one, or a replay to a new client
    live.wait(0)
    live.answer()
    live.shot(8)
    live.wait(0.2)
    live.shot(9)
    live.print_settings()
    live.wait(0.4)
    live.shot(10)
    assert live.session.phase is Phase.SETTLING
    live.answer()
    live.shot(11, -3.25, 4.5)

    start, reading = live.reports()

    assert isinstance(start, StreamStart)
    assert isinstance(reading, Reading)
    assert (start.stamp.mono_ns, start.blind_since) == (live.now_ns, None)
    assert (reading.stream_id, reading.seq, reading.x_mm, reading.y_mm) == (start.stream_id, 1, -3.25, 4.5)
    assert (reading.stamp.mono_ns, reading.stamp.uncertainty_s) == (live.now_ns, 0.1)
    assert (reading.tag, reading.reason, reading.source) == (None, "the target reads no tags", Source.HARDWARE)
    assert live.session.counters["before_start"] == 4
    assert live.session.identity.name == "FET-DOC"


def test_firmware_6_is_set_to_raw_positions_before_the_start() -> None:
    live = LiveSession(Dialect.V6)
    live.wait(0)
    live.answer()
    live.wait(0.2)
    live.print_settings()
    live.wait(0.4)
    assert live.sent == [ASK_VERSION, ASK_SETTINGS, SET_RAW_POSITIONS, ASK_VERSION]


def test_missing_settings_are_asked_for_again() -> None:
    live = LiveSession()
    live.wait(0)
    live.answer()
    live.wait(10.5)
    assert live.sent == [ASK_VERSION, ASK_SETTINGS, ASK_SETTINGS]
    live.receive('\r\n\r\nCannot decode: {"FCHO":0}. Use')
    live.wait(0.2)
    assert live.sent[3:] == [ASK_SETTINGS]


def test_an_answer_is_the_watermark_of_its_request() -> None:
    live = LiveSession()
    live.go_live()
    asked_ns = live.ask()
    live.wait(0.7)  # a slow line
    live.shot(1)
    live.answer()

    reading, pulse = live.reports()

    assert isinstance(reading, Reading)
    assert isinstance(pulse, Pulse)
    assert (pulse.stream_id, pulse.last_seq) == (reading.stream_id, 1)
    assert pulse.stamp.mono_ns == asked_ns - 100 * MS


def test_the_echo_of_the_request_is_no_answer() -> None:
    live = LiveSession()
    live.go_live()
    alive_ns = live.session.silent_ns
    live.wait(5.0)
    assert (live.outline(), live.session.silent_ns) == ([], alive_ns)
    assert live.session.counters["echoes"] >= 4


@pytest.mark.parametrize("dialect", [Dialect.V3, Dialect.V4])
def test_a_greeting_without_a_request_is_a_restart(dialect: Dialect) -> None:
    live = LiveSession(dialect)
    live.go_live()
    live.poll()
    assert live.outline() == ["pulse"]
    live.wait(1.0)
    live.answer()
    assert live.outline() == ["start"]


def test_a_greeting_instead_of_the_answer_is_a_restart() -> None:
    live = LiveSession()
    live.go_live()
    live.echoes = False  # the request came while the target started
    live.poll()
    assert live.outline() == ["start"]


def test_a_target_that_never_echoes_is_believed() -> None:
    live = LiveSession(echoes=False)
    live.go_live()
    live.poll()
    assert live.outline() == ["pulse"]


def test_an_answer_to_another_client_changes_nothing() -> None:
    live = LiveSession(Dialect.V6)
    live.go_live()
    live.wait(1.0)
    live.answer()
    assert (live.outline(), live.session.counters["others_answers"]) == ([], 1)


@pytest.mark.parametrize("text", ['{"HELLO WORLD"0, "NAME":"FET-DOC"}', "ESP-ROM:esp32s3-20210327\r\n"])
def test_a_target_that_wakes_or_starts_begins_a_stream(text: str) -> None:
    live = LiveSession(Dialect.V6)
    live.go_live()
    live.shot(1)
    live.reports()
    live.receive(text)
    live.shot(2, 9.0)

    start, reading = live.reports()

    assert isinstance(start, StreamStart)
    assert isinstance(reading, Reading)
    assert (start.blind_since, reading.stream_id, reading.seq) == (None, start.stream_id, 1)


def test_an_impact_lost_before_an_unanswered_request_is_noticed() -> None:
    live = LiveSession()
    live.go_live()
    live.shot(1)
    live.poll()
    live.ask()  # no answer; impact 2 was lost as well
    live.poll()
    live.shot(3, 5.0)
    starts = [report for report in live.reports() if isinstance(report, StreamStart)]
    assert [start.reason for start in starts] == [None, "the target counted impacts that did not arrive"]


def test_a_changed_version_is_a_restart() -> None:
    live = LiveSession(Dialect.V6)
    live.go_live()
    live.wait(2.2)
    live.answer("6.4.0 January 1, 2027")
    assert live.outline() == ["start"]
    assert live.session.identity.version == "6.4.0 January 1, 2027"


def test_a_sleeping_target_proves_nothing_until_it_wakes() -> None:
    live = LiveSession(Dialect.V6)
    live.go_live()
    live.receive('{"BYE":0, "NAME":"FET-DOC"}')
    live.poll()
    assert live.outline() == ["start"]
    live.receive('{"BYE":0, "NAME":"FET-DOC"}')
    live.shot(5)
    assert live.outline() == ["start", "reading"]


def test_an_unanswered_request_leaves_a_gap() -> None:
    live = LiveSession()
    live.go_live()
    live.ask()
    live.poll()
    assert live.sent == [ASK_VERSION, ASK_VERSION]
    assert live.outline() == ["start"]
    live.poll()
    assert live.outline() == ["pulse"]


def test_a_refused_request_is_repeated_without_a_gap() -> None:
    live = LiveSession()
    live.go_live()
    live.wait(2.0)
    live.receive('\r\n\r\nCannot decode: {"VFRSION":0}. Use')
    live.wait(0.2)
    assert live.sent == [ASK_VERSION, ASK_VERSION]
    live.answer()
    assert live.outline() == ["pulse"]


def test_a_skipped_number_doubts_the_time_since_the_last_impact() -> None:
    live = LiveSession()
    live.go_live()
    live.shot(1)
    before_ns = live.now_ns
    live.poll()
    live.reports()
    live.wait(1.0)
    live.shot(3, 5.0)

    start, reading = live.reports()

    assert isinstance(start, StreamStart)
    assert start.blind_since is not None
    assert (start.blind_since.mono_ns, start.stamp.mono_ns) == (before_ns, live.now_ns)
    assert start.reason == "the target counted impacts that did not arrive"
    assert isinstance(reading, Reading)
    assert (reading.seq, reading.x_mm) == (1, 5.0)


def test_a_damaged_impact_is_a_gap_of_its_own_length() -> None:
    live = LiveSession()
    live.go_live()
    live.shot(1)
    live.reports()
    live.wait(1.0)
    live.receive('{"shot":2, "x":1#.5, "y":2}')
    at_ns = live.now_ns
    live.wait(0.5)
    live.shot(3, 5.0)

    start, reading = live.reports()

    assert isinstance(start, StreamStart)
    assert start.blind_since is not None
    assert (start.blind_since.mono_ns, start.stamp.mono_ns) == (at_ns - 100 * MS, at_ns)
    assert start.reason == "an impact was not located"
    assert isinstance(reading, Reading)
    assert live.session.counters["unlocated"] == 1


def test_several_deaf_sensors_are_one_impact() -> None:
    live = LiveSession(Dialect.V6)
    live.go_live()
    live.shot(1)
    live.reports()
    live.receive("Sensor NORTH failed\r\nSensor EAST failed\r\n")
    assert live.outline() == ["start"]
    live.wait(1.0)
    live.shot(3, 5.0)
    assert live.outline() == ["reading"]


def test_announced_misses_are_counted_and_not_reported() -> None:
    live = LiveSession()
    live.go_live()
    live.shot(1)
    live.receive('\r\n("shot":2, "miss":1, "name":"TARGET", "time":149, "x":0}')
    live.receive('{"shot":3, "miss":1, "time":0}\n')
    live.shot(4, 5.0)
    assert live.outline() == ["reading", "reading"]
    assert live.session.counters["misses"] == 2


def test_a_repeated_impact_is_no_second_landing() -> None:
    live = LiveSession(Dialect.V6)
    live.go_live()
    for number in (1, 2, 3):
        live.shot(number, 10.0 * number)
    for number in (1, 2, 3):
        live.shot(number, 10.0 * number)  # a client lets the target print its session
    assert live.outline() == ["reading"] * 3
    assert live.session.counters["repeated"] == 3


def test_a_restarted_count_doubts_what_no_watermark_covers() -> None:
    live = LiveSession()
    live.go_live()
    live.shot(8)
    live.shot(1, 5.0)
    [_, start, reading] = live.reports()
    assert isinstance(start, StreamStart)
    assert (start.blind_since, isinstance(reading, Reading)) == (None, True)


def test_a_remapped_impact_is_not_reported() -> None:
    live = LiveSession()
    live.go_live()
    live.receive('{"shot":1, "x":1.00, "y":2.00 , "real_x":38.00 , "real_y":39.00 }')
    assert (live.session.remapped, live.outline()) == (True, [])


def test_impacts_while_settings_are_printed_are_less_exact() -> None:
    live = LiveSession()
    live.go_live()
    live.session.request(ASK_SETTINGS)
    live.wait(max(live.session.due_ns - live.now_ns, 0) / S)
    assert live.sent == [ASK_SETTINGS]
    asked_ns = live.now_ns
    live.wait(4.2)
    assert live.sent == [ASK_SETTINGS], "the target takes nothing while it prints"
    live.print_settings()
    live.shot(1)
    live.poll()
    live.shot(2, 5.0)
    live.poll()

    during, start, after, pulse = live.reports()

    assert isinstance(during, Reading)
    assert isinstance(start, StreamStart)
    assert isinstance(after, Reading)
    assert during.stamp.uncertainty_s == pytest.approx(4.2, abs=0.2)
    assert after.stamp.uncertainty_s == 0.1
    assert isinstance(pulse, Pulse), "the first answer afterwards proves nothing"
    assert start.blind_since is not None
    assert start.blind_since.mono_ns == asked_ns - 100 * MS
    assert start.reason == "the target printed its settings"


def test_commands_keep_their_distance() -> None:
    live = LiveSession()
    live.go_live()
    live.session.request(b'{"LED_BRIGHT":40}', b'{"Z_OFFSET":12}')
    live.wait(0.1)
    assert len(live.sent) <= 1
    live.wait(0.3)
    assert live.sent == [b'{"LED_BRIGHT":40}', b'{"Z_OFFSET":12}']
    live.session.request(ASK_SETTINGS)
    live.session.withdraw(ASK_SETTINGS)
    live.wait(1.0)
    assert ASK_SETTINGS not in live.sent


def test_a_printing_target_is_not_silent() -> None:
    live = LiveSession()
    live.go_live()
    quiet_ns = live.session.silent_ns
    live.session.request(ASK_SETTINGS)
    live.wait(0.2)
    assert live.session.silent_ns >= live.now_ns + 9 * S > quiet_ns
