"""Arrows are programmed by the operator's commands through a daemon: what the database says is what the tags hold."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

import pytest

from drivers.r200.refusals import Refusal
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from simulators.devices.gen2_tag import Gen2Tag
from simulators.wire.fault_plan import FaultPlan
from tests.acceptance.arrows.scanner_desk import DEVICE, Desk, Facts, memories, scanner_desk
from tests.eventually import eventually
from tests.warm_programs import WarmPrograms

FAULTS = FaultPlan(drop=0.02, corrupt=0.02, late=0.02, leave=0.02)
PC = 0x4000
"""A PC word of 8 words of EPC, without the bits that a tag sets itself."""
REASONS = {
    Refusal.NO_TAG, Refusal.TAG_LEFT, Refusal.TORN, Refusal.NOT_VERIFIED, Refusal.OTHER_MEMORY, Refusal.READER_REFUSED,
    Refusal.NO_ANSWER,
}  # fmt: skip
"""Refusals that these faults cause."""
ATTEMPTS = 10
"""Most attempts of an arrow: with these faults each one fails in less than half of all cases."""


def holds(tag: Gen2Tag, arrow: object) -> bool:
    """Whether a tag holds the UUID of an arrow, and shows all of it."""
    return tag.pc >> 11 == PC >> 11 and tag.epc_memory.hex() == str(arrow).replace("-", "")


async def program_in_a_row(desk: Desk, count: int) -> list[str]:
    """Program so many arrows; the errors of failed attempts."""
    assert (await desk.run("arrow", "register", "A01", "--count", str(count))).status == 0
    [beside] = desk.place("blank")
    tags: dict[str, Gen2Tag] = {}
    failed: list[str] = []
    for number in range(1, count + 1):
        label = f"A{number:02}"
        [tags[label]] = desk.place("blank")
        for _ in range(ATTEMPTS):
            others = [beside, *(tag for other, tag in tags.items() if other != label)]
            before = memories(others)
            ended = await desk.program(label, tags[label], others[-1])
            arrow = (await desk.arrows())[label]
            assert arrow["is_programmed"] is (ended.status == 0), (label, ended)
            assert not arrow["is_programmed"] or holds(tags[label], arrow["id"]), (label, ended)
            assert memories(others) == before, (label, ended)
            if ended.status == 0:
                break
            assert_reason(ended.stderr, (await desk.commands())[-1])
            failed.append(ended.stderr)
    arrows = await desk.arrows()
    assert [label for label, arrow in arrows.items() if not arrow["is_programmed"]] == [], failed
    assert [label for label, arrow in arrows.items() if not holds(tags[label], arrow["id"])] == []
    assert {label: arrow["tag_tid"] for label, arrow in arrows.items()} == {
        label: tag.tid.hex() for label, tag in tags.items()
    }
    assert {str(command["state"]) for command in await desk.commands()} <= {"done", "failed"}
    return failed


def assert_reason(stderr: str, command: Facts) -> None:
    """Assert that a failed attempt gives the operator the reason with which its last command failed, one that a bad line causes."""
    assert command["state"] == "failed", (stderr, command)
    reason = str(command["error"]).split(". ")[0].removesuffix(".")
    assert reason
    assert reason in stderr, (stderr, command)
    assert isinstance(result := command["result"], dict)
    assert result.get("refusal") in REASONS or "arrow-1 fell silent" in reason, (stderr, command)


async def test_is_programmed_means_the_tag_holds_the_uuid(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path, programs: WarmPrograms
) -> None:
    """With a seed whose faults cost little time."""
    async with scanner_desk(database_settings, connection, tmp_path, programs, faults=FAULTS, seed=26) as desk:
        await program_in_a_row(desk, 1)
        assert any(faults_of(desk).values())


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("variant", ["desk", "desk-aa"])
async def test_fifty_arrows_on_a_bad_line_in_a_row(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path, programs: WarmPrograms, variant: str
) -> None:
    async with scanner_desk(database_settings, connection, tmp_path, programs, faults=FAULTS, variant=variant) as desk:
        errors = await program_in_a_row(desk, 50)
        print(f"{len(errors)} attempts failed: {errors}")
        faults = faults_of(desk)
        print(f"faults: {faults}")
        assert {"drop", "corrupt"} <= faults["to_hub"].keys() & faults["to_node"].keys()
        assert {"late", "leave"} <= faults["scanner"].keys()


def faults_of(desk: Desk) -> dict[str, Mapping[str, int]]:
    """The faults that happened on the line in each direction, and in the scanner."""
    return {**desk.station.line.counted(), "scanner": desk.scanner.faults_counted()}


REFUSED = {
    ("permalocked",): "locked for ever",
    ("password",): "password",
    ("small",): "smaller than 128 bits",
    ("programmed",): "not registered here",
    ("blank", "blank"): "several tags",
}


def phases_shown(stderr: str) -> list[list[tuple[int, str]]]:
    """The phases that a command of the operator showed, each with its number, of each command to the scanner."""
    found = re.findall(rf"^{DEVICE}: (\w+) .*\((\d+) of (\d+)\)$", stderr, re.MULTILINE)
    return [
        [(int(number), phase) for phase, number, _ in steps] for _, steps in groupby(found, key=lambda step: step[2])
    ]


async def test_each_unfit_tag_is_refused_and_unchanged(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path, programs: WarmPrograms
) -> None:
    async with scanner_desk(database_settings, connection, tmp_path, programs) as desk:
        await desk.run("arrow", "register", "A01")
        for names, message in REFUSED.items():
            tags = desk.place(*names)
            before = memories(tags)
            ended = await desk.run("arrow", "program", "A01")
            assert ended.status != 0, names
            assert message in ended.stderr, (names, ended.stderr)
            assert memories(tags) == before, names
            arrow = (await desk.arrows())["A01"]
            assert (arrow["is_programmed"], arrow["is_write_unfinished"], arrow["tag_tid"]) == (False, False, None), (
                names,
                ended.stderr,
            )
        beside, blank = desk.place("blank", "blank")
        desk.place(blank.tid.hex())
        before = memories([beside])
        ended = await desk.program("A01", blank, beside, "--lock", "--yes", "--yes")
        assert memories([beside]) == before
        assert ended.status == 0
        for steps in (shown := phases_shown(ended.stderr)):
            assert steps == sorted(steps), shown
        assert {phase for _, phase in shown[-1]} & {"writing", "verifying", "locking", "proving"}, shown
        assert holds(blank, (await desk.arrows())["A01"]["id"])
        assert (await desk.arrows())["A01"]["is_locked"]
        await desk.run("arrow", "register", "A02")
        ended = await desk.run("arrow", "program", "A02")
        assert "that of arrow A01" in ended.stderr
        assert (await desk.run("arrow", "verify", "A01")).status == 0


async def until_half_written(tag: Gen2Tag, arrow: object) -> None:
    """Wait until some words of a write are in a tag, and some are not."""
    first = bytes.fromhex(str(arrow)[:4])
    await eventually(lambda: tag.epc_memory.startswith(first) and not holds(tag, arrow), 30.0)


async def test_an_interrupted_write_leaves_a_true_state(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path, programs: WarmPrograms
) -> None:
    """The reader is unplugged, and then the daemon is killed."""
    async with scanner_desk(database_settings, connection, tmp_path, programs) as desk:
        await unplug_the_reader(desk)
        await kill_the_daemon(desk)


async def unplug_the_reader(desk: Desk) -> None:
    await desk.run("arrow", "register", "A01")
    [tag] = desk.place("blank")
    operator = asyncio.create_task(desk.run("arrow", "program", "A01"))
    await until_half_written(tag, (await desk.arrows())["A01"]["id"])
    now_us = desk.host.now_us()
    desk.scanner.reboot(now_us, 1_000_000)  # the cable also powers it; at once, before the write goes on
    desk.station.line.unplug(now_us + 1_000_000)
    unplugged = await desk.now()
    assert not holds(tag, (await desk.arrows())["A01"]["id"])
    ended = await operator
    [_, command] = await desk.commands()
    assert command["state"] == "failed"
    assert isinstance(result := command["result"], dict)
    assert result["written"] is True
    assert ended.status != 0
    assert "unfinished" in ended.stderr
    arrow = (await desk.arrows())["A01"]
    assert (arrow["is_programmed"], arrow["is_write_unfinished"]) == (False, True)
    await desk.until_ready(unplugged)
    again = await desk.run("arrow", "program", "A01")
    assert again.status == 0, again
    assert holds(tag, arrow["id"])


async def kill_the_daemon(desk: Desk) -> None:
    await desk.run("arrow", "register", "A02")
    [tag] = desk.place("blank")
    operator = asyncio.create_task(desk.run("arrow", "program", "A02"))
    await until_half_written(tag, (await desk.arrows())["A02"]["id"])
    await desk.kill_daemon()
    await desk.start_daemon()
    ended = await operator
    assert ended.status != 0
    assert "unfinished" in ended.stderr
    async with asyncio.timeout(60):
        while (await desk.commands())[-1]["finished_at"] is None:
            await asyncio.sleep(0.05)
    assert [command["state"] for command in (await desk.commands())[-2:]] == ["done", "failed"]
    assert "interrupted" in str((await desk.commands())[-1]["error"])
    arrow = (await desk.arrows())["A02"]
    assert (arrow["is_programmed"], arrow["is_write_unfinished"]) == (False, True)
    assert arrow["tag_tid"] == tag.tid.hex()
    again = await desk.run("arrow", "program", "A02")
    assert again.status == 0, again
    assert holds(tag, (await desk.arrows())["A02"]["id"])
    assert (await desk.arrows())["A02"]["is_programmed"]
