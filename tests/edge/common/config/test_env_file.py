"""Env files follow systemd's rules and survive a round trip; ``.env`` gives settings only in development."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.common.config.env_file import (
    apply_development_file,
    format_assignment,
    parse_env,
    read_development_file,
)
from edge.common.config.errors import EX_CONFIG, ConfigError

BIN = Path(sys.executable).parent
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | st.text("'\"\\\\`$ \n\r#;=a")
SYSTEMD = {
    "continued lines": (
        "a=a\nb=b\\\nc\nd=d\\\ne\\\nf\ng=g\\ \nh= ąęół śćńźżµ \ni=i\\",
        {"a": "a", "b": "bc", "d": "def", "g": "g ", "h": "ąęół śćńźżµ", "i": "i"},
    ),
    "end after a continuation": ("a=a\\\n", {"a": "a"}),
    "number sign after a value": ("A=1 # one\nB='two' # 2\n", {"A": "1 # one", "B": "two# 2"}),
    "comments": ('# Made\n\n;x=1\n  # y=2\nM="core f7"\nN=core # kept\n', {"M": "core f7", "N": "core # kept"}),
    "empty values": ("a=\nb=", {"a": "", "b": ""}),
    "escapes": (
        (
            "a=\\ \\n \\t \\x \\y \\' \n"
            "b= \\$'                   \n"
            "c= ' \\n\\t\\$\\`\\\\\n'   \n"
            'd= " \\n\\t\\$\\`\\\\\n"   \n'
        ),
        {"a": " n t x y '", "b": "$'", "c": " \\n\\t\\$\\`\\\\\n", "d": " \\n\\t$`\\\n"},
    ),
    "parts in quotes": ("a='x y'\"z\" w\n", {"a": "x yzw"}),
    "spaces around": (" POSTGRES_DB = no  \nB='z' \r\nC=1\r\n", {"POSTGRES_DB": "no", "B": "z", "C": "1"}),
    "the later counts": ("a=1\na=2\n", {"a": "2"}),
    "space before a continuation stays": ("a=1  \\\n\nb=2", {"a": "1  ", "b": "2"}),
}
"""Texts and the values that systemd reads from them, many from its own ``test-env-file.c``."""


@pytest.mark.parametrize("case", SYSTEMD)
def test_values_equal_those_of_systemd(case: str) -> None:
    text, values = SYSTEMD[case]
    assert parse_env(text).values == values


@given(st.dictionaries(NAMES, VALUES))
def test_a_written_file_reads_back(values: dict[str, str]) -> None:
    text = "".join(f"{format_assignment(name, value)}\n" for name, value in values.items())
    parsed = parse_env(text)
    assert (parsed.values, parsed.invalid_lines) == (values, ())


@given(st.text("'\"\\\\ \n\r#;=ab"))
def test_any_text_can_be_parsed(text: str) -> None:
    parsed = parse_env(text)
    assert all(1 <= line <= text.count("\n") + 1 for line in parsed.invalid_lines)


@pytest.mark.parametrize(("name", "value"), [("1A", "x"), ("A B", "x"), ("", "x"), ("A", "x\0")])
def test_impossible_assignments_are_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"variable|NUL"):
        format_assignment(name, value)


@pytest.mark.parametrize("line", ["POSTGRES_USER", "=x", "a b=c", "export A=b", "- x"])
def test_a_wrong_line_is_named_but_not_shown(line: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"A=b\n{line}\nC=d\n")
    with pytest.raises(ConfigError, match=r"line 2 of .*\.env is not NAME=value") as caught:
        read_development_file(tmp_path)
    assert line not in caught.value.message.replace("NAME=value", "")


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_development_file(tmp_path)


def test_only_settings_of_this_project_are_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "POSTGRES_USER=ana\nPOSTGRES_INITDB_ARGS=x\nSECRET_KEY=x\nARCH_STATS_NOPE=1\nARCH_STATS_LANE=2\n"
    )
    environ = {"HOME": "/", "ARCH_STATS_LANE": "7"}
    apply_development_file(environ, tmp_path)
    assert environ == {"HOME": "/", "POSTGRES_USER": "ana", "ARCH_STATS_NOPE": "1", "ARCH_STATS_LANE": "7"}


@pytest.mark.parametrize(
    "given_by", [{"SYSTEMD_EXEC_PID": str(os.getpid())}, {"NOTIFY_SOCKET": "/run/x"}, {"ARCH_STATS_PARENT": "1"}]
)
def test_environment_of_a_child_or_unit_is_unchanged(given_by: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSTGRES_USER=ana\n")
    environ = dict(given_by)
    apply_development_file(environ, tmp_path)
    assert environ == given_by


def test_without_a_file_nothing_changes(tmp_path: Path) -> None:
    environ = {"A": "b"}
    apply_development_file(environ, tmp_path)
    assert environ == {"A": "b"}


def run(words: list[str], folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run one of the programs in ``folder`` with only these settings in its environment."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ARCH_STATS_", "POSTGRES_"))}
    return subprocess.run(
        [BIN / words[0], *words[1:]], cwd=folder, env={**kept, **settings}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


def test_a_command_reads_the_file_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSTGRES_DB='my range'\nARCH_STATS_SERVER_PORT=8080\nARCH_STATS_DEV_MODE=true\n")
    shown = json.loads(
        run(["archstats-sensor", "config", "show", "--json"], tmp_path, ARCH_STATS_SERVER_PORT="9090").stdout
    )
    assert (shown["database.db"], shown["dev_mode"], shown["server_port"]) == ("my range", True, 9090)


@pytest.mark.parametrize("words", [["archstats-sensor", "run", "bow-1"], ["archstats-shots"], ["archstats-push"]])
def test_a_service_reads_the_file(words: list[str], tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "ARCH_STATS_DRIVER=bow.link\nARCH_STATS_PORT=/dev/ttyUSB0\nARCH_STATS_WS_CHANNEL=No\n"
    )
    ended = run(words, tmp_path)
    assert ended.returncode == EX_CONFIG
    assert "ARCH_STATS_WS_CHANNEL is 'No'" in ended.stderr


@pytest.mark.parametrize("words", [["archstats-sensor", "config", "show"], ["archstats-shots"]])
def test_a_wrong_file_ends_a_program(words: list[str], tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("no assignment\n")
    ended = run(words, tmp_path)
    assert ended.returncode == EX_CONFIG
    assert f"{words[0]}: line 1 of {tmp_path}/.env is not NAME=value. Correct" in ended.stderr


def test_a_systemd_unit_does_not_read_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ARCH_STATS_DRIVER=bow.nothing\n")
    unit = f'SYSTEMD_EXEC_PID=$$ exec "{BIN}/archstats-sensor" run bow-1'
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ARCH_STATS_", "POSTGRES_"))}
    ended = subprocess.run(
        ["sh", "-c", unit], cwd=tmp_path, env=kept, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == EX_CONFIG
    assert "no driver is set" in ended.stderr
