"""Programming with faults: a success is true, a retry finishes every tag, and no other tag ever changes.

The line is bad, tags leave the field and wander in, and the reader restarts and is unplugged.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from simulators.devices.gen2_tag import Gen2Tag, Lock, LockField
from simulators.wire.fault_plan import FaultPlan
from tests.drivers.r200.connected import connected
from tests.drivers.r200.reopened import reopened
from tests.drivers.r200.virtual_reader import Restart, VirtualReader, contents, program, use_virtual_time

FAULTS = FaultPlan(
    drop=0.02, corrupt=0.02, delay=0.01, split=0.05, duplicate=0.01, late=0.02, leave=0.03, garbage=0.02, miscrc=0.02
)
ATTEMPTS = 25
RESTARTING = FaultPlan(
    drop=0.01, corrupt=0.01, duplicate=0.01, late=0.01, leave=0.02, garbage=0.02, miscrc=0.01, missum=0.02,
    reboot=0.02, unplug=0.003,
)  # fmt: skip
"""Without delays: no driver can keep a command that the line holds back from a reader that restarts meanwhile."""
ARROWS = 6
"""Arrows that are programmed while another tag wanders."""
WANDERING_ATTEMPTS = 80
WRITTEN = "bb7eaadd00004fff8000aabbccddeeff"


@pytest.mark.parametrize(
    ("arrows", "seed"), [(1, 8), *(pytest.param(50, seed, marks=[pytest.mark.long]) for seed in (1, 2))]
)
@pytest.mark.timeout(900)
async def test_a_success_means_that_the_tag_holds_the_uuid(tmp_path: Path, arrows: int, seed: int) -> None:
    finished: list[tuple[Gen2Tag, str]] = []
    async with connected(tmp_path, "desk-aa", faults=FAULTS, seed=seed) as there:
        for number in range(arrows):
            [tag] = there.place("blank")
            uuid = f"bb7eaadd{number:04x}4fff8000aabbccddeeff"
            for _ in range(ATTEMPTS):
                found = await there.run("inspect_tag", wait_s=2.0)
                if not found.ok:
                    assert found.values["refusal"] in ("tag_left", "no_tag", "no_answer", "reader_refused")
                    continue
                seen = {key: found.values[key] for key in ("tid", "memory")}
                done = await there.run("program_arrow", epc=uuid, lock=number % 5 == 0, **seen)
                if done.ok:
                    break
                assert done.error
            assert done.ok, done
            finished.append((tag, uuid))
            for other, written in finished:
                assert (other.epc.hex(), other.pc >> 11) == (written, 8)


@pytest.mark.parametrize("seeds", [range(1), pytest.param(range(1, 9), marks=[pytest.mark.long])])
@pytest.mark.parametrize("leaves_both", [True, False])
@pytest.mark.parametrize("after_us", [0, 30_000])
@pytest.mark.parametrize("lock", [True, pytest.param(False, marks=[pytest.mark.long])])
async def test_no_other_tag_changes_when_the_reader_restarts(
    monkeypatch: pytest.MonkeyPatch, seeds: range, after_us: int, leaves_both: bool, lock: bool
) -> None:
    for seed in seeds:
        for command in count(1):
            there = VirtualReader(seed, Restart(command, after_us, leaves_both))
            before = contents(there.other.tag)
            with monkeypatch.context() as patched:
                use_virtual_time(patched, there)
                done = await program(there, WRITTEN, lock=lock)
            assert contents(there.other.tag) == before, f"seed {seed}, command {command}: {done}"
            if done.ok:
                assert there.blank.tag.epc.hex() == WRITTEN, f"seed {seed}, command {command}"
                assert not lock or there.blank.tag.locks[LockField.EPC] is Lock.FOREVER, f"seed {seed}, {command}"
            if not there.has_restarted:
                break
        assert done.ok, done
        assert command > 10


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.timeout(900)
async def test_a_tag_that_wanders_in_never_changes(tmp_path: Path, seed: int) -> None:
    variant = ("desk", "desk-aa")[seed % 2]
    async with reopened(tmp_path, variant, RESTARTING, seed) as there:
        others = {there.wanderer.tag: contents(there.wanderer.tag)}
        for number in range(ARROWS):
            tag = there.place("blank")
            uuid = f"bb7eaadd{number:04x}4fff8000aabbccddeeff"
            is_locked = number % 3 == 1
            for _ in range(WANDERING_ATTEMPTS):
                found = await there.run("inspect_tag", wait_s=2.0)
                if found is None or not found.ok:
                    continue
                assert (found.values["tid"], found.values["memory"]) == (tag.tid.hex(), tag.epc_memory.hex())
                seen = {key: found.values[key] for key in ("tid", "memory")}
                done = await there.run("program_arrow", epc=uuid, lock=is_locked, **seen)
                for other, before in others.items():
                    assert contents(other) == before, done
                if done is not None and done.ok:
                    break
            assert done is not None
            assert done.ok, done
            assert (tag.epc.hex(), tag.pc >> 11) == (uuid, 8)
            assert not is_locked or tag.locks[LockField.EPC] is Lock.FOREVER
            others[tag] = contents(tag)
