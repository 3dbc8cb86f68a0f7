"""``./dev`` with a fake uv that prints its request."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_project import ROOT


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with ``dev`` and a .venv; PATH has the fake uv and a second interpreter."""
    shutil.copy(ROOT / "dev", tmp_path)
    [pinned] = re.findall(r'^UV = "uv==(.*)"', (tmp_path / "dev").read_text(), re.MULTILINE)
    tools = tmp_path / "tools"
    tools.mkdir()
    scripts = {
        "uv": f'[ "$1" = --version ] && echo "uv {pinned}" || {{ echo "$UV_PYTHON"; exec sleep "${{SYNC_S:-0}}"; }}',
        "python3.13": f'exec "{sys.executable}" "$@"',
    }
    for name, text in scripts.items():
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)
    monkeypatch.delenv("UV_PYTHON", raising=False)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / ".venv"], check=True)
    return tmp_path


def test_environment_keeps_its_interpreter(project: Path) -> None:
    words = [sys.executable, str(project / "dev"), "exec", "true"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    assert Path(done.stdout.strip()).resolve() == Path(sys.executable).resolve()
    assert project / "tools" not in Path(done.stdout.strip()).parents
    (project / ".venv" / "bin" / "python").unlink()
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    assert Path(done.stdout.strip()).name.startswith("python3."), "a broken interpreter is replaced"


def test_ctrl_c_leaves_no_traceback(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNC_S", "60")
    words = [sys.executable, str(project / "dev"), "exec", "true"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        assert process.communicate(timeout=30)[1] == ""
    assert process.returncode == -signal.SIGINT
