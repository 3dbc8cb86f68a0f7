"""``archstats-sensor calibrate target``: the words of a target's guided calibration."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from edge.cli.calibrating.calibration import Note, calibration_facts
from edge.cli.calibrating.probe import refuse_without_probe
from edge.cli.calibrating.target_words import result_lines, step_facts, step_lines
from edge.cli.commands.options import DatabaseDir, Json, Who, faces, operator_name
from edge.cli.keyboard import Keyboard, terminal
from edge.cli.operator_connection import on_database
from edge.common.config.errors import CommandError
from edge.common.console import as_json as json_object
from edge.common.console import complain, say
from edge.common.frames import ButtPoint
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CalibrationModel, ReadingKind
from edge.operator.calibration.activation import activate
from edge.operator.calibration.guide import Guide, Key, Step, Stopped, Taken
from edge.operator.calibration.plan import LONGEST_MM
from edge.operator.calibration.points_file import read_points
from edge.operator.calibration.records import find_calibration
from edge.operator.calibration.sensed import sensed_readings, trouble_of
from edge.operator.calibration.target import (
    TargetRequest,
    TargetResult,
    judge,
    prepare_run,
    redo_hint,
    refuse_open_session,
    refused,
    store,
)
from edge.operator.calibration.target_run import TargetRun, require_enough, require_points
from edge.statistics.alignment import AlignmentRefused

EXIT_INTERRUPTED: Final = 130
"""Exit status after Ctrl-C, as of a shell: 128 and the signal's number."""
KEYS: Final = "Keys, each with Enter: s skips a point, r takes the last one again, q stops."

YES: Final = ("y", "yes")
"""Answers that agree; every other one declines."""


def place_of(text: str | None) -> ButtPoint | None:
    """The place of an option ``X,Y``. Raises BadParameter for another text."""
    if text is None:
        return None
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError as fault:
        raise typer.BadParameter("write it like 620,620: millimetres from the lower left corner of the butt") from fault
    if not (abs(x) <= LONGEST_MM and abs(y) <= LONGEST_MM):
        raise typer.BadParameter("this place is not on a butt")
    return ButtPoint(x, y)


@dataclass(frozen=True, slots=True)
class _Options:
    """The options of the dialogue."""

    model: CalibrationModel
    redo: Sequence[str]
    skip: Sequence[str]
    within_mm: float | None
    wait_s: float
    yes: bool
    force: bool
    note: str | None
    who: str
    as_json: bool


