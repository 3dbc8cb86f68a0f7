"""Starts ``archstats-sensor --simulate`` like an operator, and compares its database with the truth."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import asyncpg

from edge.common.config.load import load_service
from edge.common.postgres.database import open_database
from edge.simulation.follower import RangeEvent
from simulators.world.vocabulary import Result as TrueResult
from tests.postgres import copy_fresh_cluster

BIN = Path(sys.executable).parent
INSTANT_TOLERANCE_S = 0.005
PLACE_TOLERANCE_MM = 0.02

Json = dict[str, object]


@dataclass(frozen=True)
class Sensing:
    """The part of the truth that the devices of a range sense."""

    has_tags: bool = True
    """Whether bow, target or scanner read tags. Otherwise no shot has an arrow."""
    reports_let_downs: bool = False
    """Whether the bow reports a let-down as an arrow that was taken off the string: it then makes no shot at all."""
    landing_tolerance_s: float = INSTANT_TOLERANCE_S


LINK = Sensing()
CLUB = Sensing(has_tags=False, reports_let_downs=True, landing_tolerance_s=0.1)
"""A nock switch with light gates, and a target that dates a landing to 0.1 s and reads no tag."""

SCANNED_CLUB = Sensing(reports_let_downs=True, landing_tolerance_s=0.1)
"""The same with a scanner, to which the archer holds each arrow."""


def free_port() -> int:
    """A free port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clean_environment(**extra: str) -> dict[str, str]:
    """The environment of these tests without settings of this project."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ARCH_STATS_", "POSTGRES_"))}
    return {**kept, **extra}


@dataclass
class SimulatedRange:
    """A running range and its printed lines."""

    process: asyncio.subprocess.Process
    database_dir: Path
    port: int
    lines: list[Json] = field(default_factory=list)

    @property
    def start(self) -> Json:
        """The first line."""
        return self.lines[0]

    @property
    def shots(self) -> list[Json]:
        """The lines with the first verdict on a shot."""
        return [line for line in self.lines if line["event"] == RangeEvent.SHOT]

    async def next_line(self, within_s: float = 60.0) -> Json | None:
        """Read one more line; None at the end."""
        assert self.process.stdout is not None
        async with asyncio.timeout(within_s):
            raw = await self.process.stdout.readline()
        if not raw:
            return None
        line: Json = json.loads(raw)
        self.lines.append(line)
        return line

    async def until_shots(self, count: int) -> None:
        """Read until this many shots are printed."""
        while len(self.shots) < count:
            assert await self.next_line() is not None, f"ended after {len(self.shots)} shots"

    async def to_the_end(self, within_s: float = 180.0) -> int:
        """Read the remaining lines and return the exit status."""
        async with asyncio.timeout(within_s):
            while await self.next_line(within_s) is not None:
                pass
            return await self.process.wait()

    def child(self, name: str) -> int:
        """The process id of the child that runs the program or device called ``name``."""
        shots = "archstats-shots"
        words = shots if name.startswith(shots) else name  # several assemblers differ by their logs alone
        found = [pid for pid in descendants(self.process.pid) if words in command_line(pid)]
        if words == shots:
            found = [pid for pid in found if log_name(pid) == name]
        assert len(found) == 1, f"{name}: {found}"
        return found[0]


def log_name(pid: int) -> str:
    """The name of the log that a process writes to; empty for a process that ended."""
    try:
        return Path(f"/proc/{pid}/fd/1").readlink().stem
    except OSError:
        return ""


def descendants(pid: int) -> list[int]:
    """The process ids of all descendants."""
    result: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            below = [int(child) for child in children.read_text().split()]
        except OSError:
            continue
        for child in below:
            result += [child, *descendants(child)]
    return result


def command_line(pid: int) -> list[str]:
    """The words of a process's command line without folders; empty when the process has ended."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
    return [Path(word.decode()).name for word in words if word]


