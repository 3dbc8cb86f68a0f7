"""Commands to devices: request one, follow its progress to its end, cancel it, and look up earlier ones.

The device's daemon runs it. A command that no daemon claims within 10 s expires and never runs, and one whose daemon does not
report its end within 30 s after its deadline fails; PostgreSQL's clock decides.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.text import clean
from edge.common.vocabulary import CommandState, ErrorCode
from edge.operator.devices import DeviceSummary, find_device, start_hint

Value = str | int | float | bool

ENDED = frozenset((CommandState.DONE, CommandState.FAILED, CommandState.EXPIRED, CommandState.CANCELLED))
"""States that no command leaves."""
LOOK_S = 1.0
"""Longest interval between two looks at a command; a doorbell is faster."""
SLACK_S = 5.0
"""Time after a command's deadline within which its daemon writes the end."""
CANCELS_WITHIN_S = 5.0
"""Longest wait for the end of a command that is cancelled."""
ARGUMENTS_CHECK = "commands_arguments_check"
"""The constraint that bounds the length of a command's arguments."""
DEADLINE_S = 30.0
"""Longest time that a command may run unless another is given."""


@dataclass(frozen=True, slots=True)
class DeviceCommand:
    """One row of ``commands``."""

    id: int
    device_id: str
    kind: str
    arguments: Mapping[str, object]
    who: str
    state: CommandState
    requested_at: datetime
    expires_at: datetime
    deadline_s: float
    cancel_requested: bool
    claimed_at: datetime | None
    phase: str | None
    """Step that it has reached, in words."""
    done: int | None
    total: int | None
    result: Mapping[str, Value] | None
    """Values that the device read back."""
    error: str | None
    hint: str | None
    finished_at: datetime | None

    @property
    def has_ended(self) -> bool:
        """Whether its state is final."""
        return self.state in ENDED


Follow = Callable[[DeviceCommand], None]
"""Receives a command whenever its state or its progress has changed."""

_COMMANDS = """
select id, device_id, kind, arguments, who, state, requested_at, expires_at, deadline_s, cancel_requested, claimed_at, phase,
    done, total, result, error, hint, finished_at from commands
"""


async def request_command(
    connection: Connection,
    device_id: str,
    kind: str,
    arguments: Mapping[str, Value],
    who: str,
    deadline_s: float = DEADLINE_S,
) -> DeviceCommand:
    """Request a command. Raises CommandError when the device or its daemon is missing, or too many commands wait for it."""
    device = await find_device(connection, device_id)
    if not device.is_served:
        raise daemon_missing(device)
    try:
        number: int = await connection.fetchval(
            "insert into commands (device_id, kind, arguments, who, deadline_s) values ($1, $2, $3::text::jsonb, $4, $5) returning id",
            device_id,
            kind,
            json.dumps(dict(arguments), allow_nan=False),
            clean(who),
            deadline_s,
        )
    except asyncpg.ProgramLimitExceededError as fault:
        raise CommandError(
            str(fault),
            hint=f"Wait until they have run, or cancel some: see `archstats-sensor commands list --device {device_id}`.",
        ) from fault
    except asyncpg.CheckViolationError as fault:
        if fault.constraint_name != ARGUMENTS_CHECK:
            raise
        raise CommandError(
            f"the values of {kind} are too long for one command to {device_id}",
            hint="Change fewer settings at once, or give shorter values.",
        ) from fault
    return await find_command(connection, number)


async def run_command(
    connection: Connection,
    device_id: str,
    kind: str,
    arguments: Mapping[str, Value],
    who: str,
    follow: Follow = lambda _: None,
    deadline_s: float = DEADLINE_S,
) -> DeviceCommand:
    """Request a command and wait until it is done. Raises CommandError when it was not done; else as :func:`run_to_end`."""
    command = await run_to_end(connection, device_id, kind, arguments, who, follow, deadline_s)
    require_done(command)
    return command


async def run_to_end(
    connection: Connection,
    device_id: str,
    kind: str,
    arguments: Mapping[str, Value],
    who: str,
    follow: Follow = lambda _: None,
    deadline_s: float = DEADLINE_S,
) -> DeviceCommand:
    """Request a command and wait for its end, whatever that is; ``follow`` receives each change, the end too.

    Cancelling the task, as Ctrl-C does, cancels the command and waits for its end.
    """
    command = await request_command(connection, device_id, kind, arguments, who, deadline_s)
    return await follow_command(connection, command, follow)


async def follow_command(
    connection: Connection, command: DeviceCommand, follow: Follow = lambda _: None
) -> DeviceCommand:
    """Wait for the end of a command, whatever it is. Cancelling the task cancels the command and waits for its end."""
    try:
        return await await_command(connection, command, follow)
    except asyncio.CancelledError:
        follow(await cancel_command(connection, command.id))
        raise


