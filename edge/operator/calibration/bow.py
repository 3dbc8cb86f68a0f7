"""Calibrate a bow beside its running daemon: trials under several thresholds, the choice, and the threshold set and read back.

Trials are kept in the database as they are taken. After an interruption, which puts the earlier threshold back, the same command
goes on with the next one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from drivers.clock.instant import instant_of
from edge.common.config.errors import CommandError
from edge.common.console import local
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CalibrationKind, DeviceKind, DeviceState, ReadingKind
from edge.operator.calibration.activation import Activation, activate, rollback
from edge.operator.calibration.bow_trials import (
    GREATEST_THRESHOLD,
    SPAN,
    BowChoice,
    Edge,
    Trial,
    TrialResult,
    choose,
    errors_by_threshold,
    judge,
    next_threshold,
    spread,
)
from edge.operator.calibration.records import (
    CalibratedDevice,
    Calibration,
    NewCalibration,
    active_calibration,
    append_calibration,
)
from edge.operator.calibration.runs import CalibrationRun, end_run, open_run, save_run, start_run
from edge.operator.commands import daemon_missing, run_command
from edge.operator.device_settings import WRITE, read_settings
from edge.operator.devices import DeviceSummary, find_device

THRESHOLD: Final = "threshold"
"""Name of the setting that is calibrated."""
STORED_WITHIN_S: Final = 20.0
"""Longest wait for the bow's watermark to pass a trial."""
LOOK_S: Final = 0.1
KEEP_ALIVE_S: Final = 10.0
"""Interval between statements while a technician is waited for; the server ends a session that is idle for a minute."""
MOST_REPEATS: Final = 10
"""Most trials of a run that are repeated because the bow was blind for a while."""


class Cues(Protocol):
    """Gives the instants at which an arrow is nocked and released."""

    async def next_trial(self, number: int, total: int, threshold: int) -> Trial:
        """Wait for the nocking and the release of one trial. Raises CommandError when there are no more cues."""
        ...


@dataclass(frozen=True, slots=True)
class BowPlan:
    """The trials that are asked for."""

    trials: int = 20
    lowest: int | None = None
    """Lowest threshold; a fifth of the present one for None."""
    highest: int | None = None
    """Highest threshold; five times the present one for None."""
    is_new: bool = False
    """Give up an interrupted calibration."""


class BowObserver(Protocol):
    """Receives what happens, to show it."""

    def started(self, run: CalibrationRun, thresholds: Sequence[int], taken: int) -> None:
        """Trials begin, or go on after ``taken`` ones."""
        ...

    def judged(self, result: TrialResult) -> None:
        """A trial was compared with the edges that the bow reported."""
        ...

    def repeated(self, trial: Trial) -> None:
        """A trial does not count, because the bow was blind meanwhile."""
        ...


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
    device = await _bow(connection, device_id)
    run, before = await _open(connection, device.id, plan, who)
    thresholds = [int(str(one)) for one in _list(run.plan["thresholds"])]
    session = _Trials(connection, run, thresholds, observer)
    observer.started(run, thresholds, len(session.trials))
    try:
        results = await session.take(cues, who)
        choice = choose(results)
        if choice is None:
            await end_run(connection, run.id)
            raise _no_choice(device.id, results)
        await set_threshold(connection, device.id, choice.threshold, who)
    except (CommandError, asyncio.CancelledError):
        await _put_back(connection, device.id, before, who)
        raise
    stored = await append_calibration(connection, _calibration(device.id, results, choice, before, who, note))
    await activate(connection, stored, who, "calibrated")
    await end_run(connection, run.id)
    return await active_calibration(connection, device.id, CalibrationKind.BOW) or stored


async def set_threshold(connection: Connection, device_id: str, threshold: int, who: str) -> None:
    """Set a bow's threshold. Raises CommandError when it refuses, or reads back another one."""
    command = await run_command(connection, device_id, WRITE, {THRESHOLD: threshold}, who)
    active = (command.result or {}).get(THRESHOLD)
    if active != threshold:
        raise CommandError(
            f"{device_id} keeps a threshold of {active} instead of {threshold}",
            hint="See the page of its driver for the thresholds that it has.",
        )