@asynccontextmanager
async def simulated_range(
    database_dir: Path,
    *options: str,
    as_json: bool = True,
    has_scanner: bool = False,
    program: Sequence[str] = (str(BIN / "archstats-sensor"),),
    environment: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[SimulatedRange]:
    """A range in a database of its own; stopped when the test ends first.

    Without ``has_scanner`` it has one process less to start, which most tests have no use for.
    """
    await asyncio.to_thread(copy_fresh_cluster, database_dir)
    port = free_port()
    words = ["--simulate", "--database-dir", str(database_dir), *options, *(["--json"] if as_json else [])]
    words += [] if has_scanner else ["--no-scanner"]
    process = await asyncio.create_subprocess_exec(
        *program,
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        env=clean_environment(ARCH_STATS_SERVER_PORT=str(port), **environment),
        start_new_session=True,
        umask=0,
    )
    running = SimulatedRange(process, database_dir, port)
    try:
        yield running
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(5):
                    await process.communicate()
            except TimeoutError:
                process.kill()
                await process.communicate()
        transport = process._transport  # type: ignore[attr-defined]
        transport.close()


async def truth(running: SimulatedRange, lanes: int = 1) -> list[Json]:
    """The output of ``archstats-sensor truth`` for the interval that the range printed."""
    end = running.lines[-1]
    assert end["event"] == RangeEvent.END, running.lines[-3:]
    words = ["--seed", running.start["seed"], "--start", running.start["start"], "--speed", running.start["speed"]]
    words += ["--since", end["since"], "--until", end["until"], "--lanes", lanes]
    process = await asyncio.create_subprocess_exec(
        str(BIN / "archstats-sensor"),
        "truth",
        *map(str, words),
        stdout=asyncio.subprocess.PIPE,
        env=clean_environment(),
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in output.splitlines()]


@asynccontextmanager
async def connected(database_dir: Path) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection to the range's database, which is started if necessary."""
    service = load_service(clean_environment(ARCH_STATS_DATABASE_DIR=str(database_dir)))
    async with open_database(service, application="test") as database:
        connection = await database.connect()
        try:
            yield connection
        finally:
            await connection.close()


async def stored_shots(database_dir: Path) -> list[asyncpg.Record]:
    """Every counting shot, in order of release."""
    async with connected(database_dir) as connection:
        return await connection.fetch("select * from shots where result <> 'void' order by arrow_disengage_time, lane")


async def removed_arrows(database_dir: Path) -> list[asyncpg.Record]:
    """The releases that bows reported as arrows taken off the string, with their lanes."""
    async with connected(database_dir) as connection:
        return await connection.fetch(
            "select d.lane, r.at from readings r join devices d on d.id = r.device_id where r.cause = 'removed'"
        )


def unreported_let_downs(removed: Sequence[asyncpg.Record], expected: Sequence[Json]) -> list[str]:
    """Differences between the let-downs of the truth and the arrows that bows reported as taken off the string."""
    let_downs = [line for line in expected if line["result"] == TrueResult.NOT_SHOT]
    found = [
        f"lane {line['lane']} shot {line['shot']}: no arrow was taken off the string"
        for line in let_downs
        if not any(row["lane"] == line["lane"] and same_instant(row["at"], line["released_at"]) for row in removed)
    ]
    return found + ([] if len(removed) == len(let_downs) else [f"{len(removed)} arrows were taken off the string"])


def differences(rows: Sequence[asyncpg.Record], expected: Sequence[Json], sensing: Sensing = LINK) -> list[str]:
    """Differences between the database and the truth; empty when it holds exactly the truth.

    A let-down is a row with the result ``not_shot``, or no row where the bow reports it; see :class:`Sensing`.
    """
    found: list[str] = []
    if sensing.reports_let_downs:
        expected = [line for line in expected if line["result"] != TrueResult.NOT_SHOT]
    if len(rows) != len(expected):
        found.append(f"{len(rows)} shots stored, {len(expected)} shot")
    ordered = sorted(expected, key=lambda line: (str(line["released_at"]), str(line["lane"])))
    for row, line in zip(rows, ordered, strict=False):
        name = f"lane {line['lane']} shot {line['shot']}"
        if sensing.has_tags is (row["arrow_id"] is None) or (
            sensing.has_tags and str(row["arrow_id"]) != line["arrow_id"]
        ):
            found.append(f"{name}: arrow {row['arrow_id']} for {line['arrow_id']}")
        if row["result"] != line["result"]:
            found.append(f"{name}: {row['result']} {row['flags']} for {line['result']}")
        for column, key in (
            ("arrow_engage_time", "engaged_at"),
            ("arrow_disengage_time", "released_at"),
            ("arrow_landing_time", "landed_at"),
        ):
            tolerance_s = sensing.landing_tolerance_s if key == "landed_at" else INSTANT_TOLERANCE_S
            if not same_instant(row[column], line[key], tolerance_s):
                found.append(f"{name}: {column} {row[column]} for {line[key]}")
        for axis in ("x", "y"):
            stored, true = row[axis], line[axis]
            if (stored is None) != (true is None) or (
                stored is not None and abs(stored - float(str(true))) > PLACE_TOLERANCE_MM
            ):
                found.append(f"{name}: {axis} {stored} for {true}")
    return found


def same_instant(stored: datetime | None, true: object, tolerance_s: float = INSTANT_TOLERANCE_S) -> bool:
    """Whether both are missing, or equal within the tolerance."""
    if stored is None or true is None:
        return stored is None and true is None
    return abs((stored - datetime.fromisoformat(str(true))).total_seconds()) <= tolerance_s