def target_command(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="Name of the target device.")],
    face: Annotated[
        str | None,
        typer.Option(help="Code of the face; by default that of the lane's last session.", autocompletion=faces),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y", help="Centre of the face in mm from the lower left corner; by default as in that session."
        ),
    ] = None,
    ring: Annotated[
        int | None,
        typer.Option(min=0, max=99, help="Value of the ring that carries the points; the outermost by default."),
    ] = None,
    points: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Known places in a CSV or JSON file, in place of those of the face."),
    ] = None,
    arrows: Annotated[
        bool, typer.Option("--arrows", help="Arrows are put in at the points, in place of a pin that is pressed.")
    ] = False,
    affine: Annotated[
        bool, typer.Option("--affine", help="Fit two scales and a shear too, where the residuals justify it.")
    ] = False,
    redo: Annotated[
        list[str] | None, typer.Option(metavar="POINT", help="Take a point again; repeat it for several.")
    ] = None,
    skip: Annotated[
        list[str] | None, typer.Option(metavar="POINT", help="Leave a point out; repeat it for several.")
    ] = None,
    within: Annotated[
        float | None,
        typer.Option(min=1, max=LONGEST_MM, help="Farthest distance in mm of a reading from its expected place."),
    ] = None,
    wait: Annotated[float, typer.Option(min=0.1, max=3600, help="Longest wait for one point, seconds.")] = 120.0,
    restart: Annotated[bool, typer.Option("--restart", help="Give up the points taken so far and begin anew.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Activate the calibration when it is accepted.")] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Store it although its sigma is above the limit of the face; it is not activated."
        ),
    ] = False,
    note: Note = None,
    who: Who = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Calibrate a target with pins or arrows at known places. Ctrl-C keeps the points; the same command goes on."""
    request = TargetRequest(
        device_id=device,
        who=operator_name(who),
        face=face,
        at=place_of(at),
        ring=ring,
        points=None if points is None else read_points(points),
        with_arrows=arrows,
        restart=restart,
    )
    options = _Options(
        CalibrationModel.AFFINE if affine else CalibrationModel.SIMILARITY,
        redo or (), skip or (), within, wait, yes, force, note, request.who, as_json,
    )  # fmt: skip

    stored: list[str] = []

    async def run(connection: Connection) -> None:
        async with terminal() as keyboard:
            prepared = await prepare_run(connection, request)
            await _Dialogue(connection, prepared, options, keyboard, stored).run()

    try:
        on_database(run, database_dir)
    except KeyboardInterrupt:
        complain(
            f"stopped. {_inactive(stored[0])}"
            if stored
            else f"stopped. The points taken are kept: `archstats-sensor calibrate target {device}` goes on with them."
        )
        raise typer.Exit(EXIT_INTERRUPTED) from None


def _inactive(name: str) -> str:
    return f"{name} is stored and not active: `archstats-sensor calibration activate {name}`"


class _Dialogue:
    """One command: takes the points, shows the result, stores and activates it."""

    def __init__(
        self,
        connection: Connection,
        run: TargetRun,
        options: _Options,
        keyboard: Keyboard | None,
        stored: list[str],
    ) -> None:
        """``stored`` receives the name of the calibration once it is stored."""
        self._connection = connection
        self._run = run
        self._options = options
        self._keyboard = keyboard
        self._stored = stored
        self._prompt = complain if options.as_json else say
        """Shows questions: programs read the standard output of --json."""

    async def run(self) -> None:
        """Go through the calibration. Raises CommandError where it cannot be finished; the points are kept."""
        require_points(self._run, redo=self._options.redo, skip=self._options.skip)
        require_enough(self._run, self._options.model, self._options.skip)
        await self._run.take_given(self._connection)
        for name in self._options.redo:
            await self._run.redo(self._connection, name)
        for name in self._options.skip:
            await self._run.skip(self._connection, name)
        refuse_without_probe(self._run)
        self._say_plan()
        while True:
            if self._run.pending and not await self._take_points():
                return
            result = await self._judged()
            if result is None:
                continue
            if await self._again(result):
                continue
            await self._store(result)
            return

    def _say_plan(self) -> None:
        run = self._run
        if self._options.as_json:
            return
        place = "" if run.plan.at is None else f" with its centre at {run.plan.at.x:.0f}, {run.plan.at.y:.0f} mm"
        where = f"face {run.plan.face_code}{place}" if run.plan.face_code else "known places"
        how = "pins" if run.plan.kind is ReadingKind.PIN else "arrows"
        say(
            f"{run.device.id}: {len(run.plan.points)} points, {how} on {where}; mm from the lower left corner of the butt"
        )
        if run.resumed:
            say(f"going on: {len(run.taken)} points are taken already; --restart begins anew")
        if run.pending and self._keyboard is not None:
            say(KEYS)

    async def _take_points(self) -> bool:
        """Take the pending points; False when the operator stops."""
        await refuse_open_session(self._connection, self._run)
        trouble = await trouble_of(self._connection, self._run.device.id)
        if trouble is not None:
            raise trouble
        keys: asyncio.Queue[Key] = asyncio.Queue()
        async with sensed_readings(self._connection, self._run.device.id, self._run.plan.kind) as readings:
            guide = Guide(self._connection, self._run, readings, keys, self._options.wait_s, self._options.within_mm)
            listening = asyncio.create_task(self._listen(keys, readings.wake)) if self._keyboard else None
            try:
                async for step in guide.steps():
                    self._say_step(step)
                    if isinstance(step, Taken):
                        await refuse_open_session(self._connection, self._run)
            except Stopped:
                taken, total = len(self._run.taken), len(self._run.plan.points)
                self._prompt(f"stopped: {taken} of {total} points are kept; the same command goes on with them")
                return False
            finally:
                if listening is not None:
                    listening.cancel()
                    await asyncio.gather(listening, return_exceptions=True)
        return True

    async def _listen(self, keys: asyncio.Queue[Key], wake: Callable[[], None]) -> None:
        """Turn typed lines into keys, until the last point is taken: a line after that answers the next question."""
        while self._keyboard is not None:
            line = await self._keyboard.next_line()
            if line is not None and not self._run.pending:
                self._keyboard.lines.put_nowait(line)
                return
            line = Key.QUIT if line is None else line.lower()
            if line in {key.value for key in Key}:
                keys.put_nowait(Key(line))
                wake()
            elif line:
                self._prompt(KEYS)
            if line == Key.QUIT:
                return

    def _say_step(self, step: Step) -> None:
        if self._options.as_json:
            say(json_object(step_facts(step)))
            return
        for line in step_lines(step, self._run.plan.kind, can_keep=self._keyboard is not None):
            say(line)

    async def _judged(self) -> TargetResult | None:
        """The result of the points; None when one is to be taken again first."""
        try:
            return judge(self._run, self._options.model)
        except AlignmentRefused as fault:
            if self._keyboard is None:
                raise refused(self._run, fault) from fault
            self._prompt(f"not accepted: {fault.message}. {fault.hint}")
            named = None if fault.outlier is None else self._run.pairs[fault.outlier.index].name
            if await self._ask_again(named):
                return None
            raise refused(self._run, fault) from fault

    async def _again(self, result: TargetResult) -> bool:
        """Show the result; True when a point is to be taken again first. Raises CommandError for one that is not accepted."""
        if not self._options.as_json:
            for line in result_lines(self._run, result):
                say(line)
        outlier = result.outlier
        if outlier is not None and self._keyboard is not None:
            self._prompt(f"Take point '{outlier.name}' again? Type y for yes, or press Enter to keep it.")
            if (await self._keyboard.ask(self._connection)).lower() in YES:
                await self._run.redo(self._connection, outlier.name)
                return True
        if result.is_accepted or self._options.force:
            return False
        if self._keyboard is not None and await self._ask_again():
            return True
        worst = (
            outlier or max(zip(result.pairs, result.alignment.residuals, strict=True), key=lambda one: one[1].length)[0]
        )
        raise CommandError(
            f"{self._run.device.id} is not calibrated: sigma {result.alignment.sigma_mm:.2f} mm is above the limit of "
            f"{result.limit_mm:g} mm" + ("" if outlier is None else f", and point '{outlier.name}' stands out"),
            hint=f"Take the worst point again. {redo_hint(self._run, worst.name)} To leave it out give --skip in place of "
            "--redo; to store it all the same give --force.",
        )

    async def _ask_again(self, suggested: str | None = None) -> bool:
        """Ask for a point to take again; False when the operator gives none."""
        if self._keyboard is None:
            return False
        names = [point.name for point in self._run.plan.points]
        yes = "" if suggested is None else f"y for '{suggested}', "
        while True:
            self._prompt(
                f"Which point is taken again? Type its name ({', '.join(names)}), {yes}or press Enter to stop."
            )
            answer = await self._keyboard.ask(self._connection)
            if not answer:
                return False
            if suggested is not None and answer.lower() in YES:
                answer = suggested
            if answer in names:
                await self._run.redo(self._connection, answer)
                return True

    async def _store(self, result: TargetResult) -> None:
        stored = await store(self._connection, self._run, result, self._options.who, self._options.note)
        self._stored.append(stored.name)
        activated = result.is_accepted and (self._options.yes or await self._wants_activation(stored.name))
        if activated:
            await activate(self._connection, stored, self._options.who, "calibrated")
            self._stored.clear()
            stored = await find_calibration(self._connection, stored.name)
        if self._options.as_json:
            outlier = None if result.outlier is None else result.outlier.name
            say(json_object({**calibration_facts(stored), "outlier": outlier, "limit_mm": result.limit_mm}))
        elif activated:
            say(f"{stored.name} is active from now on; earlier shots keep their calibration")
        else:
            say(_inactive(stored.name))

    async def _wants_activation(self, name: str) -> bool:
        if self._keyboard is None:
            return False
        self._prompt(f"{name} is stored. Activate it? Type y for yes, or press Enter to leave the present one active.")
        return (await self._keyboard.ask(self._connection)).lower() in YES