async def activate_bow(connection: Connection, calibration: Calibration, who: str, reason: str) -> Activation:
    """Set the threshold of a bow's calibration, and make it active. Raises CommandError when the bow does not take it."""
    await set_threshold(connection, calibration.device_id, int(str(calibration.parameters[THRESHOLD])), who)
    return await activate(connection, calibration, who, reason)


async def roll_back_bow(connection: Connection, device: CalibratedDevice, who: str, reason: str) -> Activation:
    """Make the calibration before the present one active again, and set its threshold: before the first one the earlier one.

    Raises CommandError when none is active, and when the bow does not take the threshold; the record is then rolled back already.
    """
    present = await active_calibration(connection, device.id, CalibrationKind.BOW)
    activation = await rollback(connection, device, who, reason)
    if present is not None:
        before = await active_calibration(connection, device.id, CalibrationKind.BOW)
        threshold = int(str(before.parameters[THRESHOLD] if before else present.parameters["threshold_before"]))
        await _put_back(connection, device.id, threshold, who)
    return activation


class _Trials:
    """The trials of one run: taken, kept, and compared with the edges that are stored."""

    def __init__(self, connection: Connection, run: CalibrationRun, plan: Sequence[int], observer: BowObserver) -> None:
        self.trials = [Trial.from_json(one) for one in run.taken]
        self._connection = connection
        self._run = run
        self._plan = plan
        self._observer = observer
        self._results: dict[datetime, TrialResult] = {}
        """By the start of the trial."""
        self._repeats = 0

    async def take(self, cues: Cues, who: str) -> list[TrialResult]:
        """Take the trials that are missing; returns the results of all."""
        active: int | None = None
        while True:
            threshold = next_threshold(self._plan, self.trials)
            if threshold is None:
                await self._await_stored(self.trials[-1].until)
                await self._judge()
                if next_threshold(self._plan, self.trials) is None:
                    return [self._results[trial.since] for trial in self.trials]
                continue
            if threshold != active:
                await set_threshold(self._connection, self._run.device_id, threshold, who)
                active = threshold
            self.trials.append(await self._next_trial(cues, threshold))
            await self._save()
            await self._judge()

    async def _next_trial(self, cues: Cues, threshold: int) -> Trial:
        """Wait for the cues of one trial, and keep the connection in use meanwhile: the server ends an idle one."""
        waiting = asyncio.ensure_future(cues.next_trial(len(self.trials) + 1, len(self._plan), threshold))
        try:
            while not waiting.done():
                await asyncio.wait((waiting,), timeout=KEEP_ALIVE_S)
                await self._connection.execute("select 1")
            return await waiting
        finally:
            waiting.cancel()

    async def _judge(self) -> None:
        """Compare the trials whose edges are all stored. One during which the bow was blind is to be taken again."""
        watermark = await self._watermark()
        for trial in [one for one in self.trials if one.since not in self._results]:
            if watermark is None or watermark < trial.until:
                continue
            if await self._was_blind(trial):
                self.trials.remove(trial)
                self._repeats += 1
                await self._save()
                self._observer.repeated(trial)
                if self._repeats > MOST_REPEATS:
                    raise CommandError(
                        f"{self._run.device_id} was blind in more than {MOST_REPEATS} trials",
                        hint="Check its battery and its line. Then run the same command again.",
                    )
                continue
            result = judge(trial, await self._edges(trial))
            self._results[trial.since] = result
            self._observer.judged(result)

    async def _edges(self, trial: Trial) -> list[Edge]:
        rows = await self._connection.fetch(
            """
            select kind, at, mono_ns, host_boot_id from readings
            where device_id = $1 and kind in ('engage', 'release') and at between $2 and $3 order by at
            """,
            self._run.device_id,
            trial.since,
            trial.until,
        )
        return [Edge(ReadingKind(row["kind"]), instant_of(row)) for row in rows]

    async def _was_blind(self, trial: Trial) -> bool:
        blind: bool = await self._connection.fetchval(
            "select exists (select from device_gaps where device_id = $1 and since < $3 and until > $2)",
            self._run.device_id,
            trial.since,
            trial.until,
        )
        return blind

    async def _watermark(self) -> datetime | None:
        return (await find_device(self._connection, self._run.device_id)).watermark

    async def _await_stored(self, until: datetime) -> None:
        """Wait until every edge up to an instant is stored."""
        ends_by = time.monotonic() + STORED_WITHIN_S
        while True:
            device = await find_device(self._connection, self._run.device_id)
            if device.watermark is not None and device.watermark >= until:
                return
            if not device.is_served:
                raise daemon_missing(device)
            if device.state in (DeviceState.SILENT, DeviceState.LOST):
                raise CommandError(
                    f"{device.id} is {device.state}: {device.error or 'its edges are not known'}",
                    hint=f"{device.hint or 'Check the bow.'} Then run the same command again.",
                )
            if time.monotonic() >= ends_by:
                raise CommandError(
                    f"the edges of {device.id} up to {local(until)} are not all stored after {STORED_WITHIN_S:g} s",
                    hint="See the status of its daemon. Then run the same command again.",
                )
            await asyncio.sleep(LOOK_S)

    async def _save(self) -> None:
        await save_run(self._connection, self._run.id, [trial.to_json() for trial in self.trials])


