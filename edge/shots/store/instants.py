"""SQL expressions on instants, as Python strings: the one form of "same boot: monotonic clock, otherwise wall clock".

They are text and no SQL functions, so that each statement can use its indexes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from drivers.clock.instant import instant_columns


@dataclass(frozen=True, slots=True)
class SqlInstant:
    """An instant in a statement: the SQL expressions of its three values."""

    at: str
    mono_ns: str
    host_boot_id: str

    @classmethod
    def of_columns(cls, name: str) -> SqlInstant:
        """The instant in three columns, by the name of the wall clock column, such as ``r.at`` or ``d.since``."""
        return cls(*instant_columns(name))

    @classmethod
    def of_parameters(cls, first: int) -> SqlInstant:
        """The instant in three parameters in a row, for :attr:`drivers.clock.instant.Instant.columns`."""
        return cls(f"${first}::timestamptz", f"${first + 1}::bigint", f"${first + 2}::uuid")

    def or_at(self, at: str) -> SqlInstant:
        """The instant, or ``at`` on the wall clock where it is null."""
        return replace(self, at=f"coalesce({self.at}, {at})")


def on_one_clock(a: SqlInstant, b: SqlInstant) -> str:
    """Condition that the monotonic clock of one boot shows both instants; null or false when it does not."""
    return f"{a.host_boot_id} = {b.host_boot_id} and {a.mono_ns} is not null and {b.mono_ns} is not null"


def utc_by_clock_of(reference: SqlInstant, instant: SqlInstant) -> str:
    """UTC of an instant by the wall clock as it was set at the reference, otherwise as it was set at the instant."""
    elapsed = f"({instant.mono_ns} - {reference.mono_ns}) / 1000 * interval '1 microsecond'"
    return f"(case when {on_one_clock(instant, reference)} then {reference.at} + {elapsed} else {instant.at} end)"


SPAN_OF_SESSION = """int8range(start_mono_ns,
    case when closing_host_boot_id = start_host_boot_id then greatest(closing_mono_ns, start_mono_ns) end)"""
"""The expression of the index ``sessions_by_mono``: a session's time by the monotonic clock of its first boot."""
