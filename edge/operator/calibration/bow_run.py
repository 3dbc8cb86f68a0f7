"""The trials of one bow's calibration: taken at cues, kept in the database, and compared with the edges that are stored."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

from drivers.clock.instant import instant_of
from edge.common.config.errors import CommandError
from edge.common.console import local
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import DeviceState, ReadingKind
from edge.operator.calibration.bow_trials import Edge, Trial, TrialResult, judge, next_threshold
from edge.operator.calibration.runs import CalibrationRun, save_run
from edge.operator.calibration.sensed import trouble_of
from edge.operator.calibration.settings import THRESHOLD, set_settings
from edge.operator.commands import daemon_missing
from edge.operator.devices import find_device

STORED_WITHIN_S: Final = 20.0
"""Longest wait for the bow's watermark to pass a trial."""
READY_WITHIN_S: Final = 20.0
"""Longest wait for a bow that is silent, or whose daemon has just started."""
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


class BowObserver(Protocol):
    """Receives what happens, to show it."""

    def started(self, run: CalibrationRun, thresholds: Sequence[int], taken: int, before: int) -> None:
        """Trials begin, or go on after ``taken`` ones; ``before`` is the bow's earlier threshold."""
        ...

    def judged(self, result: TrialResult) -> None:
        """A trial was compared with the edges that the bow reported."""
        ...

    def repeated(self, trial: Trial) -> None:
        """A trial does not count, because the bow was blind meanwhile."""
        ...

    def waiting(self, trouble: CommandError) -> None:
        """The bow is not ready: the next trial waits for it."""
        ...

    def put_back(self, threshold: int) -> None:
        """The bow has its earlier threshold again."""
        ...

    def not_put_back(self, threshold: int) -> None:
        """The database is away, so the bow could not get its earlier threshold back."""
        ...


async def set_threshold(connection: Connection, device_id: str, threshold: int, who: str) -> None:
    """Set a bow's threshold. Raises CommandError when it refuses, or reads back another one."""
    await set_settings(
        connection,
        device_id,
        {THRESHOLD: threshold},
        who,
        hint="See the page of its driver for the thresholds that it has, and give others: --restart with --from and --to.",
    )


async def refuse_open_session(
    connection: Connection, device_id: str, harm: str = "would count the trials as shots"
) -> None:
    """Raise CommandError while a session would take the readings of a calibration for those of archers."""
    lane = await connection.fetchval(
        "select d.lane from devices d where d.id = $1 and exists (select from sessions where lane = d.lane and is_opened)",
        device_id,
    )
    if lane is not None:
        raise CommandError(
            f"lane {lane} has an open session, which {harm}",
            hint=f"Close it first: `archstats-sensor session close --lane {lane}`.",
        )


class BowTrials:
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
        self._active: int | None = None
        """The threshold that the bow has; None when it is not known: at first, and after the bow was blind."""

    async def take(self, cues: Cues, who: str) -> list[TrialResult]:
        """Take the trials that are missing; returns the results of all."""
        while True:
            threshold = next_threshold(self._plan, self.trials)
            if threshold is None:
                await self._await_stored(self.trials[-1].until)
                await self._judge()
                if next_threshold(self._plan, self.trials) is None:
                    return [self._results[trial.since] for trial in self.trials]
                continue
            await refuse_open_session(self._connection, self._run.device_id)
            await self._await_ready()
            if threshold != self._active:
                await set_threshold(self._connection, self._run.device_id, threshold, who)
                self._active = threshold
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
            await asyncio.gather(waiting, return_exceptions=True)

    async def _await_ready(self) -> None:
        """Wait for a bow that is silent: a trial meanwhile would be for nothing."""
        ends_by, shown = time.monotonic() + READY_WITHIN_S, False
        while (trouble := await trouble_of(self._connection, self._run.device_id)) is not None:
            if time.monotonic() >= ends_by:
                raise CommandError(
                    trouble.message,
                    hint=f"{trouble.hint} Then run the same command again: it goes on with the next trial.",
                )
            if not shown:
                self._observer.waiting(trouble)
                shown = True
            await asyncio.sleep(LOOK_S)

    async def _judge(self) -> None:
        """Compare the trials whose edges are all stored. One during which the bow was blind is to be taken again."""
        watermark = await self._watermark()
        for trial in [one for one in self.trials if one.since not in self._results]:
            if watermark is None or watermark < trial.until:
                continue
            if await self._was_blind(trial):
                self.trials.remove(trial)
                self._repeats, self._active = self._repeats + 1, None
                await self._save()
                self._observer.repeated(trial)
                if self._repeats > MOST_REPEATS:
                    raise CommandError(
                        f"{self._run.device_id} was blind in more than {MOST_REPEATS} trials",
                        hint="Check its battery and its line. Then run the same command again: it goes on with the next trial.",
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
                    hint=f"{device.hint or 'Check the bow.'} Then run the same command again: it goes on with the next trial.",
                )
            if time.monotonic() >= ends_by:
                raise CommandError(
                    f"the edges of {device.id} up to {local(until)} are not all stored after {STORED_WITHIN_S:g} s",
                    hint="See the status of its daemon. Then run the same command again: it goes on with the next trial.",
                )
            await asyncio.sleep(LOOK_S)

    async def _save(self) -> None:
        await save_run(self._connection, self._run.id, [trial.to_json() for trial in self.trials])
