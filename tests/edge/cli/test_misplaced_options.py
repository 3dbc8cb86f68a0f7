"""An option that would do nothing is refused, not passed over."""

from __future__ import annotations

import subprocess

import pytest

from tests.acceptance.simulated_range import BIN, clean_environment


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--shots", "3"], "add --simulate"),
        (["--json"], "add --simulate"),
        (["--json", "session", "list"], "--json stands before 'session'"),
        (["--database-dir", "/nowhere", "db", "status"], "--database-dir stands before 'db'"),
    ],
)
def test_it_is_told_where_the_option_belongs(words: list[str], told: str) -> None:
    done = subprocess.run(
        [BIN / "archstats-sensor", *words],
        env=clean_environment(COLUMNS="200"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert told in done.stderr
