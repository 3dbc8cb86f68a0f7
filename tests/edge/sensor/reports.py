"""Reports of a made-up device."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st

from drivers.contract import ClockModel, Reading, ReadingKind, ReleaseCause, Source, Stamp, StreamStart
from edge.sensor.queue.inbox import Storable

STREAM = UUID(int=7)
BOOT = UUID(int=1)
T0 = datetime(2026, 1, 1, tzinfo=UTC)


def stamp(second: float) -> Stamp:
    return Stamp(T0 + timedelta(seconds=second), round(second * 1e9), BOOT, 0.001)


def reading(seq: int, *, stream: UUID = STREAM, reason: str | None = None, rssi_dbm: int | None = None) -> Reading:
    return Reading(
        "bow-1", stream, seq, ReadingKind.ENGAGE, stamp(seq), T0 + timedelta(seconds=seq), Source.SIMULATOR,
        reason=reason, rssi_dbm=rssi_dbm,
    )  # fmt: skip


def start(stream: UUID = STREAM, *, second: float = 0.0) -> StreamStart:
    return StreamStart(stream, stamp(second), None)


def clock(stream: UUID = STREAM, *, ticks_us: int = 0) -> ClockModel:
    return ClockModel(stream, BOOT, ticks_us, 0, 1e-6, 0.001, 1e-7)


_instants = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
_numbers = st.integers(-(2**63), 2**63 - 1)
_lengths = st.floats(allow_nan=False)
_stamps = st.builds(Stamp, _instants, st.none() | _numbers, st.none() | st.uuids(), st.none() | _lengths)
any_report: st.SearchStrategy[Storable] = st.one_of(
    st.builds(
        Reading, st.text(), st.uuids(), _numbers, st.sampled_from(ReadingKind), _stamps, _instants,
        st.sampled_from(Source), st.none() | st.text(), st.none() | st.lists(st.text()).map(tuple),
        st.none() | _lengths, st.none() | _lengths, st.none() | _numbers, st.none() | st.sampled_from(ReleaseCause),
        st.none() | _lengths, st.none() | _numbers,
        st.none() | st.text(),
    ),
    st.builds(
        StreamStart, st.uuids(), _stamps, st.none() | _stamps, st.none() | st.uuids(), st.none() | _numbers,
        st.none() | _numbers,
    ),
    st.builds(ClockModel, st.uuids(), st.uuids(), _numbers, _numbers, _lengths, _lengths, _lengths),
)  # fmt: skip
