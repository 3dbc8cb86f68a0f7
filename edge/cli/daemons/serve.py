"""Options, settings and exit status that ``archstats-shots`` and ``archstats-push`` share."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from edge.cli.environment import effective, refuse_mistyped
from edge.cli.programs import version_text
from edge.common.config.errors import EX_CONFIG, ConfigError
from edge.common.config.settings import ServiceSettings
from edge.common.postgres.database import Database, open_database
from edge.common.postgres.roles import Role
from edge.common.process.child import in_child
from edge.common.process.logs import complain
from edge.common.process.run import run_service
from edge.common.process.supervision import Supervision
from edge.common.process.systemd import Notifier

Work = Callable[[Database, asyncio.Event, Supervision], Awaitable[None]]


def serve(
    name: str, description: str, role: Role, plan: Callable[[Mapping[str, str]], Work], arguments: Sequence[str] | None
) -> None:
    """Parse the options, let ``plan`` check its own settings, serve under ``role``, and exit: 78 when the configuration is wrong."""
    parser = argparse.ArgumentParser(prog=name, description=description)
    parser.add_argument("--database-dir", type=Path, help="folder of the embedded PostgreSQL")
    parser.add_argument("--version", action="version", version=version_text())
    options = parser.parse_args(arguments)
    try:
        environ = effective(os.environ, database_dir=options.database_dir)
        refuse_mistyped(environ)
        service = in_child(lambda: _service(environ))()
        work = plan(environ)
    except ConfigError as fault:
        complain(name, f"{fault.message}. {fault.hint}")
        sys.exit(EX_CONFIG)

    async def run(stop: asyncio.Event) -> None:
        async with open_database(service, application=name, role=role) as database:
            await work(database, stop, Supervision(Notifier.of(os.environ, os.getpid())))

    sys.exit(run_service(run, name=name, dev_mode=service.dev_mode))


def _service(environ: Mapping[str, str]) -> ServiceSettings:
    from edge.common.config.load import load_service

    return load_service(environ)
