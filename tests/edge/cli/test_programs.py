"""Ctrl-C ends a program quietly at any moment."""

from __future__ import annotations

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
