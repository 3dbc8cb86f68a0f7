"""Who may open and change a simulated range: every phone of the network reads it, and changes need its operator token."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from edge.common.config.settings import PushSettings, ServiceSettings
from edge.common.postgres.embedded.paths import default_base_dir
from edge.common.private_files import make_secret_file
from edge.simulation.processes import is_range_running, log_folder

HOST: Final = "ARCH_STATS_SERVER_HOST"
PORT: Final = "ARCH_STATS_SERVER_PORT"
TOKEN_FILE: Final = "ARCH_STATS_OPERATOR_TOKEN_FILE"  # noqa: S105 - the name of a variable
EVERY_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - meant: a phone opens the page, and changes need the token
NAME: Final = "operator-token"
PAGE: Final = "range.page"
"""Name of the file beside the lock of a range with the settings of its page, for commands in another shell."""


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


@contextmanager
def page_file(folder: Path, push: PushSettings, environ: Mapping[str, str]) -> Iterator[None]:
    """Keep the settings of a range's page beside its lock while the block runs, in place of what a killed range left there."""
    path = folder / PAGE
    path.unlink(missing_ok=True)
    settings = {HOST: push.server_host, PORT: str(push.server_port)}
    if environ.get(TOKEN_FILE):
        settings[TOKEN_FILE] = str(Path(environ[TOKEN_FILE]).absolute())
    fresh = path.with_name(f".{PAGE}.new")  # only the holder of the lock writes it
    fresh.write_text(json.dumps(settings) + "\n", "utf-8")
    fresh.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def as_running_range(environ: Mapping[str, str], service: ServiceSettings) -> dict[str, str]:
    """Return the environment of the page that is served now: a running range may have been started with other settings."""
    if not is_range_running(service):
        return dict(environ)
    try:
        found = json.loads((log_folder(service) / PAGE).read_text("utf-8"))
    except (OSError, ValueError):  # it starts at this moment
        found = {}
    known = found if isinstance(found, dict) else {}
    own = {name: known[name] for name in (HOST, PORT, TOKEN_FILE) if isinstance(known.get(name), str)}
    return with_every_address({**environ, **own})
