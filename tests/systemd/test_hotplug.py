"""The rules under a real udev: a stable name, rights, and no other program that opens the port."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.systemd.conftest import require_lab
from tests.systemd.lab import Lab, booted
from tests.test_project import ROOT

TTY = "/dev/tty40"
"""An unused terminal of this machine. No data passes: only the work of udev is tested."""
SYSFS = "/sys/class/tty/tty40"
ADAPTER = 'KERNEL=="tty40", ENV{ID_BUS}="usb", ENV{ID_VENDOR_ID}="%s", ENV{ID_SERIAL_SHORT}="A10K2LV1"%s\n'
"""Properties that udev's own rules derive from a real adapter."""


def plug(lab: Lab, action: str) -> None:
    lab.run("udevadm", "trigger", f"--action={action}", "--settle", SYSFS)


def pretend(lab: Lab, vendor: str, more: str = "") -> None:
    """Make the terminal an adapter of this vendor from now on."""
    lab.run("bash", "-c", 'printf %s "$0" > /etc/udev/rules.d/59-lab.rules', ADAPTER % (vendor, more))
    lab.run("udevadm", "control", "--reload")


def test_adapter_has_its_name_while_plugged_in() -> None:
    require_lab()
    if not Path(TTY).exists():
        pytest.skip(f"this machine has no {TTY}")
    with booted(udev=True, devices=[TTY], binds={ROOT / "systemd": Path("/opt/units")}) as lab:
        lab.run("cp", "/opt/units/60-archstats.rules", "/etc/udev/rules.d/")
        lab.run("systemd-sysusers", "/opt/units/sysusers.d/archstats.conf")

        pretend(lab, "0403")
        plug(lab, "add")
        assert lab.run("readlink", "-f", "/dev/archstats/A10K2LV1").strip() == TTY
        assert lab.run("stat", "-c", "%G %a", TTY).split() == ["dialout", "660"]
        assert "ID_MM_PORT_IGNORE=1" in lab.run("udevadm", "info", "--query=property", SYSFS)
        plug(lab, "remove")
        assert lab.run("ls", "/dev/archstats", check=False).strip() in (
            "",
            "ls: cannot access '/dev/archstats': No such file or directory",
        )

        pretend(lab, "10c4", ', ENV{ID_USB_INTERFACE_NUM}="01"')
        plug(lab, "add")
        assert lab.run("ls", "/dev/archstats").split() == ["A10K2LV1-if01"]
        plug(lab, "remove")

        pretend(lab, "2c7c")  # a vendor of modems
        plug(lab, "add")
        assert "archstats" not in lab.run("udevadm", "info", "--query=all", SYSFS)
        assert [line for line in lab.journal("systemd-udevd") if "60-archstats" in line] == []
