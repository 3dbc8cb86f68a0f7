"""An option that would have no effect is refused, not ignored."""

from __future__ import annotations

import subprocess

import pytest

from tests.acceptance.simulated_range import BIN, clean_environment


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--shots", "3"], "add --simulate"),
        (["--json"], "add --simulate"),
        (["--json", "session", "list"], "--json is placed before 'session'"),
        (["--database-dir", "/nowhere", "db", "status"], "--database-dir is placed before 'db'"),
    ],
)
def test_misplaced_option_is_refused_with_its_place(words: list[str], message: str) -> None:
    done = subprocess.run(
        [BIN / "archstats-sensor", *words],
        env=clean_environment(COLUMNS="200"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert message in done.stderr
