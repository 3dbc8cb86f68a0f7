"""The installed command: runs ``archstats-sensor`` with the settings of ``/etc/archstats``, as the user that a command needs.

Imports little, because the program itself starts in its place.
"""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.common.config.env_file import read_env_file
from edge.common.config.errors import EX_CONFIG, ConfigError
from edge.installer.hub import COMMAND, COMMON_SETTINGS, HOME, OPERATOR_TOKEN, SETTINGS, SOCKET_DIR

PROGRAM = HOME / "bin" / "archstats-sensor"
OPERATOR = "archstats_operator"
DATABASE_OWNER = "postgres"
COMMAND_TEXT = f"""#!{HOME}/bin/python -I
# Written by archstats-sensor install: the technician's command, with the settings and rights that it needs.
from edge.cli.programs import installed_command

installed_command()
"""


@dataclass(frozen=True, slots=True)
class Caller:
    """The user of this process."""

    name: str
    is_root: bool


@dataclass(frozen=True, slots=True)
class Launch:
    """The program to execute in place of this one."""

    words: tuple[str, ...]
    environ: dict[str, str]


def main() -> None:
    """Execute the command of ``sys.argv`` in place of this process."""
    try:
        launch = plan_launch(sys.argv[1:], os.environ, _caller())
    except ConfigError as fault:
        sys.stderr.write(f"archstats-sensor: {fault}\n")
        sys.exit(EX_CONFIG)
    try:
        os.execvpe(launch.words[0], launch.words, launch.environ)  # noqa: S606 - words need no shell
    except FileNotFoundError:
        sys.exit(f"archstats-sensor: cannot start {launch.words[0]}: no such program. Install it, or add it to PATH.")


def plan_launch(
    arguments: Sequence[str], environ: Mapping[str, str], caller: Caller, *, settings: Path = SETTINGS
) -> Launch:
    """The program that runs ``arguments`` for ``caller``, and its environment.

    A variable of ``environ`` wins over the env files. Another user than the one who may run the command comes back through
    sudo, and root becomes that user after it has read the files: one with a password is readable by root only. Raises
    ConfigError for a file, or a line of one, that systemd could read differently.
    """
    command = arguments[0] if arguments else ""
    program = (str(PROGRAM), *arguments)
    if command in ("install", "uninstall"):
        return Launch(program, dict(environ))
    prepared = {
        "POSTGRES_SOCKET_DIR": str(SOCKET_DIR),
        "POSTGRES_USER": OPERATOR,
        **_read(settings / COMMON_SETTINGS.name),
    }
    if command == "config":
        for word in arguments:
            if "/" not in word:
                prepared |= _read(settings / f"{word}.env")
    if command == "address":
        prepared.setdefault("ARCH_STATS_OPERATOR_TOKEN_FILE", str(settings / OPERATOR_TOKEN.name))
    prepared |= environ
    user = OPERATOR
    if command == "address" and "--operator" in arguments:
        if caller.is_root:
            return Launch(program, prepared)  # only root reads the operator token
        return Launch(("sudo", "--", str(COMMAND), *arguments), dict(environ))
    if command == "db" and not prepared.get("POSTGRES_HOST"):
        user = prepared["POSTGRES_USER"] = DATABASE_OWNER
    if caller.name == user:
        return Launch(program, prepared)
    if caller.is_root:
        return Launch(("runuser", "-u", user, "--", *program), prepared)
    return Launch(("sudo", "--", str(COMMAND), *arguments), dict(environ))


def _read(file: Path) -> dict[str, str]:
    """The settings in ``file``; empty without that file, or for a user who may not read it."""
    try:
        return read_env_file(file)
    except (FileNotFoundError, PermissionError):
        return {}
    except OSError as fault:
        raise ConfigError(f"{file} cannot be read ({fault.strerror})", hint="Replace it by a file.") from fault


def _caller() -> Caller:
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:  # a user id without an account
        name = str(uid)
    return Caller(name, uid == 0)
