"""Ctrl-C ends a program quietly at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

CASES = {
    "while importing": ("block()", -signal.SIGINT),
    "while running": ("def main(): block()", 128 + signal.SIGINT),
}
BLOCK = "import time\ndef block(): print('here', flush=True); time.sleep(60)\n"


@pytest.mark.parametrize("case", CASES)
def test_interrupt_prints_no_traceback(case: str, tmp_path: Path) -> None:
    code, status = CASES[case]
    (tmp_path / "slow.py").write_text(f"{BLOCK}{code}\n")
    start = "from edge.cli import programs; programs._start('slow')"
    with subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {start}"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[1] == ""
    assert process.returncode == status


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_work_beside_a_damaged_env_file(option: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("export FOO=bar\n")
    start = f"import sys; sys.argv = ['archstats-sensor', {option!r}]; from edge.cli import programs; programs.sensor()"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("ARCH_STATS_", "POSTGRES_"))
    }
    shown = subprocess.run(
        [sys.executable, "-c", start],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "archstats" in shown.stdout
