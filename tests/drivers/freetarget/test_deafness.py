"""A target that is deaf for longer than usual after an impact, or reports it late: by its settings, or because a sensor is faulty."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from drivers.contract import Pulse, Reading, Report, StreamStart
from drivers.freetarget.codec import Dialect
from tests.drivers.freetarget.live import MS, LiveSession

LATENCY_NS = 100 * MS
REASON = "by its settings the target may sense nothing for longer than usual after an impact"


def blind_ns(reports: Iterable[Report]) -> list[tuple[int | None, int | None]]:
    """The blind times among reports."""
    return [
        (None if report.blind_since is None else report.blind_since.mono_ns, report.stamp.mono_ns)
        for report in reports
        if isinstance(report, StreamStart)
    ]


@pytest.mark.parametrize("ring_ms", [50, 500])
def test_usual_settings_leave_no_blind_time(ring_ms: int) -> None:
    live = LiveSession()
    live.go_live(MIN_RING_TIME=ring_ms)
    live.shot(1)
    live.poll()
    assert live.outline() == ["reading", "pulse"]


@pytest.mark.parametrize("dialect", list(Dialect))
def test_a_longer_ring_is_blind_after_each_impact(dialect: Dialect) -> None:
    live = LiveSession(dialect)
    live.go_live(MIN_RING_TIME=1_200)
    live.shot(1)
    impact_ns = live.now_ns
    live.wait(1.4)
    live.poll()

    reading, start, pulse = live.reports()

    assert isinstance(reading, Reading)
    assert isinstance(start, StreamStart)
    assert isinstance(pulse, Pulse)
    assert start.blind_since is not None
    assert (start.blind_since.mono_ns, start.reason) == (impact_ns - LATENCY_NS, REASON)
    assert start.stamp.mono_ns == impact_ns + 1_200 * MS + LATENCY_NS
    assert (pulse.stream_id, pulse.last_seq) == (start.stream_id, 0)
    live.poll()
    assert live.outline() == ["pulse"]


def test_a_deafness_of_many_questions_is_blind_throughout() -> None:
    live = LiveSession()
    live.go_live(MIN_RING_TIME=7_000)
    live.shot(1)
    impact_ns = live.now_ns
    for _ in range(5):
        live.poll()

    blind = blind_ns(live.reports())

    assert len(blind) == 4
    assert blind[0][0] == impact_ns - LATENCY_NS
    assert [since for since, _ in blind[1:]] == [until for _, until in blind[:-1]]
    assert blind[-1][1] == impact_ns + 7_000 * MS + LATENCY_NS


def test_an_impact_ends_a_deafness_and_begins_the_next() -> None:
    live = LiveSession()
    live.go_live(MIN_RING_TIME=1_000)
    live.shot(1)
    first_ns = live.now_ns
    live.wait(1.05)
    live.shot(2, 5.0)
    second_ns = live.now_ns
    asked_ns = live.ask()
    live.answer()
    live.poll()

    reports = live.reports()
    starts = [report for report in reports if isinstance(report, StreamStart)]

    assert blind_ns(starts) == [
        (first_ns - LATENCY_NS, second_ns),
        (second_ns, asked_ns - LATENCY_NS),
        (asked_ns - LATENCY_NS, second_ns + 1_100 * MS),
    ]
    first, second = (report for report in reports if isinstance(report, Reading))
    assert (first.seq, second.seq, second.stream_id) == (1, 1, starts[0].stream_id)


def test_settings_that_are_set_right_end_the_blind_times() -> None:
    live = LiveSession()
    live.go_live(MIN_RING_TIME=2_000)
    live.print_settings()
    live.shot(1)
    live.poll()
    assert live.outline() == ["reading", "pulse"]


def test_an_impact_after_a_pause_is_dated_less_exactly() -> None:
    live = LiveSession()
    live.go_live(FOLLOW_THROUGH=3)
    live.shot(1)
    at_ns = live.now_ns
    live.poll()
    live.poll()

    reports = live.reports()

    assert isinstance(reports[0], Reading)
    assert reports[0].stamp.uncertainty_s == pytest.approx(3.1)
    starts = [report for report in reports if isinstance(report, StreamStart)]
    assert starts[0].blind_since is not None
    assert starts[0].blind_since.mono_ns == at_ns - 3_100 * MS
    assert starts[-1].stamp.mono_ns == at_ns + 3_600 * MS


@pytest.mark.parametrize("key", ["FOLLOW_THROUGH", "MIN_RING_TIME"])
def test_an_absurd_pause_counts_as_one_hour(key: str) -> None:
    live = LiveSession()
    live.go_live(**{key: 999_999_999_999})
    live.shot(1)
    at_ns = live.now_ns
    delay_ns = LATENCY_NS + (3_600_000 * MS if key == "FOLLOW_THROUGH" else 0)
    live.poll()

    reading, *starts = live.reports()

    assert isinstance(reading, Reading)
    assert reading.stamp.uncertainty_s == pytest.approx(delay_ns / 1e9)
    assert blind_ns(starts)[0][0] == at_ns - delay_ns
    live.wait(4_300)
    live.answer()
    live.poll()
    assert max(until_ns or 0 for _, until_ns in blind_ns(live.reports())) < at_ns + 4_400 * 1_000 * MS
    live.poll()
    assert live.outline() == ["pulse"]


def test_a_faulty_sensor_leaves_a_blind_time() -> None:
    """Firmware 4 cannot be armed while a sensor reports by itself; it says so each second."""
    live = LiveSession()
    live.go_live()
    live.receive('\r\n{ "Fault": "N" }')
    live.poll()
    live.receive('\r\n{ "Fault": "N" }')
    live.poll()
    live.poll()
    assert live.outline() == ["start", "start", "pulse"]
    assert live.session.counters["sensor_faults"] == 2
