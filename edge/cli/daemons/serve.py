"""What ``archstats-shots`` and ``archstats-push`` have in common: options, settings, exit status."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from edge.cli.environment import effective, refuse_mistyped
from edge.cli.version import version_text
from edge.common.config.errors import EX_CONFIG, ConfigError
from edge.common.config.settings import load_service
from edge.common.postgres.database import Database, open_database
from edge.common.postgres.roles import Role
from edge.common.process.logs import complain
from edge.common.process.run import run_service
from edge.common.process.supervision import Supervision
from edge.common.process.systemd import Notifier

Work = Callable[[Database, asyncio.Event, Supervision], Awaitable[None]]


def serve(
    name: str, description: str, role: Role, plan: Callable[[Mapping[str, str]], Work], arguments: Sequence[str] | None
) -> None:
    """Parse the options, let ``plan`` check its own settings, serve under ``role``, exit: 78 where the configuration is at fault."""
    parser = argparse.ArgumentParser(prog=name, description=description)
    parser.add_argument("--database-dir", type=Path, help="folder of the embedded PostgreSQL")
    parser.add_argument("--version", action="version", version=version_text())
    asked = parser.parse_args(arguments)
    try:
        environ = effective(os.environ, database_dir=asked.database_dir)
        refuse_mistyped(environ)
        service = load_service(environ)
        work = plan(environ)
    except ConfigError as fault:
        complain(name, f"{fault.message}. {fault.hint}")
        sys.exit(EX_CONFIG)

    async def run(stop: asyncio.Event) -> None:
        async with open_database(service, application=name, role=role) as database:
            await work(database, stop, Supervision(Notifier.of(os.environ, os.getpid())))

    sys.exit(run_service(run, name=name, dev_mode=service.dev_mode))
