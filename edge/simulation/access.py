"""Who may open and change a simulated range: every phone of the network reads it, and changes need its operator token."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from edge.common.config.settings import ServiceSettings
from edge.common.postgres.embedded.paths import default_base_dir
from edge.common.private_files import make_secret_file

HOST: Final = "ARCH_STATS_SERVER_HOST"
TOKEN_FILE: Final = "ARCH_STATS_OPERATOR_TOKEN_FILE"  # noqa: S105 - the name of a variable
EVERY_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - meant: a phone opens the page, and changes need the token
NAME: Final = "operator-token"


def database_folder(service: ServiceSettings) -> Path:
    """Return the folder of the embedded database, in which a range keeps its logs and its token."""
    return service.database.database_dir or default_base_dir()


def token_file(service: ServiceSettings) -> Path:
    """Return the file of the range's token, unless the settings name another one."""
    return database_folder(service) / NAME


def with_every_address(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which the page is served on every address, unless a setting names one."""
    return {**environ, HOST: environ.get(HOST) or EVERY_ADDRESS}


def with_token(environ: Mapping[str, str], service: ServiceSettings) -> dict[str, str]:
    """Return an environment that names the range's token, and create its file if there is none."""
    if environ.get(TOKEN_FILE):
        return dict(environ)
    path = token_file(service)
    make_secret_file(path)
    return {**environ, TOKEN_FILE: str(path.absolute())}
