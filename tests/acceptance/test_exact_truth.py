"""The database holds exactly the shots of the simulated archer, with the devices of the link and with those of a club."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from uuid import UUID

import pytest

from simulators.world.range import World
from tests.acceptance.printed import print_errors, unrevised_prints
from tests.acceptance.simulated_range import (
    BIN,
    CLUB,
    LINK,
    SCANNED_CLUB,
    Sensing,
    SimulatedRange,
    clean_environment,
    connected,
    differences,
    removed_arrows,
    simulated_range,
    stored_shots,
    truth,
    unreported_let_downs,
)

SHOTS = 12
SEED = 183
"""Its first shots have all four results: hit, miss, off the face, not shot."""
LONG_SEEDS = (1, 2, 3, *range(100, 120))
CLUB_OPTIONS = ("--target", "freetarget", "--bow", "nock", "--speed", "8")
"""At this speed two arrows of an archer land at least 0.75 s apart: longer than the target's dead time."""
CLUB_SHOTS, CLUB_SEED = 5, 2281
"""Its first shots have all four results."""
LONG_CLUB_SHOTS, LONG_CLUB_SEEDS = 21, (1, 2, 3, 183, *range(100, 104))


def is_exposed(path: Path) -> bool:
    """Whether others than the owner have a right; also the umask of the range is that of a careless shell."""
    return not path.is_symlink() and path.exists() and bool(path.stat().st_mode & 0o077)


async def shoot(
    database_dir: Path,
    seed: int,
    shots: int = SHOTS,
    options: Sequence[str] = ("--speed", "20"),
    sensing: Sensing = LINK,
    meanwhile: Callable[[SimulatedRange], Awaitable[None]] | None = None,
    *,
    has_scanner: bool = False,
) -> list[str]:
    """Run one range to its end; return the differences between its database and the truth."""
    words = ("--seed", str(seed), "--shots", str(shots), *options)
    async with simulated_range(database_dir, *words, has_scanner=has_scanner) as running:
        if meanwhile is not None:
            await meanwhile(running)
        status = await running.to_the_end()
        found = [] if status == 0 else [f"exit status {status}"]
        expected = await truth(running)
        found += [] if len(expected) == shots else [f"the truth has {len(expected)} releases"]
        rows = await stored_shots(database_dir)
        found += [f"other users may use {path}" for path in database_dir.rglob("*") if is_exposed(path)]
        if sensing.reports_let_downs:
            found += unreported_let_downs(await removed_arrows(database_dir), expected)
        found += differences(rows, expected, sensing)
        return found + print_errors(running, rows) + unrevised_prints(running, rows)


async def press_and_place(running: SimulatedRange) -> None:
    """Press the probe of the range's target, and place a tag on its scanner, while arrows fly."""
    await running.until_shots(1)
    assert running.start["scanner"] == "arrow-1"
    pressed = await run(running, "press", "target-1", "--x", "100", "--y", "200.5")
    assert pressed == "Pressed the probe of target-1 at 100 200.5 mm.\n"
    placed = json.loads(await run(running, "place", "arrow-1", "programmed", "--json"))
    assert UUID(placed["epc"]) == World(SEED, 0).lane(1).arrows[0].id


async def run(running: SimulatedRange, *words: str) -> str:
    """The output of a command of the range."""
    process = await asyncio.create_subprocess_exec(
        str(BIN / "archstats-sensor"), *words, "--database-dir", str(running.database_dir),
        stdout=asyncio.subprocess.PIPE, env=clean_environment(),
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


@pytest.mark.timeout(240)
async def test_every_result_is_stored_exactly_as_in_truth(short_path: Path) -> None:
    """The newcomer's range, with a scanner that is on a desk beside the shooting."""
    assert await shoot(short_path, SEED, meanwhile=press_and_place, has_scanner=True) == []
    async with connected(short_path) as connection:
        pins = await connection.fetch("select device_id, x_mm, y_mm, source from readings where kind = 'pin'")
        scans = await connection.fetch(
            "select s.human_identifier from readings r left join arrows s on replace(s.id::text, '-', '') = r.tag"
            " where r.device_id = 'arrow-1' and r.kind = 'scan' order by r.at"
        )
    assert [tuple(pin) for pin in pins] == [("target-1", 100.0, 200.5, "simulator")]
    assert [scan["human_identifier"] for scan in scans] == [None, "L1-01"]


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_scanned_arrows_are_those_of_the_truth(short_path: Path) -> None:
    """The newcomer's range with a nock switch: the scanner knows the arrows that the bow does not."""
    assert await shoot(short_path, CLUB_SEED, CLUB_SHOTS, CLUB_OPTIONS, SCANNED_CLUB, has_scanner=True) == []
    assert [row["flags"] for row in await stored_shots(short_path)] == [["scanned"]] * (CLUB_SHOTS - 1)


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_a_lane_without_tags_stores_exactly_the_truth(short_path: Path) -> None:
    assert await shoot(short_path, CLUB_SEED, CLUB_SHOTS, CLUB_OPTIONS, CLUB) == []


@pytest.mark.long
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("has_scanner", [False, True])
async def test_many_lanes_of_clubs_store_exactly_the_truth(short_path: Path, has_scanner: bool) -> None:
    """168 shots of eight archers."""
    slots = asyncio.Semaphore(3)
    sensing = SCANNED_CLUB if has_scanner else CLUB

    async def one(seed: int) -> list[str]:
        async with slots:
            folder = short_path / str(seed)
            return await shoot(folder, seed, LONG_CLUB_SHOTS, CLUB_OPTIONS, sensing, has_scanner=has_scanner)

    found = await asyncio.gather(*(one(seed) for seed in LONG_CLUB_SEEDS))
    assert dict(zip(LONG_CLUB_SEEDS, found, strict=True)) == {seed: [] for seed in LONG_CLUB_SEEDS}


@pytest.mark.long
@pytest.mark.timeout(1500)
async def test_many_seeds_store_exactly_the_truth(short_path: Path) -> None:
    slots = asyncio.Semaphore(4)

    async def one(seed: int) -> list[str]:
        async with slots:
            return await shoot(short_path / str(seed), seed)

    found = await asyncio.gather(*(one(seed) for seed in LONG_SEEDS))
    assert dict(zip(LONG_SEEDS, found, strict=True)) == {seed: [] for seed in LONG_SEEDS}
