"""The installed command: runs ``archstats-sensor`` with the settings of ``/etc/archstats``, as the user that a command needs.

Imports little, because the program itself starts in its place.
"""

from __future__ import annotations

import os
import pwd
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edge.common.config.env_file import read_env_file
from edge.common.config.errors import EX_CONFIG, EXIT_REFUSED, CommandError, ConfigError
from edge.common.output_file import write_output
from edge.installer.hub import COMMAND, COMMON_SETTINGS, HOME, OPERATOR_TOKEN, SETTINGS, SOCKET_DIR

PROGRAM = HOME / "bin" / "archstats-sensor"
OPERATOR = "archstats_operator"
DATABASE_OWNER = "postgres"
NAME_FIRST = "--name-first"
"""Option by which a document comes to this command: its name in the first line, then its text."""
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
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
    output: Output | None = None
    """The file for the text that the program writes; None to execute it in place of this process."""


@dataclass(frozen=True, slots=True)
class Output:
    """A file of the caller's, which another user could neither write nor own."""

    path: Path | None
    """None for the name that the program gives."""
    force: bool


def main() -> None:
    """Execute the command of ``sys.argv`` in place of this process."""
    try:
        launch = plan_launch(sys.argv[1:], os.environ, _caller())
    except ConfigError as fault:
        sys.stderr.write(f"archstats-sensor: {fault}\n")
        sys.exit(EX_CONFIG)
    try:
        if launch.output is not None:
            sys.exit(_write_output(launch, launch.output))
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
    output = wanted_output(arguments)
    if output is not None:
        words = (*arguments[:2], "--output", "-", NAME_FIRST, *_without_output(arguments[2:]))
        return replace(plan_launch(words, environ, caller, settings=settings), output=output)
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


def wanted_output(arguments: Sequence[str]) -> Output | None:
    """The file that ``session export`` or ``session certificate`` would write; None for any other command."""
    if tuple(arguments[:2]) not in {("session", "export"), ("session", "certificate")}:
        return None
    path = None
    for number, word in enumerate(arguments):
        if word in ("--help", NAME_FIRST):
            return None
        if word == "--output":
            path = "".join(arguments[number + 1 : number + 2])
        elif word.startswith("--output="):
            path = word.partition("=")[2]
    if path == "-" or (path is None and "--json" in arguments):
        return None
    return Output(Path(path) if path else None, force="--force" in arguments)


def _without_output(arguments: Sequence[str]) -> list[str]:
    words = iter(arguments)
    kept = []
    for word in words:
        if word == "--output":
            next(words, None)
        elif not word.startswith("--output="):
            kept.append(word)
    return kept


def _write_output(launch: Launch, output: Output) -> int:
    """Run the program as its user, and write its text as the caller: the file is the caller's. Returns the exit status."""
    done = subprocess.run(launch.words, env=launch.environ, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        return done.returncode
    name, _, text = done.stdout.partition(b"\n")
    if not _FILE_NAME.fullmatch(name.decode(errors="replace")):
        sys.stderr.write("archstats-sensor: the session's document has no name\n")
        return EXIT_REFUSED
    path = output.path or Path(name.decode())
    try:
        write_output(path, text, force=output.force)
    except CommandError as fault:
        sys.stderr.write(f"archstats-sensor: {fault}\n")
        return EXIT_REFUSED
    sys.stderr.write(f"written to {path}\n")
    return 0


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
