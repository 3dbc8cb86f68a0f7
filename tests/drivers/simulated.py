"""The simulated devices that the drivers are tried on, in their own process and behind their own ports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drivers.registry import driver_names, load_driver


@dataclass(frozen=True)
class Stand:
    """A range of simulated devices, one for each driver."""

    process: subprocess.Popen[str]
    folder: Path

    def port(self, driver: str) -> str:
        """Where the driver's device is plugged in."""
        return str(self.folder / device_of(driver))

    def freeze(self) -> None:
        """Every device falls silent, while its line stays up."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self.thaw()
        self.process.terminate()
        self.process.communicate(timeout=10)


def device_of(driver: str) -> str:
    """The device's id: its kind and its lane."""
    return f"{load_driver(driver).info.kind.value}-1"


def start_stand(folder: Path) -> Stand:
    """Start it and wait until every port is there. Shooting goes on since a second ago, twenty times as fast."""
    start = (datetime.now(UTC) - timedelta(seconds=1)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    world = json.dumps({"seed": 3, "start": start, "speed": 20.0, "release_limit": None})
    devices = ",".join(f"{device_of(name)}:{name}" for name in driver_names())
    process = subprocess.Popen(
        [sys.executable, "-m", "simulators", "--world", world, "--links", str(folder), "--devices", devices],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "ARCH_STATS_PARENT": str(os.getpid())},
    )
    assert process.stdout is not None
    ready = process.stdout.readline()
    assert json.loads(ready)["event"] == "ready", ready
    return Stand(process, folder)