async def await_command(
    connection: Connection, command: DeviceCommand, follow: Follow = lambda _: None
) -> DeviceCommand:
    """Wait for the end of a command. Raises CommandError when its daemon ends meanwhile or does not report the end."""
    changed = asyncio.Event()

    def ring(*notification: object) -> None:
        if str(notification[-1]).endswith(f" {command.id}"):
            changed.set()

    channel = await connection.fetchval("select channel || '_commands' from installation")
    ends_by = (
        time.monotonic() + (command.expires_at - command.requested_at).total_seconds() + command.deadline_s + SLACK_S
    )
    await connection.add_listener(channel, ring)
    try:
        shown: DeviceCommand | None = None
        while True:
            command = await find_command(connection, command.id)
            if command != shown:
                follow(command)
                shown = command
            if command.has_ended:
                return command
            device = await find_device(connection, command.device_id)
            if not device.is_served:
                if command.state is CommandState.PENDING and await _cancelled_in_time(connection, command.id):
                    raise daemon_missing(device)
                raise CommandError(
                    f"the daemon of {command.device_id} does not answer any more, while command {command.id} runs",
                    hint=f"{start_hint(command.device_id)} The device may carry the command out meanwhile.",
                )
            if time.monotonic() >= ends_by:
                raise CommandError(
                    f"the daemon of {command.device_id} did not report the end of command {command.id}",
                    hint=f"See `archstats-sensor commands show {command.id}`, and the daemon's log.",
                )
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await changed.wait()
            changed.clear()
    finally:
        if not connection.is_closed():
            await connection.remove_listener(channel, ring)


async def cancel_command(connection: Connection, number: int) -> DeviceCommand:
    """Cancel a command and wait, at most 5 s, for its end. One that has ended stays as it is.

    Raises CommandError when there is none. A command that was running may have had its effect.
    """
    await request_cancel(connection, number)
    return await await_cancelled(lambda: nullcontext(connection), number)


async def request_cancel(connection: Connection, number: int) -> None:
    """Request that a command is cancelled, without a wait for its end. One that has ended stays as it is."""
    await connection.execute(
        "update commands set cancel_requested = true where id = $1 and finished_at is null", number
    )


async def await_cancelled(borrow: Callable[[], AbstractAsyncContextManager[Connection]], number: int) -> DeviceCommand:
    """Wait, at most 5 s, for the end of a command that is to be cancelled.

    ``borrow`` lends a connection for each look, so that those who wait keep none from others.
    """
    ends_by = time.monotonic() + CANCELS_WITHIN_S
    while True:
        async with borrow() as connection:
            command = await find_command(connection, number)
        if command.has_ended or time.monotonic() >= ends_by:
            return command
        await asyncio.sleep(0.05)


async def _cancelled_in_time(connection: Connection, number: int) -> bool:
    """Cancel a command that waits; whether no daemon has claimed it."""
    return (await cancel_command(connection, number)).claimed_at is None


async def list_commands(connection: Connection, device_id: str | None = None, limit: int = 20) -> list[DeviceCommand]:
    """The newest commands to one device or to all, oldest first."""
    await connection.fetchval("select expire_commands()")
    if device_id is not None:
        await find_device(connection, device_id)
    rows = await connection.fetch(
        f"select * from ({_COMMANDS} where $1::text is null or device_id = $1 order by id desc limit $2) newest order by id",  # noqa: S608
        device_id,
        limit,
    )
    return list(map(_command, rows))


async def find_command(connection: Connection, number: int) -> DeviceCommand:
    """The command of this number. Raises CommandError when there is none."""
    row = await connection.fetchrow(f"{_COMMANDS} where id = $1", number)
    if row is not None and row["finished_at"] is None and await connection.fetchval("select expire_commands()"):
        row = await connection.fetchrow(f"{_COMMANDS} where id = $1", number)
    if row is None:
        raise CommandError(
            f"there is no command {number}", hint="See `archstats-sensor commands list`.", code=ErrorCode.NOT_FOUND
        )
    return _command(row)


def require_done(command: DeviceCommand) -> None:
    """Raise CommandError, with the remedy, for a command that ended otherwise."""
    match command.state:
        case CommandState.DONE:
            return
        case CommandState.EXPIRED:
            raise CommandError(
                f"the daemon of {command.device_id} did not take command {command.id} in time; it has not run",
                hint="Look at the daemon's log: it may have no connection to the database, or run another command.",
            )
        case CommandState.CANCELLED:
            raise CommandError(
                f"command {command.id} to {command.device_id} was cancelled",
                hint="If it was running, the device may have carried it out.",
            )
    raise CommandError(
        f"{command.device_id} did not do {command.kind}: {(command.error or command.state).removesuffix('.')}",
        hint=command.hint
        or f"Put that right, then try again. `archstats-sensor commands show {command.id}` has the record.",
        code=ErrorCode.DEVICE_FAILED,
    )


def daemon_missing(device: DeviceSummary) -> CommandError:
    """The error for a device that no daemon serves."""
    return CommandError(
        f"the daemon of {device.id} does not run, so it takes no command",
        hint=start_hint(device.id),
        code=ErrorCode.DEVICE_FAILED,
    )


def _command(row: asyncpg.Record) -> DeviceCommand:
    return DeviceCommand(**{
        **row,
        "state": CommandState(row["state"]),
        "arguments": json.loads(row["arguments"]),
        "result": None if row["result"] is None else json.loads(row["result"]),
    })  # fmt: skip
