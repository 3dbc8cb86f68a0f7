"""A bow is calibrated beside its daemon: the threshold is found, set, read back and stored with its trials."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.cli.calibrating.bow_cues import FileCues, PlannedTrial
from edge.common.config.errors import CommandError
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from edge.common.postgres.roles import Role
from edge.common.vocabulary import CalibrationKind
from edge.operator.calibration.bow import BowPlan, calibrate_bow
from edge.operator.calibration.bow_trials import Trial, TrialResult
from edge.operator.calibration.records import active_calibration
from edge.operator.calibration.runs import CalibrationRun
from edge.operator.device_settings import read_settings
from simulators.devices.threshold import LOUDEST_BUMP, WEAKEST_EDGE
from simulators.world.range import Result
from tests.edge.sensor.scripted_bow import daemon
from tests.edge.sensor.sensing_bow import EDGE, LATENCY_S, NOISE, SensingBow, planned_trials
from tests.edge.sensor.test_daemon import daemon as link_daemon
from tests.edge.sensor.test_daemon import simulated_bow, until, world
from tests.timing import limit_s


@dataclass
class Seen:
    """Progress that a calibration showed."""

    taken: list[int] = field(default_factory=list)
    results: list[TrialResult] = field(default_factory=list)

    def started(self, run: CalibrationRun, thresholds: Sequence[int], taken: int) -> None:
        del run, thresholds
        self.taken.append(taken)

    def judged(self, result: TrialResult) -> None:
        self.results.append(result)

    def repeated(self, trial: Trial) -> None:
        raise AssertionError(f"{trial} was blind")


class Range:
    """A bow, its daemon, an operator's connection, and an archer."""

    def __init__(self, operator: Connection, bow: SensingBow) -> None:
        self.operator = operator
        self.bow = bow
        self.seen = Seen()

    async def calibrate(self, plan: BowPlan, planned: Sequence[PlannedTrial]) -> dict[str, object]:
        """Calibrate while the archer shoots; the parameters that are stored."""
        shooting = asyncio.create_task(self.bow.shoot_and_beat(planned))
        try:
            stored = await calibrate_bow(self.operator, "bow-1", plan, FileCues(planned), "Robin", self.seen, "indoors")
        finally:
            shooting.cancel()
            await asyncio.gather(shooting, return_exceptions=True)
        return dict(stored.parameters)


@asynccontextmanager
async def range_of(settings: ServiceSettings, folder: Path) -> AsyncIterator[Range]:
    bow = SensingBow()
    async with (
        daemon(settings, bow, folder),
        open_database(settings, application="test", role=Role.OPERATOR) as database,
    ):
        operator = await database.connect()
        try:
            async with asyncio.timeout(10):
                while not await operator.fetchval("select count(*) from device_status where state = 'ready'"):
                    await asyncio.sleep(0.01)
            yield Range(operator, bow)
        finally:
            await operator.close()


PLAN = BowPlan(trials=6, lowest=50, highest=250)  # 50, 112 and 250


