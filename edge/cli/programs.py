"""Entry points of the three programs and of the installed command. Ctrl-C ends them without a traceback, even while modules are still being imported."""

from __future__ import annotations

import importlib
import io
import os
import signal
import sys
from pathlib import Path

from edge.common.private_files import keep_files_private

INTERRUPTED = 128 + signal.SIGINT
"""Exit status of a program that SIGINT ended, as a shell reports it."""


def sensor() -> None:
    """``archstats-sensor``."""
    _start("edge.cli.main")


def shots() -> None:
    """``archstats-shots``."""
    _start("edge.cli.daemons.shots")


def push() -> None:
    """``archstats-push``."""
    _start("edge.cli.daemons.push")


def installed_command() -> None:
    """``/usr/local/bin/archstats-sensor``, which executes ``archstats-sensor`` as another user."""
    _start("edge.installer.command")


def version_text() -> str:
    """Name and version of this build, and the Python that it runs on."""
    import platform
    from importlib.metadata import version

    return f"archstats {version('archstats-edge')} (Python {platform.python_version()})"


def _start(module: str) -> None:
    usual = signal.getsignal(signal.SIGINT)
    if usual is signal.default_int_handler:  # a script that starts us in the background has it ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is running yet that needs an orderly end
    keep_files_private()
    _replace_unknown_characters()
    main = importlib.import_module(module).main
    signal.signal(signal.SIGINT, usual)
    try:
        _read_development_file()
        main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _replace_unknown_characters() -> None:
    """Let standard output replace characters that its encoding lacks: a terminal without UTF-8 must end no command."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # not when it is closed
        sys.stdout.reconfigure(errors="replace")


def _read_development_file() -> None:
    if {"--version", "--help", "-h"} & set(sys.argv[1:]):
        return  # these need no setting: they work beside a damaged file, and import nothing for it
    from edge.common.config.env_file import apply_development_file
    from edge.common.config.errors import EX_CONFIG, ConfigError
    from edge.common.process.logs import complain

    try:
        apply_development_file(os.environ, Path())
    except ConfigError as fault:
        complain(Path(sys.argv[0]).name, str(fault))
        sys.exit(EX_CONFIG)
