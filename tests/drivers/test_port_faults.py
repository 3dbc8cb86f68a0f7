"""What a technician is told of a port that may not be opened."""

from __future__ import annotations

import errno
import grp
import os
import subprocess
import sys
from pathlib import Path

import pytest

from drivers.transport.port_faults import explain
from tests.drivers.lines import FarEnd


def test_no_permission_tells_owner_mode_and_what_to_run(far: FarEnd) -> None:
    """As another user, since root may open anything."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
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
    told = subprocess.run([sys.executable, "-c", code, device], capture_output=True, text=True, check=True).stdout
    assert f"no permission to open {device}" in told
    assert "root" in told
    assert "crw-------" in told
    assert "sudo usermod -aG dialout" in told


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (errno.EPERM, ["the unit forbids", "archstats-sensor@bow-1", "DeviceAllow=char-1 rw"]),
        (errno.EACCES, ["GROUP="]),
    ],
)
def test_nobody_is_told_to_join_the_group_root(code: int, expected: list[str]) -> None:
    """EPERM is what a unit's DeviceAllow= answers; /dev/null belongs to root."""
    told = str(explain("/dev/null", "bow-1", PermissionError(code, "no")))
    assert all(word in told for word in expected)
    assert "usermod" not in told
