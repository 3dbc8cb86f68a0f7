"""``archstats-sensor place``: puts tags on the pad of the range's scanner, and shows them."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from edge.common.config.errors import CommandError
from edge.common.config.load import load_service
from edge.common.config.settings import ServiceSettings
from edge.simulation.place import place
from edge.simulation.processes import CONTROL
from simulators.control import Answer, Request, bind_private, control_server, serve_request
from simulators.hosttime import HostTime
from simulators.wire.fault_plan import NO_FAULTS
from simulators.wire.faults import FaultyLine
from simulators.wire.station import Station
from tests.acceptance.simulated_range import clean_environment
from tests.simulators.devices.r200_host import WORLD, scanner
from tests.warm_programs import WarmPrograms


@pytest.fixture
def service(tmp_path: Path) -> ServiceSettings:
    (tmp_path / "logs").mkdir()
    return load_service(clean_environment(ARCH_STATS_DATABASE_DIR=str(tmp_path)))


@asynccontextmanager
async def a_range(folder: Path, answer: Answer | None = None) -> AsyncIterator[Station]:
    """The control socket of a range with one scanner; ``answer`` is that of another version to every request."""
    host = HostTime.anchor()
    line = FaultyLine(NO_FAULTS, 1, "arrow-1", lambda data: ([], data))
    station = Station(scanner(), line, folder / "arrow-1", host, lambda _since, _until: None)
    socket = folder / CONTROL
    (folder / "logs" / CONTROL).symlink_to(socket)

    def fixed(request: Request) -> Answer:
        del request
        return answer or {}

    serving = partial(serve_request, {"arrow-1": station}, WORLD, host) if answer is None else fixed
    try:
        async with control_server(socket, bind_private(socket), serving):
            yield station
    finally:
        station.close()


@pytest.mark.usefixtures("service")
async def test_command_places_and_shows_tags(tmp_path: Path, programs: WarmPrograms) -> None:
    async def run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = clean_environment(ARCH_STATS_DATABASE_DIR=str(tmp_path))
        return await asyncio.to_thread(
            programs.run, "archstats-sensor", "place", "arrow-1", *words, environment=environment, folder=tmp_path
        )

    async with a_range(tmp_path) as station:
        head, blank, far = (await run("blank", "--far", "permalocked")).stdout.splitlines()
        assert head.split() == ["TAG", "PLACE", "TID", "EPC", "MEMORY", "LOCKS"]
        first, second = station.placed()
        assert blank.split() == ["blank", "pad", first.tid, first.epc, first.memory, "none"]
        assert far.split() == ["permalocked", "far", second.tid, second.epc, second.memory, "epc", "forever"]
        shown = (await run("--show", "--json")).stdout.splitlines()
        assert [json.loads(line) for line in shown] == [
            {"device": "arrow-1", "name": tag.name, "place": tag.place, "tid": tag.tid, "epc": tag.epc}
            | {"pc": tag.pc, "memory": tag.memory, "locks": tag.locks}
            for tag in (first, second)
        ]
        assert (await run()).stdout == "No tag is on the pad of arrow-1.\n"
        assert station.placed() == []
        both = await run("--show", "blank")
        assert (both.returncode, "--show places no tag" in both.stderr) == (2, True)


async def test_what_cannot_be_placed_is_refused(service: ServiceSettings, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no simulated range runs on this database"):
        place("arrow-1", ["blank"], [], service, as_json=False)
    async with a_range(tmp_path):
        with pytest.raises(CommandError, match="bow-1 is no simulated scanner of this range") as refused:
            await asyncio.to_thread(place, "bow-1", ["blank"], [], service, as_json=False)
        assert refused.value.hint == "Choose one of: arrow-1."
        with pytest.raises(CommandError, match="'red' is no tag that was on this pad"):
            await asyncio.to_thread(place, "arrow-1", [], ["red"], service, as_json=False)


@pytest.mark.parametrize("answer", [{"kind": "pin"}, {"tags": [{"tid": "e2"}]}])
async def test_range_of_another_version_is_named(service: ServiceSettings, tmp_path: Path, answer: Answer) -> None:
    async with a_range(tmp_path, answer):
        with pytest.raises(CommandError, match="the simulated range does not place tags"):
            await asyncio.to_thread(place, "arrow-1", None, [], service, as_json=False)
