"""A real systemd reads env files as this project does, and reads back all that the installer writes."""

from __future__ import annotations

import base64
from pathlib import Path

from edge.common.config.env_file import format_assignment
from edge.common.config.env_parser import parse_env
from tests.edge.common.config.env_lines import READ, REFUSED
from tests.systemd.conftest import require_lab
from tests.systemd.lab import booted

UNIT = """[Unit]
StartLimitIntervalSec=0
[Service]
Type=oneshot
EnvironmentFile=/mnt/%i.env
ExecStart=/bin/sh -c 'exec env -0 > /var/tmp/%i'
"""
"""Writes the environment that systemd made of one env file."""
WRITTEN = {
    "A": "pa\\ss",
    "B": 'it\'s "so" \\ `id` $HOME',
    "C": " blanks ",
    "D": "ü\nß",
    "E": "'\\",
    "F": "x#y # z",
    "G": "",
}
SET_BY_SYSTEMD = {"PATH", "LANG", "INVOCATION_ID", "SYSTEMD_EXEC_PID", "JOURNAL_STREAM", "PWD", "SHLVL", "_", "OLDPWD"}
CHANGED_LATER = ("comment with a backslash",)
"""Cases that a newer systemd reads differently."""


def test_systemd_reads_the_same_values(tmp_path: Path) -> None:
    require_lab()
    written = "".join(f"{format_assignment(name, value)}\n" for name, value in WRITTEN.items())
    assert parse_env(written.encode()).values == WRITTEN
    wanted = [*READ.values(), (written.encode(), WRITTEN)]
    contents = [content for content, _ in wanted]
    contents += [content for name, (content, _, _) in REFUSED.items() if name not in CHANGED_LATER]
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.env").write_bytes(content)
    with booted(binds={tmp_path: Path("/mnt")}) as lab:
        lab.run("bash", "-c", 'printf %s "$0" > /run/systemd/system/probe@.service', UNIT)
        lab.run("systemctl", "daemon-reload")
        lab.run("systemctl", "start", *(f"probe@{number}" for number in range(len(contents))), check=False)
        printed = 'for number in $(seq 0 "$0"); do base64 -w0 "/var/tmp/$number" 2>/dev/null; echo; done'
        outputs = lab.run("bash", "-c", printed, str(len(contents) - 1)).split("\n")[: len(contents)]
    for number, (content, output) in enumerate(zip(contents, outputs, strict=True)):
        parts = (line.split("=", 1) for line in base64.b64decode(output).decode().split("\0") if line)
        read = {name: value for name, value in parts if name not in SET_BY_SYSTEMD}
        if number < len(wanted):
            assert read == wanted[number][1], content
        else:
            faulty = parse_env(content)
            assert faulty.faults
            assert read in ({}, faulty.values), content  # systemd drops the file, or the line
