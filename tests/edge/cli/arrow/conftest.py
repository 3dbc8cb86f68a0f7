"""A scanner of arrows beside the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge.cli.arrow.scripted_pad import ScriptedPad
from tests.edge.cli.command_line import CommandLine
from tests.edge.sensor.scripted_bow import daemon_thread
from tests.edge.sensor.scripted_scanner import SCANNER


@pytest.fixture
def pad(command_line: CommandLine, tmp_path: Path) -> Iterator[ScriptedPad]:
    """A scanner with its daemon; a blank tag is on its pad."""
    pad = ScriptedPad()
    with daemon_thread(command_line.settings, pad, tmp_path, SCANNER):
        yield pad
