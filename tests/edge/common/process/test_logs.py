"""Logging reports a change once and counts repetitions."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest

from edge.common.process import logs
from edge.common.process.logs import MOST_DETAILS, Transitions

log = logging.getLogger("tests.transitions")


class Light(StrEnum):
    UP = "up"
    DOWN = "down"


@pytest.fixture
def _logs_as_before() -> Iterator[None]:
    root, loop_log = logging.getLogger(), logging.getLogger("asyncio")
    handlers, level, loop_level = root.handlers, root.level, loop_log.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    loop_log.setLevel(loop_level)


def test_a_state_is_logged_when_it_changes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    transitions = Transitions(log, "database")
    for _ in range(3):
        transitions.enter(Light.DOWN, "connection refused")
    transitions.enter(Light.UP)
    transitions.enter(Light.UP)
    assert [(r.levelname, r.getMessage().split(" (was")[0]) for r in caplog.records] == [
        ("WARNING", "database: down: connection refused"),
        ("INFO", "database: up"),
    ]
    assert "2 repetitions" in caplog.records[1].getMessage()


def test_each_reason_is_logged_once_and_reasons_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    transitions = Transitions(log, "database")
    for reason in ("refused", "wrong password", "refused", "wrong password"):
        transitions.enter(Light.DOWN, reason)
    assert len(caplog.records) == 2
    for number in range(100):
        transitions.enter(Light.DOWN, f"reason {number}")
    assert len(caplog.records) == MOST_DETAILS


@pytest.mark.usefixtures("_logs_as_before")
def test_a_record_is_one_line_with_time_level_and_name() -> None:
    stream = io.StringIO()
    logs.configure(False, "archstats-shots", stream)
    log.debug("for developers")
    try:
        int("two\nlines")
    except ValueError:
        log.exception("it failed")
    line = stream.getvalue()
    assert line.count("\n") == 1
    assert line[10:11] == "T"
    assert "Z ERROR archstats-shots tests.transitions: it failed | Traceback" in line


@pytest.mark.usefixtures("_logs_as_before")
def test_dev_mode_logs_what_is_for_developers() -> None:
    stream = io.StringIO()
    logs.configure(True, "archstats-shots", stream)
    log.debug("for developers")
    assert "DEBUG archstats-shots tests.transitions: for developers" in stream.getvalue()


@pytest.mark.usefixtures("_logs_as_before")
def test_the_journal_gets_a_level_and_no_time_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "journal").open("w+") as stream:
        there = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{there.st_dev}:{there.st_ino}")
        logs.configure(False, "archstats-shots", stream)
        log.warning("the database is away\nand stays so")
        log.info("it is back")
        stream.seek(0)
        assert stream.read().splitlines() == ["<4>the database is away | and stays so", "<6>it is back"]


@pytest.mark.usefixtures("_logs_as_before")
@pytest.mark.parametrize("journal", [False, True])
def test_a_devices_text_commands_no_terminal(journal: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "log").open("w+", encoding="utf-8") as stream:
        there = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{there.st_dev}:{there.st_ino}" if journal else "")
        logs.configure(False, "archstats-sensor bow-1", stream)
        log.warning("bow-1 reports: %s", "\x1b]0;x\x07\x1b[2J \x9b1m \u202egnp.exe \0 \ud800 ü\n<0>forged")
        stream.seek(0)
        written = stream.read()
    assert written.count("\n") == 1
    assert written.rstrip("\n").isprintable()
    assert written.rstrip("\n").endswith(
        "bow-1 reports: \\x1b]0;x\\x07\\x1b[2J \\x9b1m \\u202egnp.exe \\x00 \\ud800 ü | <0>forged"
    )


def test_the_reason_of_an_end_commands_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    logs.complain("archstats-sensor", "cannot open \x1b[2J\u202e\nport")
    assert capsys.readouterr().err == "archstats-sensor: cannot open \\x1b[2J\\u202e port\n"
