"""What a technician is told of a port that may not be opened."""

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


def test_a_holder_that_is_not_found_in_time_is_still_a_holder(far: FarEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine with many processes the search may take longer than opening may."""
    monkeypatch.setattr(port_faults, "SEARCH_S", -1.0)
    told = str(explain(str(far.path), "bow-1", BlockingIOError(errno.EAGAIN, "held")))
    assert f"another program holds {far.path}" in told
    assert f"sudo fuser -v {far.path}" in told
