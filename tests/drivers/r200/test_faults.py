"""Programming over a faulty line, with tags that leave the field: a success is true, and a retry finishes every tag."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulators.devices.gen2_tag import Gen2Tag
from simulators.wire.fault_plan import FaultPlan
from tests.drivers.r200.connected import connected

FAULTS = FaultPlan(
    drop=0.02, corrupt=0.02, delay=0.01, split=0.05, duplicate=0.01, late=0.02, leave=0.03, garbage=0.02, miscrc=0.02
)
ATTEMPTS = 25


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
