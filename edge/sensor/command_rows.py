"""SQL of the daemon on ``commands``: claims the next one of its device, and writes progress and the outcome."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import asyncpg

from drivers.contract import Command, Progress
from edge.common.postgres.connection import Connection
from edge.common.text import clean
from edge.common.vocabulary import CommandState

LONGEST_RESULT: Final = 200
"""Most values of a result that are stored, and most of the evidence that a command reports before its end."""

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class ClaimedCommand:
    """A command that this daemon has claimed."""

    number: int
    command: Command
    who: str
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a command."""

    state: CommandState
    values: Mapping[str, Value | None] = field(default_factory=dict)
    error: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class CalibrationSettings:
    """The settings of one calibration, which is named for people, such as ``arrow-1@3``."""

    calibration: str
    values: Mapping[str, Value]


class CommandRows:
    """The statements of one daemon on one connection. ``daemon_id`` names this start of the daemon."""

    def __init__(self, connection: Connection, device_id: str, daemon_id: UUID) -> None:
        self._connection = connection
        self._device_id = device_id
        self._daemon_id = daemon_id

    async def interrupt_claims_of_others(self) -> int:
        """End the commands that an earlier start of the daemon claimed and did not end; returns their number."""
        rows = await self._connection.fetch(
            """
            update commands set state = 'failed', error = 'interrupted: the daemon ended while the command ran', hint = $3,
                finished_at = clock_timestamp()
            where device_id = $1 and state = 'running' and claimed_by <> $2 returning id
            """,
            self._device_id,
            self._daemon_id,
            INTERRUPTED_HINT,
        )
        return len(rows)

    async def claim(self) -> ClaimedCommand | None:
        """Claim the oldest command that waits; None when none does, or another daemon runs one on this device.

        Whether a command has expired is decided by the server's clock in the statement that claims it.
        """
        await self._connection.fetchval("select expire_commands()")
        try:
            row = await self._connection.fetchrow(
                """
                update commands set state = 'running', claimed_by = $2, claimed_at = clock_timestamp()
                where id = (
                    select id from commands where id = (
                        select min(id) from commands
                        where device_id = $1 and state = 'pending' and expires_at > clock_timestamp()
                    ) and not exists (select from commands c where c.device_id = $1 and c.state = 'running')
                    for update skip locked
                ) and state = 'pending'
                returning id, kind, arguments, who, deadline_s
                """,
                self._device_id,
                self._daemon_id,
            )
        except asyncpg.UniqueViolationError:
            return None  # another daemon of this device claimed one at the same instant
        if row is None:
            return None
        return ClaimedCommand(
            row["id"], Command(row["kind"], json.loads(row["arguments"])), row["who"], row["deadline_s"]
        )

    async def calibrated_settings(self) -> CalibrationSettings | None:
        """The settings that the active calibration of the device holds; None for one without settings, and without one."""
        row = await self._connection.fetchrow(
            """
            select c.version, c.parameters -> 'settings' as settings from calibrations c
            where c.id = (
                select a.calibration_id from calibration_activations a join devices d on (d.id, d.kind) = (a.device_id, a.kind)
                where a.device_id = $1 order by a.id desc limit 1
            ) and jsonb_typeof(c.parameters -> 'settings') = 'object'
            """,
            self._device_id,
        )
        if row is None:
            return None
        values = {
            name: value
            for name, value in json.loads(row["settings"]).items()
            if isinstance(value, str | int | float | bool)
        }
        return CalibrationSettings(f"{self._device_id}@{row['version']}", values)

    async def is_cancelled(self, number: int) -> bool:
        """Whether an operator wants the command ended; True as well when the row is gone or another daemon ended it."""
        wanted = await self._connection.fetchval(
            "select not cancel_requested from commands where id = $1 and claimed_by = $2 and state = 'running'",
            number,
            self._daemon_id,
        )
        return wanted is not True

    async def write_progress(self, number: int, progress: Progress, evidence: Mapping[str, Value | None]) -> None:
        """Write the step that a command has reached, and evidence over what was stored before."""
        await self._connection.execute(
            """
            update commands set phase = $3, done = $4, total = $5,
                result = case when $6::text is null then result else coalesce(result, '{}') || $6::text::jsonb end
            where id = $1 and claimed_by = $2 and state = 'running'
            """,
            number,
            self._daemon_id,
            clean(progress.phase),
            _count(progress.done),
            _count(progress.total),
            _json_or_none(evidence),
        )

    async def write_outcome(self, number: int, outcome: Outcome) -> bool:
        """Write the end of a command, its values over the evidence stored before; False when it is no longer this daemon's."""
        row = await self._connection.fetchrow(
            """
            update commands set state = $3, error = $5, hint = $6, finished_at = clock_timestamp(),
                result = case when $4::text is null then result else coalesce(result, '{}') || $4::text::jsonb end
            where id = $1 and claimed_by = $2 and state = 'running' returning id
            """,
            number,
            self._daemon_id,
            outcome.state.value,
            _json_or_none(outcome.values),
            clean(outcome.error) if outcome.error else None,
            clean(outcome.hint) if outcome.hint else None,
        )
        return row is not None


INTERRUPTED_HINT: Final = "The device may have carried it out. Read its settings, then request the command again."


def plain_values(values: Mapping[str, Value | None]) -> dict[str, Value | None]:
    """The values of a device as JSON holds them: texts cleaned, a number that is none as null. Pure."""
    return {clean(name): _plain(value) for name, value in list(values.items())[:LONGEST_RESULT]}


def _json_or_none(values: Mapping[str, Value | None]) -> str | None:
    return json.dumps(plain_values(values)) if values else None


def _plain(value: Value | None) -> Value | None:
    if isinstance(value, str):
        return clean(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _count(steps: int | None) -> int | None:
    return None if steps is None else min(max(steps, 0), 2**31 - 1)
