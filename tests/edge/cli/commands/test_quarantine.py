"""Quarantined reports are listed and settled with the operator's rights."""

from __future__ import annotations

import shlex
from uuid import uuid4

import pytest

from edge.common.postgres.connection import Connection
from tests.acceptance.test_docs import PREPARED, commands
from tests.edge.cli.command_line import CommandLine
from tests.test_project import ROOT

STREAM = uuid4()


@pytest.fixture
def quarantined(command_line: CommandLine) -> CommandLine:
    """The command line with two readings and a start in quarantine."""

    async def fill(connection: Connection) -> None:
        await connection.executemany(
            """
            insert into quarantine (device_id, kind, stream_id, seq, row, reason, sqlstate)
            values ('bow-1', $1, $2, $3::int, '{}', 'value out of range', '22003')
            """,
            [("reading", STREAM, 7), ("start", STREAM, 0), ("reading", STREAM, 9)],
        )

    command_line.on_database(fill)
    return command_line


def test_entries_are_listed_until_settled(quarantined: CommandLine) -> None:
    output = quarantined.run("quarantine", "list").splitlines()
    assert [line.split()[0] for line in output] == ["1", "2", "3"]
    assert f"bow-1  reading 7 of stream {str(STREAM)[:8]}: value out of range (22003)" in output[0]
    assert "the start of stream" in output[1]
    settled = quarantined.json("quarantine", "settle", "1", "2")
    assert [(row["id"], row["settled_at"] is None) for row in settled] == [(1, False), (2, False)]
    assert [row["id"] for row in quarantined.json("quarantine", "list")] == [3]
    assert [row["settled_at"] for row in quarantined.json("quarantine", "settle", "1")] == [settled[0]["settled_at"]]
    assert "within seconds" in quarantined.run("quarantine", "settle", "3")
    assert "The quarantine is empty" in quarantined.run("quarantine", "list")
    assert quarantined.run("quarantine", "list", "--all").count("settled") == 3
    assert [row["id"] for row in quarantined.json("quarantine", "list", "--all", "--limit", "2")] == [2, 3]


def test_unknown_number_settles_nothing(quarantined: CommandLine) -> None:
    output = quarantined.run("quarantine", "settle", "1", "17", status=1)
    assert "17" in output
    assert "quarantine list" in output
    assert len(quarantined.json("quarantine", "list")) == 3


def test_commands_of_the_spool_page_work(quarantined: CommandLine) -> None:
    assert PREPARED["spool.md"].endswith("test_quarantine.py")
    shown = [shlex.split(command) for command in commands(ROOT / "docs" / "hub" / "spool.md")]
    ours = [words[1:] for words in shown if words[0] == "archstats-sensor"]
    assert len(ours) == 2
    for words in ours:
        quarantined.run(*words)
