"""The families of ``/metrics`` made from stored values. Pure.

Labels are the names of devices, the numbers of lanes, and words of the vocabulary: their number is bounded by the equipment.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from edge.common.vocabulary import DeviceState, Result
from edge.push.metrics.stored import (
    COMMAND_STATES,
    MOST_DEVICES,
    RESULTS,
    Device,
    DeviceMore,
    Feed,
    Lane,
    Session,
    Stored,
)

DEVICE: Final = ("device", "lane")
LANE: Final = ("lane",)


def gauge(name: str, meaning: str, labels: tuple[str, ...] = ()) -> GaugeMetricFamily:
    """Return a family of values that rise and fall."""
    return GaugeMetricFamily(f"archstats_{name}", f"{meaning}.", labels=labels)


def counter(name: str, meaning: str, labels: tuple[str, ...] = ()) -> CounterMetricFamily:
    """Return a family of values that only rise; ``name`` has no ``_total``."""
    return CounterMetricFamily(f"archstats_{name}", f"{meaning}.", labels=labels)


def stored_families(stored: Stored) -> Iterator[Metric]:
    """Return the families of devices, lanes and feed."""
    devices = stored["devices"][:MOST_DEVICES]
    yield from _devices(devices)
    lanes = {one["id"]: one["lane"] for one in devices}
    yield from _more(stored["more"], lanes)
    yield from _lanes(stored["lanes"])
    yield from _sessions(stored["sessions"])
    if stored["feed"] is not None:
        yield from _feed(stored["feed"])


def _devices(devices: list[Device]) -> Iterator[Metric]:
    info = gauge(
        "device_info", "Kind, driver and source of each device; always 1", (*DEVICE, "kind", "driver", "source")
    )
    state = gauge("device_state", "1 for the state that each device is in, 0 for the others", (*DEVICE, "state"))
    chatters = gauge("device_chatters", "1 while the device reports more than archers can shoot", DEVICE)
    age = gauge("device_age_seconds", "Time since the last report of the device's daemon", DEVICE)
    battery = gauge("device_battery_ratio", "Charge of the device's battery, 0 to 1", DEVICE)
    rssi = gauge("device_rssi_dbm", "Strength of the device's radio link", DEVICE)
    rows = gauge("device_spool_rows", "Reports on the hub's disk that wait for the database", DEVICE)
    size = gauge("device_spool_bytes", "Size of the device's spool", DEVICE)
    for one in devices:
        labels = _labels(one["id"], one["lane"])
        info.add_metric((*labels, one["kind"], one["driver"], one["source"] or ""), 1)
        for each in DeviceState:
            state.add_metric((*labels, each), each == one["state"])
        chatters.add_metric(labels, one["chatters"])
        _add(age, labels, one["age_s"])
        percent = one["battery_percent"]
        _add(battery, labels, None if percent is None else percent / 100)
        _add(rssi, labels, one["rssi_dbm"])
        rows.add_metric(labels, one["spool_rows"])
        _add(size, labels, one["spool_bytes"])
    yield from (info, state, chatters, age, battery, rssi, rows, size)


def _more(devices: list[DeviceMore], lanes: dict[str, int | None]) -> Iterator[Metric]:
    watermark = gauge("device_watermark_age_seconds", "Age of the instant up to which every event is stored", DEVICE)
    queued = gauge("device_queued", "Reports in the daemon's memory that are not stored yet", DEVICE)
    readings = counter("device_readings", "Readings stored since the start of the device's daemon", DEVICE)
    oldest = gauge(
        "device_spool_oldest_seconds", "Age of the oldest report in the device's spool, 0 without one", DEVICE
    )
    gaps = counter("device_gaps", "Intervals in which the device was blind or its events are lost", DEVICE)
    restarts = counter("device_restarts", "Gaps at whose end the device began a new stream", DEVICE)
    offset = gauge("device_clock_offset_seconds", "The hub's monotonic clock minus the device's own", DEVICE)
    sure = gauge("device_clock_uncertainty_seconds", "Uncertainty of that offset when it was taken", DEVICE)
    taken = gauge("device_clock_age_seconds", "Time since that offset was taken", DEVICE)
    commands = gauge("device_commands", "Commands to the device that have not ended", (*DEVICE, "state"))
    for one in devices:
        labels = _labels(one["id"], lanes.get(one["id"]))
        _add(watermark, labels, one["watermark_age_s"])
        _add(queued, labels, one["queued"])
        if one["readings_total"] is not None:
            readings.add_metric(labels, one["readings_total"])
        oldest.add_metric(labels, one["spool_oldest_s"] or 0)
        gaps.add_metric(labels, one["gaps"])
        restarts.add_metric(labels, one["restarts"])
        _add(offset, labels, one["clock_offset_s"])
        _add(sure, labels, one["clock_uncertainty_s"])
        _add(taken, labels, one["clock_age_s"])
        for each, number in zip(COMMAND_STATES, (one["pending"], one["running"]), strict=True):
            commands.add_metric((*labels, each), number)
    yield from (watermark, queued, readings, oldest, gaps, restarts, offset, sure, taken, commands)


def _lanes(lanes: list[Lane]) -> Iterator[Metric]:
    is_open = gauge("lane_session_open", "1 while the lane has an open session", LANE)
    unclaimed = gauge("lane_unclaimed", "Arrows shot in the last 15 minutes while the lane had no session", LANE)
    for one in lanes:
        labels = (str(one["lane"]),)
        is_open.add_metric(labels, one["session_id"] is not None)
        unclaimed.add_metric(labels, one["unclaimed"])
    yield from (is_open, unclaimed)


def _sessions(sessions: list[Session]) -> Iterator[Metric]:
    age = gauge("lane_session_age_seconds", "Time since the start of the lane's open session", LANE)
    arrows = gauge("lane_arrows", "Arrows shot in the open session, sighters included", LANE)
    points = gauge("lane_points", "Points of the open session, without sighters", LANE)
    undecided = gauge("lane_undecided", "Shots of the open session that are pending or unknown", LANE)
    orphans = gauge(
        "lane_orphans", "Landings of the open session that no release explains and no operator settled", LANE
    )
    shots = gauge("shots", "Shots of the open session by result", (*LANE, "result"))
    for one in sessions:
        labels = (str(one["lane"]),)
        age.add_metric(labels, one["age_s"])
        arrows.add_metric(labels, one["arrows"])
        points.add_metric(labels, one["points"])
        undecided.add_metric(labels, sum(one["results"].get(result, 0) for result in (Result.PENDING, Result.UNKNOWN)))
        orphans.add_metric(labels, one["orphans"])
        for result in RESULTS:
            shots.add_metric((*labels, result), one["results"].get(result, 0))
    yield from (age, arrows, points, undecided, orphans, shots)


def _feed(feed: Feed) -> Iterator[Metric]:
    newest = gauge("feed_newest_event_age_seconds", "Age of the newest event of the feed")
    if feed["newest_age_s"] is not None:
        newest.add_metric((), feed["newest_age_s"])
    unread = gauge("feed_unread_events", "Events that this process has not read yet")
    unread.add_metric((), feed["unread"])
    behind = gauge("feed_behind_seconds", "Age of the oldest event that this process has not read, 0 without one")
    behind.add_metric((), feed["oldest_unread_age_s"] or 0)
    yield from (newest, unread, behind)


def _labels(device: str, lane: int | None) -> tuple[str, str]:
    return device, "" if lane is None else str(lane)


def _add(family: GaugeMetricFamily, labels: tuple[str, ...], value: float | None) -> None:
    """Add a value if it is known: an unknown one has no line, because 0 would be a claim."""
    if value is not None:
        family.add_metric(labels, value)
