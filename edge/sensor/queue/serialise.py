"""Reports as JSON objects and back, without loss: the form they wait in on disk, and are quarantined in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from drivers.contract import ClockModel, Reading, ReadingKind, ReleaseCause, Source, Stamp, StreamStart
from edge.sensor.queue.inbox import Storable

Value: TypeAlias = "str | int | float | list[Value] | None"
Fields = dict[str, Value]


def to_fields(report: Storable) -> Fields:
    """The report's fields, those that are None left out; ``what`` tells which kind of report it is."""
    match report:
        case Reading():
            fields = _reading_fields(report)
        case StreamStart():
            fields = {
                "what": "start",
                "stream_id": str(report.stream_id),
                "stamp": _stamp_list(report.stamp),
                "blind_since": _stamp_list(report.blind_since),
                "previous_stream_id": None if report.previous_stream_id is None else str(report.previous_stream_id),
                "previous_last_seq": report.previous_last_seq,
                "last_seq": report.last_seq,
            }
        case ClockModel():
            fields = {
                "what": "clock",
                "stream_id": str(report.stream_id),
                "host_boot_id": str(report.host_boot_id),
                "ref_ticks_us": report.ref_ticks_us,
                "ref_mono_ns": report.ref_mono_ns,
                "skew": report.skew,
                "uncertainty_s": report.uncertainty_s,
                "skew_uncertainty": report.skew_uncertainty,
            }
    return {name: value for name, value in fields.items() if value is not None}


def from_fields(fields: Mapping[str, object]) -> Storable:
    """The report that :func:`to_fields` was given. Raises ValueError when the fields are not those of a report."""
    rest = dict(fields)
    try:
        what = rest.pop("what")
        rest["stream_id"] = UUID(_text(rest["stream_id"]))
        if what == "clock":
            rest["host_boot_id"] = UUID(_text(rest["host_boot_id"]))
            return ClockModel(**rest)  # type: ignore[arg-type]
        rest["stamp"] = _stamp(rest["stamp"])
        if what == "start":
            rest["blind_since"] = _stamp(rest.get("blind_since"))
            if "previous_stream_id" in rest:
                rest["previous_stream_id"] = UUID(_text(rest["previous_stream_id"]))
            return StreamStart(**rest)  # type: ignore[arg-type]
        if what != "reading":
            raise ValueError(f"a report of kind {what!r} is not known")
        rest["kind"] = ReadingKind(_text(rest["kind"]))
        rest["source"] = Source(_text(rest["source"]))
        if "cause" in rest:
            rest["cause"] = ReleaseCause(_text(rest["cause"]))
        rest["received_at"] = datetime.fromisoformat(_text(rest["received_at"]))
        if isinstance(tags := rest.get("tags"), list):
            rest["tags"] = tuple(tags)
        return Reading(**rest)  # type: ignore[arg-type]
    except (KeyError, TypeError) as fault:
        raise ValueError(f"not a report: {fault}") from fault


def _reading_fields(reading: Reading) -> Fields:
    return {
        "what": "reading",
        "device_id": reading.device_id,
        "stream_id": str(reading.stream_id),
        "seq": reading.seq,
        "kind": reading.kind.value,
        "stamp": _stamp_list(reading.stamp),
        "received_at": reading.received_at.isoformat(),
        "source": reading.source.value,
        "tag": reading.tag,
        "tags": None if reading.tags is None else list(reading.tags),
        "x_mm": reading.x_mm,
        "y_mm": reading.y_mm,
        "rssi_dbm": reading.rssi_dbm,
        "cause": reading.cause,
        "quality": reading.quality,
        "reason": reading.reason,
    }


def _stamp_list(stamp: Stamp | None) -> list[Value] | None:
    return (
        None
        if stamp is None
        else [
            stamp.at.isoformat(),
            stamp.mono_ns,
            None if stamp.host_boot_id is None else str(stamp.host_boot_id),
            stamp.uncertainty_s,
        ]
    )


def _stamp(value: object) -> Stamp | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise TypeError(f"an instant is expected, not {value!r}")
    at, mono_ns, boot_id, uncertainty_s = value
    return Stamp(
        datetime.fromisoformat(_text(at)), mono_ns, None if boot_id is None else UUID(_text(boot_id)), uncertainty_s
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text is expected, not {value!r}")
    return value
