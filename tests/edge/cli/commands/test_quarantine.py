"""What the database refused: listed, and settled by a person, with the operator's rights."""

from __future__ import annotations

import shlex
from uuid import uuid4

import pytest

from edge.common.postgres.connection import Connection
from tests.acceptance.test_docs import PREPARED, commands
from tests.edge.cli.judged_lane import Bench
from tests.test_project import ROOT

STREAM = uuid4()


@pytest.fixture
def bench(empty_bench: Bench) -> Bench:
    """Two readings and a beginning in quarantine."""

    async def refuse(connection: Connection) -> None:
        await connection.executemany(
            """
            insert into quarantine (device_id, kind, stream_id, seq, row, reason, sqlstate)
            values ('bow-1', $1, $2, $3::int, '{}', 'value out of range', '22003')
            """,
            [("reading", STREAM, 7), ("start", STREAM, 0), ("reading", STREAM, 9)],
        )

    empty_bench.on_database(refuse)
    return empty_bench


def test_what_waits_is_listed_until_it_is_settled(bench: Bench) -> None:
    said = bench.type("quarantine", "list").splitlines()
    assert [line.split()[0] for line in said] == ["1", "2", "3"]
    assert f"bow-1  reading 7 of stream {str(STREAM)[:8]}: value out of range (22003)" in said[0]
    assert "the start of stream" in said[1]
    settled = bench.json("quarantine", "settle", "1", "2")
    assert [(row["id"], row["settled_at"] is None) for row in settled] == [(1, False), (2, False)]
    assert [row["id"] for row in bench.json("quarantine", "list")] == [3]
    assert [row["settled_at"] for row in bench.json("quarantine", "settle", "1")] == [settled[0]["settled_at"]]
    assert "within seconds" in bench.type("quarantine", "settle", "3")
    assert "Nothing waits" in bench.type("quarantine", "list")
    assert bench.type("quarantine", "list", "--all").count("settled") == 3
    assert [row["id"] for row in bench.json("quarantine", "list", "--all", "--limit", "2")] == [2, 3]


def test_with_a_number_that_nothing_has_nothing_is_settled(bench: Bench) -> None:
    said = bench.type("quarantine", "settle", "1", "17", status=1)
    assert "17" in said
    assert "quarantine list" in said
    assert len(bench.json("quarantine", "list")) == 3


def test_the_commands_of_the_spools_page_work(bench: Bench) -> None:
    assert PREPARED["spool.md"].endswith("test_quarantine.py")
    typed = [shlex.split(command) for command in commands(ROOT / "docs" / "spool.md")]
    ours = [words[1:] for words in typed if words[0] == "archstats-sensor"]
    assert len(ours) == 2
    for words in ours:
        bench.type(*words)