async def _bow(connection: Connection, device_id: str) -> DeviceSummary:
    """The bow. Raises CommandError for another device, and while a session would count the trials as shots."""
    device = await find_device(connection, device_id)
    if device.kind is not DeviceKind.BOW:
        raise CommandError(f"{device_id} is no bow", hint="See `archstats-sensor devices list`.")
    if await connection.fetchval("select exists (select from sessions where lane = $1 and is_opened)", device.lane):
        raise CommandError(
            f"lane {device.lane} has an open session, which would count the trials as shots",
            hint=f"Close it first: `archstats-sensor session close --lane {device.lane}`.",
        )
    return device


async def _open(connection: Connection, device_id: str, plan: BowPlan, who: str) -> tuple[CalibrationRun, int]:
    """The run to go on with, or a new one, and the threshold that the bow had before it."""
    present = (await read_settings(connection, device_id, who)).get(THRESHOLD)
    if not isinstance(present, int) or isinstance(present, bool):
        raise CommandError(
            f"{device_id} has no threshold, so there is nothing to calibrate",
            hint=f"See its settings: `archstats-sensor devices config {device_id}`.",
        )
    run = await open_run(connection, device_id, CalibrationKind.BOW)
    if run is not None and not plan.is_new:
        return run, int(str(run.plan["before"]))
    lowest = max(round(present / SPAN), 0) if plan.lowest is None else plan.lowest
    highest = min(round(present * SPAN), GREATEST_THRESHOLD) if plan.highest is None else plan.highest
    if lowest > highest:
        raise CommandError(
            f"the lowest threshold {lowest} is above the highest {highest}", hint="Correct --from or --to."
        )
    before = present if run is None else int(str(run.plan["before"]))
    asked = {"thresholds": spread(lowest, highest, plan.trials), "before": before}
    return await start_run(connection, device_id, CalibrationKind.BOW, asked, who), before


async def _put_back(connection: Connection, device_id: str, threshold: int, who: str) -> None:
    """Give the bow its earlier threshold, unless it is away: then the error that led here says so."""
    try:
        await set_threshold(connection, device_id, threshold, who)
    except CommandError as fault:
        raise CommandError(
            f"{device_id} could not get its threshold of {threshold} back: {fault.message}",
            hint=f"When it answers again: `archstats-sensor devices config {device_id} threshold={threshold}`.",
        ) from fault


def _no_choice(device_id: str, results: Sequence[TrialResult]) -> CommandError:
    table = "; ".join(
        f"{one.threshold}: {one.false_edges} false, {one.missed_edges} missed" for one in errors_by_threshold(results)
    )
    return CommandError(
        f"no threshold of {device_id} was free of errors ({table}), so it keeps the earlier one",
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


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []
