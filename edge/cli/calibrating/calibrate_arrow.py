"""``archstats-sensor calibrate arrow``: the words of an arrow scanner's guided calibration."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Final

import typer

from edge.cli.calibrating.arrow_words import arrow_lines, doubt, level_line, power_text
from edge.cli.calibrating.calibrate_target import EXIT_INTERRUPTED, YES
from edge.cli.calibrating.calibration import Note, calibration_facts
from edge.cli.commands.options import DatabaseDir, Json, Who, operator_name
from edge.cli.keyboard import Keyboard, ended_by_signals, terminal
from edge.cli.operator_connection import on_database
from edge.common.config.errors import UsageError
from edge.common.console import as_json as json_object
from edge.common.console import complain, say
from edge.common.postgres.connection import Connection
from edge.operator.calibration.arrow import HIGHEST_DBM, LOWEST_DBM, ROUNDS, ArrowPlan, calibrate_arrow
from edge.operator.calibration.arrow_levels import LevelReads
from edge.operator.calibration.records import Calibration

MOST_DBM: Final = 30
"""Highest power that may be asked for: the boards of this kind have less."""
MOST_ROUNDS: Final = 1000


def _epc(text: str | None) -> str | None:
    """The EPC of an option: hexadecimal, as other commands show it. Raises BadParameter for another text."""
    if text is None:
        return None
    plain = re.sub(r"[\s-]", "", text).lower()
    if not re.fullmatch(r"(?:[0-9a-f]{4}){1,31}", plain):
        raise typer.BadParameter("write the EPC in hexadecimal, four digits for each of its words")
    return plain


def arrow_command(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="Name of the arrow scanner, such as arrow-1.")],
    lowest: Annotated[int, typer.Option("--from", min=0, max=MOST_DBM, help="Lowest power in dBm.")] = LOWEST_DBM,
    highest: Annotated[int, typer.Option("--to", min=0, max=MOST_DBM, help="Highest power in dBm.")] = HIGHEST_DBM,
    rounds: Annotated[int, typer.Option(min=10, max=MOST_ROUNDS, help="Inventories at each power.")] = ROUNDS,
    tag: Annotated[
        str | None,
        typer.Option(
            metavar="EPC",
            callback=_epc,
            help="Tag on the pad; by default the one that answers alone at the lowest power.",
        ),
    ] = None,
    without_other_tag: Annotated[
        bool,
        typer.Option("--without-other-tag", help="The reader reaches no tag 30 cm away: take its highest power."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Take that tag without a question.")] = False,
    note: Note = None,
    who: Who = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Find a scanner's power that reads only the tag on its pad."""
    plan = ArrowPlan(lowest, highest, rounds, tag, without_other_tag)
    shown: list[_Shown] = []

    async def run(connection: Connection) -> None:
        async with terminal() as keyboard:
            if keyboard is None and tag is None and not yes:
                raise UsageError(
                    "there is no terminal to ask at which tag is on the pad",
                    hint="Name it with --tag EPC, or add --yes to take the one that answers first.",
                )
            show = _Shown(device, connection, None if yes else keyboard, as_json=as_json)
            shown.append(show)
            await show.ready()
            with ended_by_signals():
                show.stored(await calibrate_arrow(connection, device, plan, operator_name(who), show, note))

    try:
        on_database(run, database_dir)
    except (KeyboardInterrupt, asyncio.CancelledError):
        for show in shown:
            show.interrupted()
        complain("stopped. Nothing was stored.")
        raise typer.Exit(EXIT_INTERRUPTED) from None


class _Shown:
    """Asks the technician, and shows each step and the result, as lines for people or as JSON."""

    def __init__(self, device_id: str, connection: Connection, keyboard: Keyboard | None, *, as_json: bool) -> None:
        self._device_id = device_id
        self._connection = connection
        self._keyboard = keyboard
        self._as_json = as_json
        self._to_put_back: float | None = None
        """The scanner's earlier power while it may have another one."""

    def interrupted(self) -> None:
        """Show what a second Ctrl-C leaves behind: it does not wait until the scanner has its earlier power again."""
        if self._to_put_back is not None:
            self.not_put_back(self._to_put_back, "the command was ended at once")

    async def ready(self) -> None:
        """Ask for the tags, and wait for Enter."""
        if self._keyboard is not None:
            complain(
                "Lay the arrow's tag on the pad and a second tag 30 cm away, and put all others well away. "
                "Press Enter when they lie there."
            )
            await self._keyboard.ask(self._connection)

    def started(self, plan: ArrowPlan, before: float) -> None:
        self._to_put_back = before
        if not self._as_json:
            say(
                f"{self._device_id}: {plan.rounds} rounds at each power from {plan.lowest_dbm} to {plan.highest_dbm} dBm; "
                f"its power is {before:g} dBm"
            )

    def refused(self, power_dbm: float, reason: str) -> None:
        complain(f"{self._device_id} does not have {power_dbm:g} dBm: {reason}.")

    def measured(self, level: LevelReads) -> None:
        say(json_object({"type": "level", **level.to_json()}) if self._as_json else f"  {level_line(level)}")

    async def confirm(self, epc: str, arrow: str | None) -> bool:
        named = f" of arrow {arrow}" if arrow else ""
        if self._keyboard is None:
            complain(f"Tag {epc}{named} answers first: it is taken for the one on the pad.")
            return True
        complain(f"Tag {epc}{named} answers first. Is it the one on the pad? y or n:")
        return (await self._keyboard.ask(self._connection)).lower() in YES

    def put_back(self, power_dbm: float) -> None:
        self._to_put_back = None
        complain(f"{self._device_id} has its power of {power_dbm:g} dBm again.")

    def not_put_back(self, power_dbm: float, reason: str) -> None:
        self._to_put_back = None
        complain(
            f"{self._device_id} may have the power of a measurement ({reason}). It has its own again when its daemon opens "
            f"it; or set it: `archstats-sensor devices config {self._device_id} power_dbm={power_dbm:g}`."
        )

    def stored(self, calibration: Calibration) -> None:
        """Show the stored calibration."""
        self._to_put_back = None
        if self._as_json:
            say(json_object(calibration_facts(calibration)))
        else:
            say(f"{calibration.name} is active: {power_text(calibration)}")
            for line in arrow_lines(calibration)[:2]:
                say(line)
        if (words := doubt(calibration)) is not None:
            complain(words)
