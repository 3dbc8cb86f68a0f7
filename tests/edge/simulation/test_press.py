"""``archstats-sensor press``: finds the simulated range of the database, and reports what keeps it from pressing."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from edge.common.config.errors import CommandError
from edge.common.config.load import load_service
from edge.common.config.settings import ServiceSettings
from edge.simulation.press import press
from edge.simulation.processes import CONTROL
from simulators.control import Answer, Press, Refused, Request, bind_private, control_server
from tests.acceptance.simulated_range import clean_environment


@pytest.fixture
def service(tmp_path: Path) -> ServiceSettings:
    (tmp_path / "logs").mkdir()
    return load_service(clean_environment(ARCH_STATS_DATABASE_DIR=str(tmp_path)))


def linked(tmp_path: Path) -> Path:
    socket = tmp_path / "range.control"
    (tmp_path / "logs" / CONTROL).symlink_to(socket)
    return socket


@pytest.mark.parametrize("left_over", [False, True])
def test_without_a_range_the_command_names_the_way_out(
    service: ServiceSettings, tmp_path: Path, left_over: bool
) -> None:
    if left_over:
        bind_private(linked(tmp_path)).close()  # of a range that was killed
    with pytest.raises(CommandError, match="no simulated range runs on this database") as refused:
        press("target-1", 1.0, 2.0, service, as_json=False)
    assert "--simulate" in refused.value.hint


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("pin", "Pressed the probe of target-1 at 1.5 2 mm.\n"),
        ("landing", "An arrow landed on target-1 at 1.5 2 mm: it has no probe.\n"),
    ],
)
async def test_answer_names_the_event(
    service: ServiceSettings, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, text: str
) -> None:
    def answer(request: Request) -> Answer:
        assert request == Press("target-1", 1.5, 2.0)
        return {"kind": kind}

    socket = linked(tmp_path)
    async with control_server(socket, bind_private(socket), answer):
        await asyncio.to_thread(press, "target-1", 1.5, 2.0, service, as_json=False)
        assert capsys.readouterr().out == text
        await asyncio.to_thread(press, "target-1", 1.5, 2.0, service, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"device": "target-1", "x": 1.5, "y": 2.0, "kind": kind}


async def test_refusal_of_the_range_is_that_of_the_command(service: ServiceSettings, tmp_path: Path) -> None:
    def refuse(request: Request) -> Answer:
        assert isinstance(request, Press)
        raise Refused(f"{request.press} senses no position on a butt", "Choose a target.")

    socket = linked(tmp_path)
    async with control_server(socket, bind_private(socket), refuse):
        with pytest.raises(CommandError, match="bow-1 senses no position") as refused:
            await asyncio.to_thread(press, "bow-1", 1.0, 2.0, service, as_json=False)
    assert refused.value.hint == "Choose a target."
