"""``archstats-push``: serves the live page and the event stream until stopped."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence

from edge.cli.daemons.serve import Work, serve
from edge.common.config.load import load_push
from edge.common.postgres.database import Database
from edge.common.postgres.roles import Role
from edge.common.process.supervision import Supervision
from edge.common.process.systemd import credential_file, inherited_sockets
from edge.push.http.access import OperatorToken
from edge.push.service import run_push

TOKEN_CREDENTIAL = "operator-token"  # noqa: S105 - the name of a credential
"""Credential of the unit that holds the operator token."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve and exit with the status."""
    serve("archstats-push", "Serves the live page and the event stream.", Role.PUSH, _plan, arguments)


def _plan(environ: Mapping[str, str]) -> Work:
    push = load_push(environ)
    token_file = push.operator_token_file or credential_file(environ, TOKEN_CREDENTIAL)
    token = OperatorToken.from_file(token_file) if token_file else None
    sockets = inherited_sockets(environ, os.getpid())

    async def work(database: Database, stop: asyncio.Event, supervision: Supervision) -> None:
        await run_push(database, push, stop, sockets=sockets, supervision=supervision, token=token)

    return work


if __name__ == "__main__":
    main()
