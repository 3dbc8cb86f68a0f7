"""The names under which the page may be opened, and the origins that may read the stream or change something.

A browser lets the page of any site send requests to this machine once the site's name leads here (DNS rebinding). The request
then carries that name in ``Host``, so only this machine's names are served. A numeric address cannot be redirected: it is
always served.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from edge.push.http.envelope import RequestRejected, error_response, reject
from edge.push.http.limits import check_head
from edge.push.http.refusals import Cause, Refusals

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""
LOOPBACK_NAME = "localhost"
LOCAL_DOMAIN = "local"
"""Domain of multicast DNS, under which phones find the hub without a router's help."""
RANGE_NAME = f"archstats.{LOCAL_DOMAIN}"
"""Name of a range in that domain, whatever the host name of its hub: only a machine of this network can answer for it."""
RESOLV_CONF = Path("/etc/resolv.conf")
REMEMBERED = 64
"""Accepted values of ``Host`` that are remembered, so that a request costs one look-up."""
RENEWED_AFTER_S = 1.0
"""Least time between two looks at the machine's own names, so that foreign names cost nothing."""


class HostNames:
    """The names of this machine, and those that the settings add.

    ``own`` returns the machine's names of the moment: the network gives its domain after the start of the service, or another
    one later.
    """

    def __init__(
        self,
        configured: Iterable[str],
        own: Callable[[], Iterable[str]],
        refusals: Refusals,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._configured = frozenset(map(_complete, configured))
        self._own = own
        self._refusals = refusals
        self._clock = clock
        self._names = self._now_known()
        self._renewed_at = clock()
        self._accepted: set[str] = set()

    def check_host(self, host: str | None) -> None:
        """Raise RequestRejected (421) for a name that is not this machine's. Programs without ``Host`` are no browsers."""
        if host is None or host in self._accepted:
            return
        name = host_name(host)
        if not (is_address(name) or self._is_known(name)):
            self._refusals.count(Cause.UNKNOWN_HOST, repr(name[:100]))
            raise reject(
                421, "unknown_host",
                f"this machine is not known as {name[:100]!r}; open it by its address, or add the name to"
                " ARCH_STATS_SERVER_NAMES",
            )  # fmt: skip
        if len(self._accepted) < REMEMBERED:
            self._accepted.add(host)

    def _is_known(self, name: str) -> bool:
        if name not in self._names and (now := self._clock()) - self._renewed_at >= RENEWED_AFTER_S:
            self._renewed_at = now
            self._names = self._now_known()
        return name in self._names

    def _now_known(self) -> frozenset[str]:
        return self._configured | {LOOPBACK_NAME, RANGE_NAME, *map(_complete, self._own())}

    def check_origin(self, origin: str | None, host: str | None) -> None:
        """Raise RequestRejected (403) for a page of another site. Programs without ``Origin`` are no browsers.

        A page has the origin that its requests name as host. Behind a proxy that rewrites ``Host`` it has a configured name.
        Several origins are none.
        """
        if origin is None:
            return
        place = "" if " " in origin else _netloc(origin)
        if place and (place == (host or "").lower() or host_name(place) in self._configured):
            return
        self._refusals.count(Cause.OTHER_ORIGIN, repr(origin[:100]))
        raise reject(403, "other_origin", f"pages of {origin[:100]!r} may not do this here")

    def check(self, connection: HTTPConnection, *, is_read: bool) -> None:
        """Check the host of a request, and its origin unless browsers keep the answer from other pages themselves."""
        host = connection.headers.get("host")
        self.check_host(host)
        if not is_read:
            origins = connection.headers.getlist("origin")
            self.check_origin(" ".join(origins) if origins else None, host)


class HostGuard:
    """ASGI application that passes on only requests to this machine's names, whose head is within the limits."""

    def __init__(self, app: ASGIApp, names: HostNames, refusals: Refusals) -> None:
        self._app = app
        self._names = names
        self._refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or reject it in the envelope of the API."""
        try:
            check_head(scope["raw_path"] + b"?" + scope["query_string"], scope["headers"])
            self._names.check(HTTPConnection(scope), is_read=scope["method"] in SAFE_METHODS)
        except RequestRejected as rejected:
            self._refusals.count_response(rejected.status)
            response = error_response(rejected.status, rejected.errors, rejected.headers)
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)


def own_names(resolv_conf: Path = RESOLV_CONF) -> set[str]:
    """Return the names of this machine: its host name alone, in the domain ``local``, and in the networks' domains."""
    name = socket.gethostname().lower().rstrip(".")
    first = name.partition(".")[0]
    return {name, first, *(f"{first}.{domain}" for domain in (LOCAL_DOMAIN, *_search_domains(resolv_conf)))}


def host_name(host: str) -> str:
    """Return the name in a ``Host`` header in lower case, without port, brackets and the dot of a complete name."""
    text = host.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    name, colon, port = text.rpartition(":")
    return (name if colon and port.isdecimal() else text).removesuffix(".")


def is_address(name: str) -> bool:
    """Return whether a name is a numeric address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _complete(name: str) -> str:
    """Return a name as ``host_name`` returns it."""
    return name.lower().removesuffix(".")


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:  # a bracket without its partner
        return ""


def _search_domains(resolv_conf: Path) -> list[str]:
    """Return the domains in which this machine's resolver completes names, as its network assigned them."""
    try:
        lines = resolv_conf.read_text(errors="replace").splitlines()
    except OSError:
        return []
    words = [line.split() for line in lines]
    return [domain.lower().strip(".") for one in words if one[:1] in (["search"], ["domain"]) for domain in one[1:]]
