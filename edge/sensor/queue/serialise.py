"""Reports as JSON and back without loss: the form of the spool's rows and of the quarantine. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias, cast

from drivers.contract import ClockModel, Reading, StreamStart
from edge.common.vocabulary import ReportKind
from edge.sensor.queue.inbox import Storable

if TYPE_CHECKING:
    from pydantic import TypeAdapter

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


_MEASURED: Final = ("tag", "tags", "x_mm", "y_mm", "rssi_dbm", "cause", "quality", "reason")
"""Fields of a reading that its driver fills in from the device."""

AWAITED_KINDS: Final = (ReportKind.READING, ReportKind.START)
"""Kinds of which a quarantined row holds back the watermark until it is settled."""


@dataclass(frozen=True, slots=True)
class _TaggedReading:
    kind: Literal[ReportKind.READING]
    report: Reading


@dataclass(frozen=True, slots=True)
class _TaggedStart:
    kind: Literal[ReportKind.START]
    report: StreamStart


@dataclass(frozen=True, slots=True)
class _TaggedClock:
    kind: Literal[ReportKind.CLOCK]
    report: ClockModel


_Tagged: TypeAlias = _TaggedReading | _TaggedStart | _TaggedClock


def kind_of(report: Storable) -> ReportKind:
    """The kind of a report."""
    return _tagged(report).kind


def to_json(report: Storable) -> str:
    """The report as one JSON object that begins with its kind; fields at their default are left out."""
    try:
        text = _adapter().dump_json(_tagged(report), exclude_defaults=True, warnings=False)
    except ValueError:  # a lone surrogate has no UTF-8 form; no text of a database could hold it either
        text = _adapter().dump_json(_tagged(_without_surrogates(report)), exclude_defaults=True, warnings=False)
    return text.decode()


def from_json(text: str) -> Storable:
    """The report that :func:`to_json` was given. Raises ValueError when the text is no report.

    The measured values of a reading are returned as they are, also of a type that the contract excludes: such a reading is
    acknowledged already, and the database decides about it (it is quarantined).
    """
    try:
        return _adapter().validate_json(text).report
    except ValueError:
        tagged = json.loads(text)
        fields = tagged.get("report") if isinstance(tagged, dict) else None
        values = {name: fields.pop(name) for name in _MEASURED if name in fields} if isinstance(fields, dict) else {}
        report = _adapter().validate_json(json.dumps(tagged)).report
        if not values or not isinstance(report, Reading):
            raise
        if isinstance(values.get("tags"), list):
            values["tags"] = tuple(values["tags"])
        return replace(report, **values)


def to_fields(report: Storable) -> Mapping[str, JsonValue]:
    """The report's fields as JSON values; fields at their default are left out."""
    tagged = _adapter().dump_python(_tagged(report), mode="json", exclude_defaults=True, warnings=False)
    return cast("Mapping[str, JsonValue]", tagged["report"])


def _tagged(report: Storable) -> _Tagged:
    match report:
        case Reading():
            return _TaggedReading(ReportKind.READING, report)
        case StreamStart():
            return _TaggedStart(ReportKind.START, report)
        case ClockModel():
            return _TaggedClock(ReportKind.CLOCK, report)


@cache
def _adapter() -> TypeAdapter[_Tagged]:
    """Built with its first use: a daemon whose database keeps up never needs it."""
    from pydantic import ConfigDict, Field, TypeAdapter

    strict = ConfigDict(strict=True, extra="forbid", ser_json_inf_nan="constants")
    return TypeAdapter(Annotated[_Tagged, Field(discriminator="kind")], config=strict)


def _without_surrogates(report: Storable) -> Storable:
    """Only readings carry free text."""
    if not isinstance(report, Reading):
        return report

    def clean(text: str) -> str:
        return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)

    return replace(
        report,
        device_id=clean(report.device_id),
        tag=None if report.tag is None else clean(report.tag),
        tags=None if report.tags is None else tuple(map(clean, report.tags)),
        reason=None if report.reason is None else clean(report.reason),
    )
