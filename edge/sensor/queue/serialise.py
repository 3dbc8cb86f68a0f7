"""Reports as JSON and back without loss: the form of the spool's rows and of the quarantine. Pure.

Written out here, because Pydantic would take 9 MB of a daemon whose database is away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from typing import Final, TypeAlias, TypeVar, cast
from uuid import UUID

from drivers.contract import ClockModel, Reading, ReadingKind, ReleaseCause, Source, Stamp, StreamStart
from edge.common.vocabulary import ReportKind
from edge.sensor.queue.inbox import Storable

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"
Reader = Callable[[JsonValue], object]
"""Makes a field's value of its JSON form. Raises ValueError for another type."""

AWAITED_KINDS: Final = (ReportKind.READING, ReportKind.START)
"""Kinds of which a quarantined row holds back the watermark until it is settled."""

_T = TypeVar("_T")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def kind_of(report: Storable) -> ReportKind:
    """The kind of a report."""
    match report:
        case Reading():
            return ReportKind.READING
        case StreamStart():
            return ReportKind.START
        case ClockModel():
            return ReportKind.CLOCK


def to_json(report: Storable) -> str:
    """The report as one JSON object that begins with its kind; fields at their default are left out.

    A lone surrogate is replaced: it has no UTF-8 form, so neither the disk nor a database could hold it.
    """
    tagged = {"kind": kind_of(report), "report": report}
    return _SURROGATES.sub(
        "\N{REPLACEMENT CHARACTER}", json.dumps(tagged, default=_plain, ensure_ascii=False, separators=(",", ":"))
    )


def from_json(text: str) -> Storable:
    """The report that :func:`to_json` was given. Raises ValueError when the text is no report.

    The measured values of a reading are returned as they are, also of a type that the contract excludes: such a reading is
    acknowledged already, and the database decides about it (it is quarantined).
    """
    tagged = json.loads(text)
    if not isinstance(tagged, dict) or tagged.keys() != {"kind", "report"}:
        raise ValueError("a report has a kind and its fields")
    match ReportKind(tagged["kind"]):
        case ReportKind.READING:
            return _decoded(Reading, _READING, tagged["report"], "reading.report")
        case ReportKind.START:
            return _decoded(StreamStart, _START, tagged["report"], "start.report")
        case ReportKind.CLOCK:
            return _decoded(ClockModel, _CLOCK, tagged["report"], "clock.report")


def to_fields(report: Storable) -> Mapping[str, JsonValue]:
    """The report's fields as JSON values; fields at their default are left out."""
    return cast("Mapping[str, JsonValue]", json.loads(to_json(report))["report"])


def _plain(value: object) -> object:
    if isinstance(value, Reading | StreamStart | ClockModel | Stamp):
        given = {field.name: (getattr(value, field.name), field.default) for field in fields(value)}
        return {name: own for name, (own, default) in given.items() if own != default}
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _decoded(made: type[_T], readers: Mapping[str, Reader], given: JsonValue, where: str) -> _T:
    """Build a report or a part of it, and name the field that is wrong."""
    if not isinstance(given, dict):
        raise ValueError(f"{where} is no object")  # noqa: TRY004 - one error for every text that is no report
    values: dict[str, object] = {}
    for name, value in given.items():
        if name not in readers:
            raise ValueError(f"{where}.{name} is unknown")
        try:
            values[name] = readers[name](value)
        except ValueError as fault:
            raise ValueError(f"{where}.{name}: {fault}") from fault
    for field in fields(cast("type[Reading]", made)):
        if field.default is MISSING and field.name not in values:
            raise ValueError(f"{where}.{field.name} is missing")
    return made(**values)


def _is(kind: type[object]) -> Reader:
    def read(value: JsonValue) -> object:
        if type(value) is not kind:
            raise ValueError(f"{value!r} is no {kind.__name__}")
        return value

    return read


def _parsed(parse: Callable[[str], object]) -> Reader:
    """Reads a value that JSON holds as a string."""

    def read(value: JsonValue) -> object:
        if not isinstance(value, str):
            raise ValueError(f"{value!r} is no string")  # noqa: TRY004 - as above
        return parse(value)

    return read


def _or_none(reader: Reader) -> Reader:
    return lambda value: None if value is None else reader(value)


def _number(value: JsonValue) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no number")  # noqa: TRY004 - as above
    return float(value)


def _aware(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return instant


def _stamp(value: JsonValue) -> Stamp:
    return _decoded(Stamp, _STAMP, value, "stamp")


def _as_it_is(value: JsonValue) -> object:
    return tuple(value) if isinstance(value, list) else value


def _cause(value: JsonValue) -> object:
    return ReleaseCause(value) if value in list(ReleaseCause) else value


_INT: Final = _is(int)
_TEXT: Final = _is(str)
_UUID: Final = _parsed(UUID)
_TIME: Final = _parsed(_aware)
_STAMP: Final[Mapping[str, Reader]] = {
    "at": _TIME, "mono_ns": _or_none(_INT), "host_boot_id": _or_none(_UUID), "uncertainty_s": _or_none(_number),
}  # fmt: skip
_READING: Final[Mapping[str, Reader]] = {
    "device_id": _TEXT, "stream_id": _UUID, "seq": _INT, "kind": _parsed(ReadingKind), "stamp": _stamp,
    "received_at": _TIME, "source": _parsed(Source), "cause": _cause,
    **dict.fromkeys(("tag", "tags", "x_mm", "y_mm", "rssi_dbm", "launch_mps", "quality", "reason"), _as_it_is),
}  # fmt: skip
_START: Final[Mapping[str, Reader]] = {
    "stream_id": _UUID, "stamp": _stamp, "blind_since": _or_none(_stamp), "previous_stream_id": _or_none(_UUID),
    "previous_last_seq": _or_none(_INT), "last_seq": _or_none(_INT), "reason": _or_none(_TEXT),
}  # fmt: skip
_CLOCK: Final[Mapping[str, Reader]] = {
    "stream_id": _UUID, "host_boot_id": _UUID, "ref_ticks_us": _INT, "ref_mono_ns": _INT, "skew": _number,
    "uncertainty_s": _number, "skew_uncertainty": _number,
}  # fmt: skip
