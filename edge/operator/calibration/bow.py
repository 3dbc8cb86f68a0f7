"""Calibrate a bow beside its running daemon: trials under several thresholds, the choice, and the threshold set and read back.

Trials are kept in the database as they are taken. After an interruption, which puts the earlier threshold back, the same command
goes on with the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edge.common.config.errors import CommandError, UsageError
from edge.common.console import local
from edge.common.postgres.connection import DATABASE_FAULTS, Connection
from edge.common.vocabulary import CalibrationKind, DeviceKind
from edge.operator.calibration.activation import activate
from edge.operator.calibration.bow_run import BowObserver, BowTrials, Cues, refuse_open_session, set_threshold
from edge.operator.calibration.bow_trials import (
    GREATEST_THRESHOLD,
    SPAN,
    BowChoice,
    TrialResult,
    choose,
    errors_by_threshold,
    spread,
)
from edge.operator.calibration.records import (
    Calibration,
    NewCalibration,
    active_calibration,
    append_calibration,
)
from edge.operator.calibration.runs import CalibrationRun, claim_device, end_run, open_run, start_run
from edge.operator.calibration.settings import THRESHOLD
from edge.operator.device_settings import read_settings
from edge.operator.devices import find_device

TRIALS: Final = 20
"""Number of trials unless another is given."""


@dataclass(frozen=True, slots=True)
class BowPlan:
    """The trials that are asked for."""

    trials: int | None = None
    """Number of trials; TRIALS for None."""
    lowest: int | None = None
    """Lowest threshold; a fifth of the present one for None."""
    highest: int | None = None
    """Highest threshold; five times the present one for None."""
    is_new: bool = False
    """Give up an interrupted calibration."""

    @property
    def names_trials(self) -> bool:
        """Whether it says which trials to take."""
        return (self.trials, self.lowest, self.highest) != (None, None, None)


async def calibrate_bow(
    connection: Connection,
    device_id: str,
    plan: BowPlan,
    cues: Cues,
    who: str,
    observer: BowObserver,
    note: str | None = None,
) -> Calibration:
    """Take the trials, choose the threshold, set it, and store and activate the calibration.

    Raises CommandError when the bow has no threshold, its daemon or the bow is away, the cues end, or no threshold is free of
    errors. Unless the calibration is stored the bow gets its earlier threshold back.
    """
    await _refuse_other_device(connection, device_id)
    await refuse_open_session(connection, device_id)
    await claim_device(connection, device_id)
    run, before = await _open(connection, device_id, plan, who)
    thresholds = run_thresholds(run)
    trials = BowTrials(connection, run, thresholds, observer)
    observer.started(run, thresholds, len(trials.trials), before)
    try:
        results = await trials.take(cues, who)
        choice = await _choice(connection, run, results)
        await set_threshold(connection, device_id, choice.threshold, who)
        async with connection.transaction():
            stored = await append_calibration(connection, _calibration(device_id, results, choice, before, who, note))
            await activate(connection, stored, who, "calibrated")
            await end_run(connection, run.id)
    except BaseException as fault:
        # Whatever ends it, a closed pipe too: a bow that keeps the threshold of a trial would miss the next session's shots.
        await _put_back(connection, device_id, before, who, fault, observer)
        raise
    return await active_calibration(connection, device_id, CalibrationKind.BOW) or stored


async def _refuse_other_device(connection: Connection, device_id: str) -> None:
    """Raise CommandError for a device that is no bow."""
    device = await find_device(connection, device_id)
    if device.kind is not DeviceKind.BOW:
        raise CommandError(f"{device_id} is no bow", hint="See `archstats-sensor devices list`.")


async def _open(connection: Connection, device_id: str, plan: BowPlan, who: str) -> tuple[CalibrationRun, int]:
    """The run to go on with, or a new one, and the threshold that the bow gets back when it is interrupted.

    Raises CommandError when trials are asked for and others are under way.
    """
    present = (await read_settings(connection, device_id, who)).get(THRESHOLD)
    if not isinstance(present, int) or isinstance(present, bool):
        raise CommandError(
            f"{device_id} has no threshold, so there is nothing to calibrate",
            hint=f"See its settings: `archstats-sensor devices config {device_id}`.",
        )
    run = await open_run(connection, device_id, CalibrationKind.BOW)
    before = present
    if run is not None and present in run_thresholds(run):
        before = int(str(run.plan["before"]))  # the end of that command could not put it back
    if run is not None and run.taken and not plan.is_new:
        under_way = run_thresholds(run)
        if plan.names_trials and _spread(device_id, plan, int(str(run.plan["before"]))) != under_way:
            raise CommandError(
                f"a calibration of {device_id} with other trials is under way ({len(run.taken)} of {len(under_way)} trials, "
                f"begun {local(run.started_at)})",
                hint="Go on with it by the same command without these options, or add --restart to give it up.",
            )
        return run, before
    asked = {"thresholds": _spread(device_id, plan, before), "before": before}
    return await start_run(connection, device_id, CalibrationKind.BOW, asked, who), before


def _spread(device_id: str, plan: BowPlan, present: int) -> list[int]:
    """The threshold of each trial. Raises UsageError when no range follows from the plan and the present threshold."""
    lowest = round(present / SPAN) if plan.lowest is None else plan.lowest
    highest = min(round(present * SPAN), GREATEST_THRESHOLD) if plan.highest is None else plan.highest
    if present <= 0 and plan.highest is None:
        raise UsageError(f"{device_id} has a threshold of {present}, from which no range follows", hint="Give --to.")
    if lowest > highest:
        raise UsageError(
            f"the lowest threshold {lowest} is above the highest {highest}", hint="Correct --from or --to."
        )
    return spread(max(lowest, 0), highest, TRIALS if plan.trials is None else plan.trials)


def run_thresholds(run: CalibrationRun) -> list[int]:
    """The threshold of each trial of a run."""
    stored = run.plan["thresholds"]
    return [int(str(one)) for one in stored] if isinstance(stored, list) else []


async def _put_back(
    connection: Connection, device_id: str, threshold: int, who: str, ended: BaseException, observer: BowObserver
) -> None:
    """Give the bow its earlier threshold. Raises CommandError, with what ended the trials, when it does not take it."""
    if connection.is_closed():
        observer.not_put_back(threshold)
        return
    try:
        await set_threshold(connection, device_id, threshold, who)
    except CommandError as fault:
        first = f"{ended.message.removesuffix('.')}. " if isinstance(ended, CommandError) else ""
        raise CommandError(
            f"{first}{device_id} could not get its threshold of {threshold} back: {fault.message}",
            hint=f"When it answers again, run the same command again, or set it yourself: "
            f"`archstats-sensor devices config {device_id} {THRESHOLD}={threshold}`.",
        ) from fault
    except DATABASE_FAULTS:
        observer.not_put_back(threshold)
        raise
    observer.put_back(threshold)


async def _choice(connection: Connection, run: CalibrationRun, results: Sequence[TrialResult]) -> BowChoice:
    """The threshold that follows from the trials. Raises CommandError, and ends the run, when none was free of errors."""
    found = choose(results)
    if found is not None:
        return found
    await end_run(connection, run.id)
    table = "; ".join(
        f"{one.threshold}: {one.false_edges} false, {one.missed_edges} missed" for one in errors_by_threshold(results)
    )
    raise CommandError(
        f"no threshold of {run.device_id} was free of errors ({table}), so it keeps the earlier one",
        hint="Check that arrows are nocked and released at the cues, then try other thresholds with --from and --to.",
    )


def _calibration(
    device_id: str, results: Sequence[TrialResult], choice: BowChoice, before: int, who: str, note: str | None
) -> NewCalibration:
    return NewCalibration(
        device_id=device_id,
        kind=CalibrationKind.BOW,
        parameters={
            THRESHOLD: choice.threshold,
            "free_from": choice.free_from,
            "free_to": choice.free_to,
            "threshold_before": before,
            "releases": choice.releases,
            "release_latency_median_s": choice.latency_median_s,
            "release_latency_p95_s": choice.latency_p95_s,
        },
        points=[result.to_json() for result in results],
        who=who,
        note=note,
    )