async def test_the_threshold_lies_in_the_error_free_range(
    database_settings: ServiceSettings, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    async with range_of(database_settings, tmp_path) as here:
        found = await here.calibrate(PLAN, planned_trials(40))
        assert here.bow.settings["threshold"] == found["threshold"] == 112
        stored = await active_calibration(here.operator, "bow-1", CalibrationKind.BOW)
        states = await here.operator.fetch("select distinct state from commands")
    assert NOISE < 112 <= EDGE
    assert (found["free_from"], found["free_to"], found["threshold_before"], found["releases"]) == (112, 112, 100, 2)
    latency = found["release_latency_median_s"]
    assert isinstance(latency, float)
    assert LATENCY_S <= latency < LATENCY_S + limit_s(pytestconfig, 0.05)
    assert stored is not None
    assert (stored.who, stored.note, len(stored.points)) == ("Robin", "indoors", 6)
    assert [(point["false_edges"], point["missed_edges"]) for point in stored.points] == [(2, 0)] * 2 + [(0, 0)] * 2 + [
        (0, 2)
    ] * 2
    assert [row["state"] for row in states] == ["done"]


async def test_an_interrupted_calibration_goes_on(database_settings: ServiceSettings, tmp_path: Path) -> None:
    async with range_of(database_settings, tmp_path) as here:
        # A busy machine finds one more of the instants past.
        with pytest.raises(CommandError, match=r"no instants left after [12] of 6 trials") as ended:
            await here.calibrate(PLAN, planned_trials(3, from_s=1.0))
        taken = int(ended.value.message.partition("after ")[2][0])
        assert here.bow.settings["threshold"] == 100, "the earlier one is back"
        few = planned_trials(30)
        late = PlannedTrial(few[0].engaged_at + timedelta(hours=1), few[0].released_at + timedelta(hours=1))
        working = asyncio.create_task(here.calibrate(PLAN, [*few, late]))
        async with asyncio.timeout(20):
            while here.bow.settings["threshold"] != 112:
                await asyncio.sleep(0.01)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        assert here.bow.settings["threshold"] == 100
        found = await here.calibrate(PLAN, planned_trials(40))
        assert found["threshold"] == here.bow.settings["threshold"] == 112
        assert here.seen.taken[:2] == [0, taken]
        assert 2 <= here.seen.taken[2] < 6


async def test_refusals_name_the_cause(database_settings: ServiceSettings, tmp_path: Path) -> None:
    async with range_of(database_settings, tmp_path) as here:
        with pytest.raises(CommandError, match="no threshold of bow-1 was free of errors") as refused:
            await here.calibrate(BowPlan(trials=4, lowest=240, highest=250), planned_trials(30))
        assert "240: 0 false, 4 missed; 250: 0 false, 4 missed" in refused.value.message
        assert here.bow.settings["threshold"] == 100
        with pytest.raises(CommandError, match="the lowest threshold 9 is above the highest 8"):
            await here.calibrate(BowPlan(lowest=9, highest=8), planned_trials(1))
        here.bow.settings.pop("threshold")
        with pytest.raises(CommandError, match="bow-1 has no threshold, so there is nothing to calibrate"):
            await here.calibrate(BowPlan(), planned_trials(1))
        await here.operator.execute(
            "insert into sessions (lane, start_time, is_indoor, location) values (1, now(), true, 'hall')"
        )
        with pytest.raises(CommandError, match="lane 1 has an open session") as open_session:
            await here.calibrate(BowPlan(), planned_trials(1))
        assert "session close --lane 1" in open_session.value.hint


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_the_threshold_of_a_simulated_bow_is_found(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """The real driver and a simulated node in a process of its own: 20 trials at the instants of the simulated archer."""
    here = world()
    until_us = here.start_us + 250_000_000
    planned = [
        PlannedTrial(at_utc(release.engaged_us), at_utc(release.released_us))
        for release in here.releases(1, here.start_us, until_us)
        if release.result is not Result.NOT_SHOT
    ]
    seen = Seen()
    async with (
        open_database(database_settings, application="sensor", role=Role.SENSOR) as database,
        simulated_bow(tmp_path, here),
        link_daemon(database, tmp_path),
        open_database(database_settings, application="test", role=Role.OPERATOR) as by_operator,
    ):
        operator = await by_operator.connect()
        await until(lambda: connection.fetchval("select count(*) from device_status where state = 'ready'"))
        stored = await calibrate_bow(operator, "bow-1", BowPlan(), FileCues(planned), "Robin", seen)
        active = await read_settings(operator, "bow-1", "Robin")
        await operator.close()
    found = stored.parameters
    assert len(stored.points) == 20
    threshold = found["threshold"]
    assert isinstance(threshold, int)
    assert LOUDEST_BUMP < threshold <= WEAKEST_EDGE
    assert active["threshold"] == threshold
    latency = found["release_latency_p95_s"]
    assert isinstance(latency, float)
    assert abs(latency) < limit_s(pytestconfig, 0.005), "the node stamps the instant of the world"


def at_utc(at_us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)
