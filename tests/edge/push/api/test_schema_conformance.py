"""The API keeps what its OpenAPI document states, whatever a client sends: every check of schemathesis."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.database import Database
from tests.edge.lane_rows import LaneRows
from tests.edge.push.push_process import PushProcess, push_process
from tests.edge.shots.running import assembler, until
from tests.test_project import ROOT

TOKEN = "a-token-that-only-this-test-knows"
SETTINGS = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 400, 401, 403, 404, 409, 412, 422, "5xx"]
"""
"""412: another If-Match than the row's. 400 and 422: only for what the document cannot state, see ``schema_checks``."""
ENDLESS = "/events$"

SHORT = ("--phases", "fuzzing", "--max-examples", "4", "--seed", "1")
LONG = ("--phases", "coverage,fuzzing,stateful", "--max-examples", "40")


async def conform(push: PushProcess, folder: Path, *options: str, within_s: float) -> int:
    """Send requests as another machine with the operator token; returns their number. Fails with schemathesis' report."""
    (folder / "schemathesis.toml").write_text(SETTINGS)
    words = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(folder / "schemathesis.toml"), "--no-color", "run",
        f"http://127.0.0.1:{push.port}/api/openapi.json", "--checks", "all", "--exclude-path-regex", ENDLESS,
        "-H", f"Authorization: Bearer {TOKEN}", "-H", "X-Forwarded-For: 192.0.2.9", "--warnings", "off",
        "--continue-on-failure", *options,
    ]  # fmt: skip
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.edge.push.api.schema_checks", "PYTHONPATH": str(ROOT)}
    running = await asyncio.create_subprocess_exec(
        *words, cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(within_s):
            output, _ = await running.communicate()
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()
    report = output.decode()
    assert running.returncode == 0, report
    found = re.search(r"(\d+) generated", report)
    assert found is not None, report
    return int(found[1])


@pytest.mark.parametrize(
    ("options", "least", "within_s"),
    [
        pytest.param(SHORT, 200, 100.0, id="short"),
        pytest.param(LONG, 5000, 1700.0, id="long", marks=[pytest.mark.long, pytest.mark.timeout(1800)]),
    ],
)
async def test_every_answer_conforms_to_the_document(
    database_settings: ServiceSettings,
    database: Database,
    lane: LaneRows,
    tmp_path: Path,
    options: tuple[str, ...],
    least: int,
    within_s: float,
) -> None:
    for t in (10.0, 20.0, 30.0):
        await lane.shoot(t)
        await lane.land(t + 1.0)
    await lane.land(40.0)
    await lane.set_watermarks(50.0)
    (tmp_path / "token").write_text(TOKEN)
    token = {"ARCH_STATS_OPERATOR_TOKEN_FILE": str(tmp_path / "token")}
    async with (
        assembler(database),
        push_process(database_settings, tmp_path, (1024, 1024), **token) as push,
    ):
        await until(lane, "count(*) = 3 from shots where result = 'hit'")
        assert await conform(push, tmp_path, *options, within_s=within_s) >= least
        assert (await push.health())[0] == 200
        log = push.lines()
    assert [line for line in log if "Traceback" in line or " ERROR " in line] == []
    assert TOKEN not in "\n".join(log)
