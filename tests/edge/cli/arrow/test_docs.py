"""The commands of docs/arrows.md work in their order."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.acceptance.test_docs import PREPARED, commands
from tests.edge.cli.arrow.scripted_pad import ScriptedPad
from tests.edge.cli.command_line import CommandLine
from tests.test_project import ROOT

PAGE = ROOT / "docs" / "arrows.md"


@pytest.mark.usefixtures("pad")
def test_commands_of_the_arrows_page_work(
    command_line: CommandLine, pad: ScriptedPad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PREPARED["arrows.md"].endswith("arrow/test_docs.py")
    (block,) = re.findall(r"```csv\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "arrows.csv").write_text(block)
    monkeypatch.chdir(tmp_path)
    shown = [shlex.split(command)[1:] for command in commands(PAGE)]
    assert len(shown) == 11
    for words in shown:
        command_line.run(*words)
    states = {one["human_identifier"]: one["state"] for one in command_line.json("arrow", "list")}
    assert len(states) == 15
    assert (states["A01"], states["B07"], states["C1"], states["C2"]) == (
        "programmed", "registered", "elsewhere", "registered",
    )  # fmt: skip
    assert pad.on_pad[0].pc == "4000"
