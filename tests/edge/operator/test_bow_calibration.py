"""A bow is calibrated beside its daemon: the threshold is found, set, read back and stored with its trials."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drivers.clock.host import host_now
from drivers.clock.instant import Instant
from drivers.contract import ReadingKind
from edge.cli.calibrating.bow_cues import FileCues, PlannedTrial
from edge.common.config.errors import CommandError
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from edge.common.postgres.roles import Role
from edge.common.vocabulary import CalibrationKind
from edge.operator.calibration.bow import BowPlan, calibrate_bow
from edge.operator.calibration.bow_trials import Trial, TrialResult
from edge.operator.calibration.records import CalibratedDevice, active_calibration
from edge.operator.calibration.runs import CalibrationRun
from edge.operator.calibration.settings import activate_settings, roll_back_settings
from edge.operator.device_settings import read_settings
from edge.sensor import writer
from simulators.devices.threshold import LOUDEST_BUMP, WEAKEST_EDGE
from simulators.world.range import Result
from tests.edge.sensor.scripted_bow import daemon
from tests.edge.sensor.sensing_bow import EDGE, LATENCY_S, NOISE, SensingBow
from tests.edge.sensor.test_daemon import daemon as link_daemon
from tests.edge.sensor.test_daemon import simulated_bow, until, world
from tests.timing import limit_s


@pytest.fixture(autouse=True)
def _prompt_status(monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon writes the bow's watermark sooner than one on a hub does: each calibration waits for it."""
    monkeypatch.setattr(writer, "STATUS_PAUSE_S", 0.05)


@dataclass
class Seen:
    """Progress that a calibration showed."""

    taken: list[int] = field(default_factory=list)
    results: list[TrialResult] = field(default_factory=list)
    repeats: list[Trial] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    back: list[int] = field(default_factory=list)
    """Thresholds that the bow got back."""
    is_pipe_closed: bool = False

    def started(self, run: CalibrationRun, thresholds: Sequence[int], taken: int, before: int) -> None:
        del run, thresholds, before
        self.taken.append(taken)

    def judged(self, result: TrialResult) -> None:
        if self.is_pipe_closed:
            raise BrokenPipeError
        self.results.append(result)

    def repeated(self, trial: Trial) -> None:
        self.repeats.append(trial)

    def waiting(self, trouble: CommandError) -> None:
        self.waits.append(trouble.message)

    def put_back(self, threshold: int) -> None:
        self.back.append(threshold)

    def not_put_back(self, threshold: int) -> None:
        raise AssertionError(f"{threshold} is not put back")


class Archer:
    """Nocks and releases at cues of its own, without any pause; ``then`` runs after the trials of these numbers."""

    def __init__(
        self, bow: SensingBow, trials: int = 100, then: Mapping[int, Callable[[], Awaitable[object]]] | None = None
    ) -> None:
        self._bow = bow
        self._left = trials
        self._then = dict(then or {})
        self.acted: list[Instant] = []
        """Instants of all nockings and releases."""

    async def next_trial(self, number: int, total: int, threshold: int) -> Trial:
        del total
        if not self._left:
            raise CommandError("the archer is tired", hint="Rest.")
        self._left -= 1
        since = host_now().at
        engaged = await self._act(ReadingKind.ENGAGE)
        released = await self._act(ReadingKind.RELEASE)
        until = host_now().at
        if number in self._then:
            await self._then.pop(number)()
        return Trial(threshold, engaged, released, since, until)

    async def _act(self, kind: ReadingKind) -> Instant:
        """Act at a cue; the bow senses it later."""
        cue = host_now()
        self.acted.append(cue)
        await asyncio.sleep(LATENCY_S)
        self._bow.act(kind)
        return cue


class Range:
    """A bow, its daemon, an operator's connection, and an archer."""

    def __init__(self, operator: Connection, bow: SensingBow) -> None:
        self.operator = operator
        self.bow = bow
        self.seen = Seen()

    async def calibrate(self, plan: BowPlan, archer: Archer | None = None) -> dict[str, object]:
        """Calibrate while the archer shoots and the bow sends heartbeats; the parameters that are stored."""
        beating = asyncio.create_task(self.bow.shoot_and_beat([]))
        try:
            stored = await calibrate_bow(
                self.operator, "bow-1", plan, archer or Archer(self.bow), "Robin", self.seen, "indoors"
            )
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
        return dict(stored.parameters)

    async def refused(self, plan: BowPlan, archer: Archer | None = None) -> CommandError:
        """The error of a calibration that is refused."""
        with pytest.raises(CommandError) as refused:
            await self.calibrate(plan, archer)
        return refused.value


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
OPEN_SESSION = "insert into sessions (lane, start_time, is_indoor, location) values (1, now(), true, 'hall')"


