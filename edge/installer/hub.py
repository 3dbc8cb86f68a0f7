"""The facts about a hub that plans depend on, and the places of all installed files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edge.common.config.env_file import INSTALLED_PROGRAM

THIS_MACHINE = Path("/")
"""Root of the installation; any other folder is the root of a machine that will boot from it."""
HOME = INSTALLED_PROGRAM
"""Virtual environment of the services: a link to ``/opt/archstats-1``, ``-2`` and so on."""
SETTINGS = Path("/etc/archstats")
COMMON_SETTINGS = SETTINGS / "archstats.env"
"""Env file of all services; a device's own file is read after it."""
OPERATOR_TOKEN = SETTINGS / "operator-token"
"""Secret that changes from other machines need; the live page's unit loads it as a credential."""
STATE = Path("/var/lib/archstats")
SOCKET_DIR = Path("/run/postgresql")
"""Socket folder of Debian's PostgreSQL, also named in the units."""
COMMAND = Path("/usr/local/bin/archstats-sensor")
UNITS = Path("/etc/systemd/system")
RULES = Path("/etc/udev/rules.d/60-archstats.rules")
USERS = Path("/etc/sysusers.d/archstats.conf")
FOLDERS = Path("/etc/tmpfiles.d/archstats.conf")
ANNOUNCEMENTS = Path("/etc/avahi/services")
"""Folder of the services that Avahi announces by multicast DNS; it exists where Avahi is installed."""
ANNOUNCEMENT = ANNOUNCEMENTS / "archstats.service"

SENSOR, SHOTS, MORE_SHOTS, PUSH, SOCKET, TARGET = (
    "archstats-sensor@.service",
    "archstats-shots.service",
    "archstats-shots@.service",
    "archstats-push.service",
    "archstats-push.socket",
    "archstats.target",
)
OS_USERS = ("archstats_sensor", "archstats_shots", "archstats_push", "archstats_operator")
"""One system user per kind of process; PostgreSQL has roles of the same names."""


@dataclass(frozen=True, slots=True)
class Source:
    """A source tree to install from, the uv that installs it, and the Python of the services."""

    tree: Path
    uv: Path
    python: Path


@dataclass(frozen=True, slots=True)
class Hub:
    """The facts. Paths are as the hub itself sees them."""

    shipped: Mapping[str, str]
    """Name and text of each unit, rule and snippet of this version."""
    source: Source | None = None
    """None: the program runs from ``/opt/archstats`` already."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings of ``archstats.env``, or those it will be created with."""
    devices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Settings of each device's env file, by the device's name."""
    present: frozenset[Path] = frozenset()
    """Installed files of ours."""
    has_avahi: bool = False
    """Whether Avahi is installed, which announces services by multicast DNS."""
    home: Path | None = None
    """Target of ``/opt/archstats``: an environment, or itself when it is a folder."""
    environments: tuple[Path, ...] = ()
    """Installed environments, including the active one."""
    instances: tuple[str, ...] = ()
    """The sensor units and further assemblers that are enabled or running."""

    @property
    def database(self) -> str:
        """Name of the database."""
        return self.settings.get("POSTGRES_DB") or "archstats"

    @property
    def database_socket(self) -> Path:
        """Socket of PostgreSQL on this machine."""
        folder = self.settings.get("POSTGRES_SOCKET_DIR") or str(SOCKET_DIR)
        return Path(folder) / f".s.PGSQL.{self.settings.get('POSTGRES_PORT') or '5432'}"

    @property
    def remote_database(self) -> bool:
        """Whether PostgreSQL is on another machine; its roles are then created there."""
        return bool(self.settings.get("POSTGRES_HOST"))
