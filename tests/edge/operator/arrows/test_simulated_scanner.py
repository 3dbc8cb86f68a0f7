"""Arrows are programmed by the real driver on a simulated scanner, beside its daemon."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.common.config.errors import CommandError
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.connection import Connection
from edge.common.postgres.database import open_database
from edge.common.postgres.roles import Role
from edge.operator.arrows import ArrowState, NewArrow, TagFinding, program_arrow, register_arrows, verify_tag
from edge.operator.commands import DeviceCommand
from simulators.devices.arrow_r200 import Scanner
from simulators.devices.contract import DeviceSpec
from simulators.stand import served
from tests.edge.operator.calibration.test_simulated_scanner import scanner_daemon, until_ready

SCANNER = "arrow-1"
REFUSED = {
    "permalocked": "locked for ever",
    "password": "locked",
    "small": "smaller than 128 bits",
    "programmed": "a UUID that is not registered here",
}
"""Default tags that must not be written, and a part of the message."""


@pytest.mark.long  # tests.acceptance.arrows does the same by the operator's commands
async def test_arrows_are_programmed_on_a_simulated_scanner(
    database_settings: ServiceSettings, connection: Connection, tmp_path: Path
) -> None:
    steps: list[str | None] = []

    def follow(command: DeviceCommand) -> None:
        steps.append(command.phase)

    async with (
        served(DeviceSpec(SCANNER, "arrow.r200", 1), tmp_path / SCANNER, speed=1.0) as device,
        open_database(database_settings, application="test", role=Role.OPERATOR) as database,
        scanner_daemon(database_settings, tmp_path),
    ):
        assert isinstance(device, Scanner)
        operator = await database.connect()
        await until_ready(connection)
        first, second = await register_arrows(operator, [NewArrow("A1"), NewArrow("A2")], "Robin")
        for name, message in REFUSED.items():
            device.pad.place([name])
            (wrong,) = device.pad.tags
            before = wrong.tag.epc_memory
            with pytest.raises(CommandError) as refused:
                await program_arrow(operator, first, SCANNER, "Robin", follow)
            assert message in refused.value.message
            assert wrong.tag.epc_memory == before
        device.pad.place(["blank"])
        (placed,) = device.pad.tags
        done = await program_arrow(operator, first, SCANNER, "Robin", follow, lock=True)
        assert placed.tag.epc_memory[:16] == first.id.bytes
        assert (done.arrow.state, done.arrow.tag_tid) == (ArrowState.LOCKED, placed.tag.tid.hex())
        assert "writing the tag" in steps
        found = await verify_tag(operator, SCANNER, "Robin", follow, first)
        assert found.finding is TagFinding.MATCHES
        with pytest.raises(CommandError, match="is that of arrow A1"):
            await program_arrow(operator, second, SCANNER, "Robin", follow)
        await operator.close()
