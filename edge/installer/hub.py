"""What there is on the hub: everything a plan depends on, and where everything goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edge.common.config.env_file import INSTALLED_PROGRAM

THIS_MACHINE = Path("/")
"""The root of what is installed; another folder is one that another machine will start from."""
HOME = INSTALLED_PROGRAM
"""The environment the services run in, a Python of their own: a link to ``/opt/archstats-1``, ``-2`` and so on."""
SETTINGS = Path("/etc/archstats")
COMMON_SETTINGS = SETTINGS / "archstats.env"
"""What every service reads; a device's own file comes after it."""
STATE = Path("/var/lib/archstats")
SOCKET_DIR = Path("/run/postgresql")
"""Of Debian's PostgreSQL; the units say the same."""
COMMAND = Path("/usr/local/bin/archstats-sensor")
UNITS = Path("/etc/systemd/system")
RULES = Path("/etc/udev/rules.d/60-archstats.rules")
USERS = Path("/etc/sysusers.d/archstats.conf")
FOLDERS = Path("/etc/tmpfiles.d/archstats.conf")

SENSOR, SHOTS, PUSH, SOCKET, TARGET = (
    "archstats-sensor@.service",
    "archstats-shots.service",
    "archstats-push.service",
    "archstats-push.socket",
    "archstats.target",
)
OS_USERS = ("archstats_sensor", "archstats_shots", "archstats_push", "archstats_operator")
"""One for each kind of process; PostgreSQL knows them by the same names."""


@dataclass(frozen=True, slots=True)
class Source:
    """A source tree to install from, and what installs it: uv, and the Python that the services will run on."""

    tree: Path
    uv: Path
    python: Path


@dataclass(frozen=True, slots=True)
class Hub:
    """The facts. Paths are those that the hub itself sees."""

    shipped: Mapping[str, str]
    """Name and text of each unit, rule and snippet that comes with the program."""
    source: Source | None = None
    """None: the program runs from ``/opt/archstats`` already."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What ``archstats.env`` says, or will say."""
    devices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What each device's file says, by the device's name."""
    present: frozenset[Path] = frozenset()
    """Which of our files are there."""
    home: Path | None = None
    """Where ``/opt/archstats`` leads: to an environment, or to itself where it is a folder."""
    environments: tuple[Path, ...] = ()
    """Those that are there, the one in use among them."""
    instances: tuple[str, ...] = ()
    """The sensor units that are enabled or running."""

    @property
    def database(self) -> str:
        """Name of the database."""
        return self.settings.get("POSTGRES_DB") or "archstats"

    @property
    def database_socket(self) -> Path:
        """Where PostgreSQL listens on this machine."""
        folder = self.settings.get("POSTGRES_SOCKET_DIR") or str(SOCKET_DIR)
        return Path(folder) / f".s.PGSQL.{self.settings.get('POSTGRES_PORT') or '5432'}"

    @property
    def remote_database(self) -> bool:
        """Whether PostgreSQL is on another machine; then its roles are made there."""
        return bool(self.settings.get("POSTGRES_HOST"))
