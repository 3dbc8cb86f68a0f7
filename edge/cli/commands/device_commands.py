"""``archstats-sensor commands``: list, show and cancel the commands to devices."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from edge.cli.commands.options import DatabaseDir, Json, command_group
from edge.cli.operator_connection import on_database
from edge.common.bounds import LARGEST_BIGINT
from edge.common.config.errors import EXIT_REFUSED
from edge.common.console import as_json as json_object
from edge.common.console import complain, local, say
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CommandState
from edge.operator.commands import DeviceCommand, cancel_command, find_command, list_commands

app = command_group("Commands to devices: list, show and cancel them.")

Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, max=LARGEST_BIGINT, help="Number as shown by 'list'.")]
_ENDS_LATER = "It ends when the daemon answers again or is started, else by itself 30 s after its deadline."


@app.command("list")
def list_command(
    device: Annotated[str | None, typer.Option(help="Only commands to this device.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Number of commands, the newest.")] = 20,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """List the newest commands; the newest is last."""

    async def run(connection: Connection) -> None:
        commands = await list_commands(connection, device, limit)
        for command in commands:
            say(json_object(asdict(command)) if as_json else command_line(command))
        if not commands and not as_json:
            say("No command yet.")

    on_database(run, database_dir)


@app.command("show")
def show_command(number: Number, as_json: Json = False, database_dir: DatabaseDir = None) -> None:
    """Show one command: its operator, state, times and result."""

    async def run(connection: Connection) -> None:
        _print(await find_command(connection, number), as_json=as_json)

    on_database(run, database_dir)


@app.command("cancel")
def cancel_command_(number: Number, as_json: Json = False, database_dir: DatabaseDir = None) -> None:
    """Cancel a command and wait for its end. One that was running may have had its effect."""

    async def run(connection: Connection) -> None:
        command = await cancel_command(connection, number)
        _print(command, as_json=as_json)
        if not command.has_ended:
            complain(f"Command {number} still runs: its daemon does not answer. {_ENDS_LATER}")
        elif command.state is not CommandState.CANCELLED:
            complain(f"Command {number} had ended before: it is {command.state}.")
        if command.state is not CommandState.CANCELLED:
            raise typer.Exit(EXIT_REFUSED)

    on_database(run, database_dir)


def command_line(command: DeviceCommand) -> str:
    """A command for lists: number, time, device, what, who, state, and the cause of a failure."""
    line = (
        f"{command.id:>5}  {local(command.requested_at)}  {command.device_id}  {request_text(command)}  {command.who}: "
        f"{state_text(command)}"
    )
    return f"{line}: {command.error}" if command.error else line


def request_text(command: DeviceCommand) -> str:
    """The command and its arguments."""
    arguments = " ".join(f"{name}={_plain(value)}" for name, value in command.arguments.items())
    return f"{command.kind} {arguments}".rstrip()


def state_text(command: DeviceCommand) -> str:
    """The state in words, with the progress of a running command."""
    if command.state is not CommandState.RUNNING or command.phase is None:
        return command.state
    return f"{command.state}: {progress_text(command)}"


def progress_text(command: DeviceCommand) -> str:
    """The step that a running command has reached."""
    if command.done is None:
        return command.phase or ""
    total = "" if command.total is None else f" of {command.total}"
    return f"{command.phase} ({command.done}{total})"


class ShownProgress:
    """Shows the steps of running commands on standard error, each once, and the end of a cancelled one."""

    def __init__(self) -> None:
        self._shown = ""

    def __call__(self, command: DeviceCommand) -> None:
        """Show the step that a command has reached, unless it is the one shown last."""
        if command.state is CommandState.CANCELLED:
            effect = "; the device may have carried it out" if command.claimed_at else "; it has not run"
            step = f" Its last step: {progress_text(command)}." if command.phase is not None else ""
            complain(f"Command {command.id} is cancelled{effect}.{step}")
        elif command.cancel_requested and not command.has_ended:  # just requested, or its daemon does not answer
            complain(f"Command {command.id} is to be cancelled. {_ENDS_LATER}")
        elif command.state is CommandState.RUNNING and command.phase is not None:
            line = f"{command.device_id}: {progress_text(command)}"
            if line != self._shown:
                complain(line)
            self._shown = line


def _print(command: DeviceCommand, *, as_json: bool) -> None:
    if as_json:
        say(json_object(asdict(command)))
        return
    say(f"command {command.id}: {command.device_id}, {request_text(command)}")
    say(f"  requested  {local(command.requested_at)} by {command.who}")
    if command.claimed_at is not None:
        say(f"  claimed    {local(command.claimed_at)}")
    ended = "" if command.finished_at is None else f" since {local(command.finished_at)}"
    say(f"  state      {state_text(command)}{ended}")
    if command.has_ended and command.state is not CommandState.DONE and command.phase is not None:
        say(f"  last step  {progress_text(command)}")
    for name, value in (command.result or {}).items():
        say(f"  {name:<10} {_plain(value)}")
    if command.error is not None:
        say(f"  error      {command.error}")
    if command.hint is not None:
        say(f"  next       {command.hint}")


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
