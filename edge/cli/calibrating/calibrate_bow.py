"""``archstats-sensor calibrate bow``: the words of a bow's guided calibration."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from edge.cli.calibrating.bow_cues import FileCues, KeyCues, PacedCues, read_points
from edge.cli.calibrating.bow_words import bow_lines, trial_line
from edge.cli.calibrating.calibration import Note, calibration_facts
from edge.cli.commands.options import DatabaseDir, Json, Who, operator_name
from edge.cli.keyboard import ended_by_signals, terminal
from edge.cli.operator_connection import on_database
from edge.common.config.errors import CommandError, UsageError
from edge.common.console import as_json as json_object
from edge.common.console import complain, local, say
from edge.common.postgres.connection import Connection
from edge.operator.calibration.bow import BowPlan, calibrate_bow
from edge.operator.calibration.bow_run import Cues
from edge.operator.calibration.bow_trials import GREATEST_THRESHOLD, Trial, TrialResult
from edge.operator.calibration.records import Calibration
from edge.operator.calibration.runs import CalibrationRun

EXIT_INTERRUPTED: Final = 130
"""Exit status after Ctrl-C, as of a shell: 128 and the signal's number."""
FEWEST_TRIALS: Final = 4
MOST_TRIALS: Final = 200


def bow_command(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="Name of the bow, such as bow-1.")],
    trials: Annotated[
        int | None, typer.Option(min=FEWEST_TRIALS, max=MOST_TRIALS, help="Number of trials; 20 by default.")
    ] = None,
    lowest: Annotated[
        int | None,
        typer.Option(
            "--from", min=0, max=GREATEST_THRESHOLD, help="Lowest threshold; a fifth of the present one by default."
        ),
    ] = None,
    highest: Annotated[
        int | None,
        typer.Option(
            "--to", min=0, max=GREATEST_THRESHOLD, help="Highest threshold; five times the present one by default."
        ),
    ] = None,
    points: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Instants of the nockings and releases, in place of keys.")
    ] = None,
    every: Annotated[
        float | None,
        typer.Option(min=1, max=60, metavar="SECONDS", help="Beep for each nocking and release, in place of keys."),
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Give up the trials taken so far and begin anew.")] = False,
    note: Note = None,
    who: Who = None,
    as_json: Json = False,
    database_dir: DatabaseDir = None,
) -> None:
    """Find a bow's threshold with guided trials. Ctrl-C keeps the trials; the same command goes on."""
    if points is not None and every is not None:
        raise typer.BadParameter("give either --points FILE or --every SECONDS")
    planned = None if points is None else read_points(points)
    plan = BowPlan(trials, lowest, highest, restart)
    show = _Shown(device, as_json=as_json)

    async def run(connection: Connection) -> None:
        async with terminal() as keyboard:
            cues: Cues
            if planned is not None:
                cues = FileCues(planned)
            elif every is not None:
                cues = PacedCues(every)
            elif keyboard is not None:
                cues = KeyCues(keyboard)
            else:
                raise UsageError(
                    "there is no terminal to press Enter on",
                    hint="Give --every SECONDS, or --points FILE with instants.",
                )
            with ended_by_signals():
                show.stored(await calibrate_bow(connection, device, plan, cues, operator_name(who), show, note))

    try:
        on_database(run, database_dir)
    except (KeyboardInterrupt, asyncio.CancelledError):
        show.interrupted()
        complain(f"stopped. The trials taken are kept: `archstats-sensor calibrate bow {device}` goes on with them.")
        raise typer.Exit(EXIT_INTERRUPTED) from None


class _Shown:
    """Shows each trial and the result, as lines for people or as JSON."""

    def __init__(self, device_id: str, *, as_json: bool) -> None:
        self._device_id = device_id
        self._as_json = as_json
        self._to_put_back: int | None = None
        """The bow's earlier threshold while it has that of a trial."""

    def interrupted(self) -> None:
        """Show what a second Ctrl-C leaves behind: it does not wait until the bow has its earlier threshold again."""
        if self._to_put_back is not None:
            self.not_put_back(self._to_put_back)

    def started(self, run: CalibrationRun, thresholds: Sequence[int], taken: int, before: int) -> None:
        self._to_put_back = before
        if self._as_json:
            return
        several = sorted(set(thresholds))
        say(f"{self._device_id}: {len(thresholds)} trials with the thresholds {', '.join(map(str, several))}")
        if taken:
            begun = f"begun by {run.who} on {local(run.started_at)}"
            say(f"going on: trials taken already: {taken} of {len(thresholds)}, {begun}; --restart begins anew")

    def judged(self, result: TrialResult) -> None:
        if self._as_json:
            say(json_object({"type": "trial", **result.to_json()}))
            return
        say(f"  {trial_line(result)}")

    def repeated(self, trial: Trial) -> None:
        complain(f"{self._device_id} was blind in the trial with threshold {trial.threshold}: it is taken again.")

    def waiting(self, trouble: CommandError) -> None:
        complain(f"{trouble.message}; waiting for it. {trouble.hint}")

    def put_back(self, threshold: int) -> None:
        self._to_put_back = None
        complain(f"{self._device_id} has its threshold of {threshold} again.")

    def not_put_back(self, threshold: int) -> None:
        self._to_put_back = None
        complain(
            f"{self._device_id} may still have the threshold of a trial: run the same command again, or set it yourself: "
            f"`archstats-sensor devices config {self._device_id} threshold={threshold}`."
        )

    def stored(self, calibration: Calibration) -> None:
        """Show the stored calibration."""
        self._to_put_back = None
        if self._as_json:
            say(json_object(calibration_facts(calibration)))
            return
        found = calibration.parameters
        say(f"{calibration.name} is active: threshold {found['threshold']}, was {found['threshold_before']}")
        for line in bow_lines(calibration):
            say(line)
