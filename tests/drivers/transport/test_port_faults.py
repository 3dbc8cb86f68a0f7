"""Diagnosis of a port that cannot be opened."""

from __future__ import annotations

import errno
import grp
import os
import subprocess
import sys
from pathlib import Path

import pytest

from drivers.transport import port_faults
from drivers.transport.port_faults import explain
from tests.drivers.serial_lines import FarEnd


def test_no_permission_shows_owner_mode_and_command(far: FarEnd) -> None:
    """Run as another user, because root has every permission."""
    if os.geteuid() != 0:
        pytest.skip("only root can change its user")
    device = os.path.realpath(far.path)
    os.chown(device, 0, grp.getgrnam("dialout").gr_gid)
    Path(device).chmod(0o600)
    code = (
        "import os, sys\n"
        "from drivers.transport.port_faults import explain\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try:\n    os.open(sys.argv[1], os.O_RDWR)\n"
        "except OSError as fault:\n    print(explain(sys.argv[1], 'bow-1', fault))\n"
    )
    output = subprocess.run([sys.executable, "-c", code, device], capture_output=True, text=True, check=True).stdout
    assert f"no permission to open {device}" in output
    assert "root" in output
    assert "crw-------" in output
    assert "sudo usermod -aG dialout" in output


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (errno.EPERM, ["the unit does not allow", "archstats-sensor@bow-1", "DeviceAllow=char-1 rw"]),
        (errno.EACCES, ["GROUP="]),
    ],
)
def test_the_hint_never_suggests_the_group_root(code: int, expected: list[str]) -> None:
    """DeviceAllow= of a unit raises EPERM; /dev/null belongs to root."""
    output = str(explain("/dev/null", "bow-1", PermissionError(code, "no")))
    assert all(word in output for word in expected)
    assert "usermod" not in output


def test_a_held_port_is_reported_without_a_known_holder(far: FarEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the search may take longer than the deadline for opening."""
    monkeypatch.setattr(port_faults, "SEARCH_S", -1.0)
    output = str(explain(str(far.path), "bow-1", BlockingIOError(errno.EAGAIN, "held")))
    assert f"another program holds {far.path}" in output
    assert f"sudo fuser -v {far.path}" in output