async def test_the_threshold_lies_in_the_error_free_range(
    database_settings: ServiceSettings, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    async with range_of(database_settings, tmp_path) as here:
        found = await here.calibrate(PLAN)
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
    assert here.seen.back == []


async def test_an_interrupted_calibration_goes_on(database_settings: ServiceSettings, tmp_path: Path) -> None:
    async with range_of(database_settings, tmp_path) as here:
        bow = here.bow
        assert "the archer is tired" in (await here.refused(PLAN, Archer(bow, 2))).message
        assert bow.settings["threshold"] == 100, "the earlier one is back"
        other = await here.refused(BowPlan(trials=8))
        assert "a calibration of bow-1 with other trials is under way (2 of 6 trials" in other.message
        assert "--restart" in other.hint

        waits = asyncio.Event()
        working = asyncio.create_task(here.calibrate(BowPlan(), Archer(bow, then={4: waits.wait})))
        async with asyncio.timeout(20):
            while bow.settings["threshold"] != 112:
                await asyncio.sleep(0.01)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        assert bow.settings["threshold"] == 100

        bow.settings["threshold"] = 50  # as after kill -9
        await here.refused(BowPlan(), Archer(bow, 0))
        bow.settings["threshold"] = 130  # by the technician
        await here.refused(BowPlan(), Archer(bow, 0))
        here.seen.is_pipe_closed = True
        with pytest.raises(BrokenPipeError):
            await here.calibrate(BowPlan())
        assert here.seen.back == [100, 100, 100, 130, 130]
        here.seen.is_pipe_closed = False
        found = await here.calibrate(PLAN)
        assert found["threshold"] == bow.settings["threshold"] == 112
        assert here.seen.taken[0] == 0
        assert here.seen.taken[1] == 2
        assert sorted(here.seen.taken) == here.seen.taken


async def test_what_disturbs_the_trials_ends_or_repeats_them(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path
) -> None:
    async with range_of(database_settings, tmp_path) as here:

        async def be_blind() -> None:
            await connection.execute(
                "insert into device_gaps (device_id, stream_id, since, until, reason) "
                "values ('bow-1', gen_random_uuid(), $1, $2, 'rebooted')",
                *(instant.at for instant in archer.acted[-2:]),
            )

        async def jam() -> None:
            here.bow.is_jammed = True

        opened = await here.refused(PLAN, Archer(here.bow, then={1: lambda: here.operator.execute(OPEN_SESSION)}))
        assert "lane 1 has an open session" in opened.message
        assert "session close --lane 1" in opened.hint
        await connection.execute("update sessions set is_opened = false, end_time = now()")
        jammed = await here.refused(PLAN, Archer(here.bow, then={2: jam}))
        assert jammed.message == (
            "bow-1 did not do configure: it is jammed. bow-1 could not get its threshold of 100 back: "
            "bow-1 did not do configure: it is jammed"
        )
        assert "devices config bow-1 threshold=100" in jammed.hint
        here.bow.is_jammed = False
        archer = Archer(here.bow, then={4: be_blind})
        found = await here.calibrate(PLAN, archer)
        assert found["threshold"] == 112
        assert len(here.seen.repeats) >= 1
        present = await active_calibration(here.operator, "bow-1", CalibrationKind.BOW)
        assert present is not None
        here.bow.is_jammed = True
        device = CalibratedDevice("bow-1", CalibrationKind.BOW, 1, "bow.scripted")
        with pytest.raises(CommandError, match="it is jammed"):
            await roll_back_settings(here.operator, device, "Robin", "too high")
        assert await active_calibration(here.operator, "bow-1", CalibrationKind.BOW) == present, "nothing is changed"
        here.bow.settings["threshold"] = 90
        with pytest.raises(CommandError, match="bow-1@1 is active already, so nothing was changed"):
            await activate_settings(here.operator, present, "Robin", "again")
        assert here.bow.settings["threshold"] == 90


async def test_refusals_name_the_cause(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path
) -> None:
    async with range_of(database_settings, tmp_path) as here:
        none = await here.refused(BowPlan(trials=4, lowest=20, highest=30))
        assert "no threshold of bow-1 was free of errors" in none.message
        assert "20: 4 false, 0 missed; 30: 4 false, 0 missed" in none.message
        assert here.bow.settings["threshold"] == 100
        above = await here.refused(BowPlan(lowest=9, highest=8))
        assert above.message == "the lowest threshold 9 is above the highest 8"
        here.bow.settings["threshold"] = 0
        assert (await here.refused(BowPlan())).hint == "Give --to."
        here.bow.settings.pop("threshold")
        assert (await here.refused(BowPlan())).message == "bow-1 has no threshold, so there is nothing to calibrate"
        await connection.fetchval("select set_config('application_name', 'calibrate bow-1', false)")
        assert "another command calibrates bow-1 at the moment" in (await here.refused(BowPlan())).message


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
