"""A hub in the lab: Debian's PostgreSQL, the program as ``install`` installs it, and simulated devices."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from simulators.world.range import World
from tests.systemd.lab import Lab

HOME = "/opt/archstats"
COMMAND = "/usr/local/bin/archstats-sensor"
DEVICES = {"bow-1": "bow.link", "target-1": "target.link"}
SENSORS = tuple(f"archstats-sensor@{name}.service" for name in DEVICES)
SERVICES = (*SENSORS, "archstats-shots.service", "archstats-push.service")
WITHIN_S = 60.0
"""Deadline for events that take seconds on an idle machine."""
POLL_S = 0.25
"""Interval between two looks; each starts a process or two inside the lab."""


@dataclass(slots=True)
class Hub:
    """The hub as its technician and its archers see it."""

    lab: Lab
    port: int

    @property
    def url(self) -> str:
        """Address of the live page."""
        return f"http://127.0.0.1:{self.port}"

    def plug_in(self) -> None:
        """Start a simulated bow and target on /dev/archstats/bow-1 and target-1."""
        world = World(7, round(datetime.now(UTC).timestamp() * 1_000_000), 20.0)
        specs = ",".join(f"{name}:{driver}:1" for name, driver in DEVICES.items())
        self.lab.run("mkdir", "-p", "/dev/archstats")
        words = ["-m", "simulators", "--world", world.to_json(), "--links", "/dev/archstats", "--devices", specs]
        self.lab.start("lab-devices", f"{HOME}/bin/python", *words)

    def unplug(self) -> None:
        """Remove the devices' terminals, as a tty disappears with its cable."""
        self.lab.run("systemctl", "kill", "--signal=KILL", "lab-devices", check=False)
        self.until(lambda: not self.pid("lab-devices"))

    def status(self, unit: str) -> str:
        """The status line of a unit."""
        return self.lab.show(unit, "StatusText")["StatusText"]

    def pid(self, unit: str) -> int:
        """The process id of a unit inside the lab; 0 when it does not run."""
        return int(self.lab.show(unit, "MainPID")["MainPID"])

    def restarts(self, unit: str) -> int:
        """The number of restarts of a unit by systemd."""
        return int(self.lab.show(unit, "NRestarts")["NRestarts"])

    def until(self, condition: Callable[[], object], within_s: float = WITHIN_S) -> None:
        """Wait for a condition; failed assertions inside it count as not yet true.

        Raises AssertionError with the status of every service when the deadline passes.
        """
        deadline = time.monotonic() + within_s
        while True:
            fault = None
            try:
                if condition():
                    return
            except AssertionError as failed:
                fault = failed
            if time.monotonic() > deadline:
                status = self.lab.run("systemctl", "status", "--lines=15", "archstats*", check=False)
                raise AssertionError(status) from fault
            time.sleep(POLL_S)

    def until_healthy(self) -> None:
        """Wait until every device is read and every service has the database."""
        for unit in SERVICES:
            self.until(lambda unit=unit: self.is_healthy(unit))  # type: ignore[misc]

    def is_healthy(self, unit: str) -> bool:
        """Whether a service does its work with the database."""
        status = self.status(unit)
        working = not unit.startswith("archstats-sensor@") or status.startswith("reading ")
        return working and "database ok" in status

    def query(self, sql: str) -> str:
        """Run a query as the database's administrator."""
        words = ["runuser", "-u", "postgres", "--", "psql", "-XAtq", "-d", "archstats", "-c", sql]
        return self.lab.run(*words).strip()

    def write(self, path: str, text: str) -> None:
        """Write a file inside the lab."""
        self.lab.run("bash", "-c", 'mkdir -p "$(dirname "$0")" && printf %s "$1" > "$0"', path, text)


def set_up_postgres(lab: Lab) -> str:
    """Create an empty cluster under Debian's own units, on its unix socket only: TCP ports are shared with this machine.

    Returns its port, which is not 5432 when this machine has a PostgreSQL there.
    """
    lab.run(
        "bash", "-ec",
        "rm -rf /etc/postgresql/* /var/lib/postgresql/*; version=$(ls /usr/lib/postgresql | sort -n | tail -1);"
        'pg_createcluster "$version" main -- --no-sync;'
        # pg_createcluster takes no empty option, and two hubs that boot at once would compete for one TCP port.
        """echo "listen_addresses = ''" > "/etc/postgresql/$version/main/conf.d/lab.conf";"""
        "systemctl daemon-reload; systemctl enable --now postgresql;"
        'systemctl start "postgresql@$version-main" ||'  # postgresql.service is active before its clusters are
        ' { journalctl --no-pager -u "postgresql@*"; tail /var/log/postgresql/*.log; exit 1; }',
    )  # fmt: skip
    return lab.run("pg_lsclusters", "--no-header").split()[2]


def install(lab: Lab, **environment: str) -> str:
    """Run ``install`` from a source tree, with the umask of a hardened server."""
    program = str(Path(sys.prefix) / "bin" / "archstats-sensor")
    strict = ("bash", "-c", 'umask 077; exec "$0" install', program)
    return lab.run(*strict, environment=environment, timeout_s=300)


def set_up_devices(hub: Hub) -> None:
    """Set up a bow and a target as a technician does: plug in, write the env file, start."""
    hub.plug_in()
    for name, driver in DEVICES.items():
        hub.write(
            f"/etc/archstats/{name}.env",
            f"ARCH_STATS_DRIVER={driver}\nARCH_STATS_PORT=/dev/archstats/{name}\nARCH_STATS_LANE=1\n",
        )
    hub.lab.run("systemctl", "enable", "--now", *SENSORS)


@contextmanager
def installed_hub(lab: Lab) -> Iterator[Hub]:
    """A running hub: PostgreSQL, services, devices, and an open session."""
    postgres_port = set_up_postgres(lab)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    install(lab, ARCH_STATS_SERVER_PORT=str(port), POSTGRES_PORT=postgres_port)
    hub = Hub(lab, port)
    set_up_devices(hub)
    hub.until_healthy()
    lab.run(COMMAND, "session", "open", "--lane", "1", "--distance", "18", "--face", "wa_40", "--indoor")
    yield hub
