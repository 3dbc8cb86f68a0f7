"""The steps of a command that an operator follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from edge.cli.commands.device_commands import ShownProgress
from edge.common.vocabulary import CommandState
from edge.operator.commands import DeviceCommand

AT = datetime(2026, 1, 1, tzinfo=UTC)
WRITING = DeviceCommand(
    id=7, device_id="arrow-1", kind="program_arrow", arguments={}, who="Robin", state=CommandState.RUNNING, requested_at=AT,
    expires_at=AT, deadline_s=60, cancel_requested=False, claimed_at=AT, phase="writing", done=1, total=3, result=None,
    error=None, hint=None, finished_at=None,
)  # fmt: skip


def test_each_step_is_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    show = ShownProgress()
    for command in (
        replace(WRITING, state=CommandState.PENDING, phase=None, done=None),
        WRITING,
        replace(WRITING, result={"attempts": 1}),
        replace(WRITING, done=2),
        replace(WRITING, state=CommandState.DONE, finished_at=AT),
    ):
        show(command)
    assert capsys.readouterr().err.splitlines() == ["arrow-1: writing (1 of 3)", "arrow-1: writing (2 of 3)"]
