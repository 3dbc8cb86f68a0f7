"""A hub in the laboratory: PostgreSQL as Debian runs it, the program as ``install`` puts it there, simulated devices."""

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
"""For what happens within seconds on a machine with nothing else to do."""


@dataclass(slots=True)
class Hub:
    """The hub as its technician and its archers meet it."""

    lab: Lab
    port: int

    @property
    def url(self) -> str:
        """The live page."""
        return f"http://127.0.0.1:{self.port}"

    def plug_in(self) -> None:
        """A bow and a target that shoot, on /dev/archstats/bow-1 and target-1."""
        world = World(7, round(datetime.now(UTC).timestamp() * 1_000_000), 20.0)
        specs = ",".join(f"{name}:{driver}:1" for name, driver in DEVICES.items())
        self.lab.run("mkdir", "-p", "/dev/archstats")
        words = ["-m", "simulators", "--world", world.to_json(), "--links", "/dev/archstats", "--devices", specs]
        self.lab.start("lab-devices", f"{HOME}/bin/python", *words)

    def unplug(self) -> None:
        """The devices' terminals go, as a tty goes with its cable."""
        self.lab.run("systemctl", "kill", "--signal=KILL", "lab-devices", check=False)
        self.until(lambda: not self.pid("lab-devices"))

    def status(self, unit: str) -> str:
        """What the service says of itself."""
        return self.lab.show(unit, "StatusText")["StatusText"]

    def pid(self, unit: str) -> int:
        """Its process, as the laboratory numbers it; 0 when there is none."""
        return int(self.lab.show(unit, "MainPID")["MainPID"])

    def restarts(self, unit: str) -> int:
        """How often systemd started it again."""
        return int(self.lab.show(unit, "NRestarts")["NRestarts"])

    def until(self, condition: Callable[[], object], within_s: float = WITHIN_S) -> None:
        """Wait for it; on a busy machine the first questions may find nobody who answers.

        Raises AssertionError with what every service says when it does not come true.
        """
        deadline = time.monotonic() + within_s
        while True:
            fault = None
            try:
                if condition():
                    return
            except AssertionError as told:
                fault = told
            if time.monotonic() > deadline:
                said = self.lab.run("systemctl", "status", "--lines=15", "archstats*", check=False)
                raise AssertionError(said) from fault
            time.sleep(0.1)

    def until_all_is_well(self) -> None:
        """Every device is read, every service has the database."""
        for unit in SERVICES:
            self.until(lambda unit=unit: self.is_well(unit))  # type: ignore[misc]

    def is_well(self, unit: str) -> bool:
        """Whether a service does all of its work."""
        status = self.status(unit)
        at_work = not unit.startswith("archstats-sensor@") or status.startswith("reading ")
        return at_work and "database ok" in status

    def query(self, sql: str) -> str:
        """Ask the database, as its administrator."""
        words = ["runuser", "-u", "postgres", "--", "psql", "-XAtq", "-d", "archstats", "-c", sql]
        return self.lab.run(*words).strip()

    def write(self, path: str, text: str) -> None:
        """A file inside."""
        self.lab.run("bash", "-c", 'mkdir -p "$(dirname "$0")" && printf %s "$1" > "$0"', path, text)


def set_up_postgres(lab: Lab) -> str:
    """A new, empty cluster under Debian's own units, on its unix socket alone: TCP ports are shared with this machine.

    Returns its port: not 5432 where this machine has a PostgreSQL there.
    """
    lab.run(
        "bash", "-ec",
        "rm -rf /etc/postgresql/* /var/lib/postgresql/*; version=$(ls /usr/lib/postgresql | sort -n | tail -1);"
        'pg_createcluster "$version" main -- --no-sync;'
        # An option without a value is not taken, and two hubs that boot at once would want the same port of this machine.
        """echo "listen_addresses = ''" > "/etc/postgresql/$version/main/conf.d/lab.conf";"""
        "systemctl daemon-reload; systemctl enable --now postgresql;"
        'systemctl start "postgresql@$version-main" ||'  # the other is up before its clusters are
        ' { journalctl --no-pager -u "postgresql@*"; tail /var/log/postgresql/*.log; exit 1; }',
    )  # fmt: skip
    return lab.run("pg_lsclusters", "--no-header").split()[2]


def install(lab: Lab, **environment: str) -> str:
    """The command as it is run from a source tree."""
    program = str(Path(sys.prefix) / "bin" / "archstats-sensor")
    return lab.run(program, "install", environment=environment, timeout_s=300)


def set_up_devices(hub: Hub) -> None:
    """What a technician does for a bow and a target: plug in, write the file, start."""
    hub.plug_in()
    for name, driver in DEVICES.items():
        hub.write(
            f"/etc/archstats/{name}.env",
            f"ARCH_STATS_DRIVER={driver}\nARCH_STATS_PORT=/dev/archstats/{name}\nARCH_STATS_LANE=1\n",
        )
    hub.lab.run("systemctl", "enable", "--now", *SENSORS)


@contextmanager
def installed_hub(lab: Lab) -> Iterator[Hub]:
    """Everything up: PostgreSQL, services, devices, and a session that is shot."""
    postgres_port = set_up_postgres(lab)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    install(lab, ARCH_STATS_SERVER_PORT=str(port), POSTGRES_PORT=postgres_port)
    hub = Hub(lab, port)
    set_up_devices(hub)
    hub.until_all_is_well()
    lab.run(COMMAND, "session", "open", "--lane", "1", "--distance", "18", "--face", "wa_40", "--indoor")
    yield hub
