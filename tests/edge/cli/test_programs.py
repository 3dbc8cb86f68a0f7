"""Ctrl-C ends a program quietly at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from edge.cli.commands.options import operator_name
from edge.cli.main import main
from edge.common.config.errors import CommandError

CASES = {
    "while importing": ("block()", -signal.SIGINT),
    "while running": ("def main(): block()", 128 + signal.SIGINT),
}
BLOCK = "import time\ndef block():\n    print('here', flush=True)\n    while True: time.sleep(0.05)\n"
"""Short pauses: a signal that arrives just before a long one would wait for its end."""


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


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_help_prints_in_every_encoding(encoding: str) -> None:
    program = textwrap.dedent("""
        import sys
        from edge.cli import programs
        programs._replace_unknown_characters()
        for words in (["--help"], ["run", "--help"], ["session", "open", "--help"], ["why", "--help"]):
            sys.argv = ["archstats-sensor", *words]
            try:
                programs.sensor()
            except SystemExit as ended:
                assert ended.code == 0, words
        for start in (programs.shots, programs.push):
            sys.argv = ["archstats-push", "--help"]
            try:
                start()
            except SystemExit as ended:
                assert ended.code == 0, start
        print("\\u5f13 \\u2014 M\\xfcller")
    """)
    shown = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "LC_ALL": "POSIX",
            "PYTHONUTF8": "0",
            "PYTHONCOERCECLOCALE": "0",
            "PYTHONIOENCODING": encoding,
        },
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (shown.returncode, shown.stderr) == (0, b"")
    assert shown.stdout.endswith("? ? Müller\n".encode(encoding, "replace"))


@pytest.mark.parametrize("home", [None, "/dev/null", "/proc/home"])
def test_completion_without_a_home_is_refused_in_one_line(
    home: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    if home is None:
        monkeypatch.delenv("HOME")
        monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])  # a user without an account
    else:
        monkeypatch.setenv("HOME", home)
    for shell in ("bash", "zsh", "fish"):
        with pytest.raises(SystemExit) as ended:
            main(["--install-completion", shell])
        assert ended.value.code == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert "Set HOME" in line
        with pytest.raises(SystemExit) as ended:
            main(["--show-completion", shell])
        assert ended.value.code == 0


def test_user_without_an_account_is_asked_for_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])
    assert operator_name("Ann") == "Ann"
    with pytest.raises(CommandError, match="has no account"):
        operator_name()
