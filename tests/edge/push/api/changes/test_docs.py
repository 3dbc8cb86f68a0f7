"""The requests in the docs of the API work, one after the other, against a running service."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from tests.acceptance.test_docs import commands
from tests.edge.push.serving import WITHIN_S, Service
from tests.test_project import ROOT

EXAMPLE = "http://127.0.0.1:8000"
"""Address of the service in the docs."""


@pytest.mark.parametrize("name", ["api.md", "api-arrows-and-shots.md"])
async def test_requests_of_a_page_work(service: Service, tmp_path: Path, name: str) -> None:
    if shutil.which("curl") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("curl is missing: install the package curl")
        pytest.skip("curl is missing: install the package curl")
    (tmp_path / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n")
    requests = [one.replace(EXAMPLE, service.url) for one in commands(ROOT / "docs" / "range" / name)]
    assert requests
    script = "\n".join(["set -e -o pipefail", *requests])
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", script, env={**os.environ, "HOME": str(tmp_path), "CURL_HOME": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(WITHIN_S):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
