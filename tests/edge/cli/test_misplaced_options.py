"""An option that would have no effect is refused, not ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.simulated_range import clean_environment
from tests.warm_programs import WarmPrograms


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--shots", "3"], "add --simulate"),
        (["--json"], "add --simulate"),
        (["--json", "session", "list"], "--json is placed before 'session'"),
        (["--database-dir", "/nowhere", "db", "status"], "--database-dir is placed before 'db'"),
    ],
)
def test_misplaced_option_is_refused_with_its_place(
    words: list[str], message: str, tmp_path: Path, programs: WarmPrograms
) -> None:
    environment = clean_environment(COLUMNS="200")
    done = programs.run("archstats-sensor", *words, environment=environment, folder=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
