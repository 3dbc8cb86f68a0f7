"""Who may change something: this machine's own programs, and operators with the token."""

from __future__ import annotations

import hmac
import ipaddress
from pathlib import Path

from starlette.requests import HTTPConnection

from edge.common.config.errors import ConfigError
from edge.push.http.envelope import ApiError, RequestRejected
from edge.push.http.refusals import Cause, Refusals

SHORTEST_TOKEN = 16
"""Characters of the shortest token that is accepted: of random ones, more than can be tried over a network."""
LONGEST_TOKEN = 1024
SCHEME = "bearer"
FORWARDING_HEADERS = frozenset({
    "forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "cf-connecting-ip", "true-client-ip",
})  # fmt: skip
"""Headers of a proxy, beside those that begin with ``x-forwarded``: its own connection comes by loopback, and the client's from anywhere."""


class OperatorToken:
    """The secret of the operators. Neither its text nor a part of it is ever shown."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    @classmethod
    def from_file(cls, path: Path) -> OperatorToken:
        """Read the token from a file of one line. Raises ConfigError when it cannot be read or is too short."""
        try:
            text = path.read_text(encoding="ascii").strip()
        except OSError as fault:
            raise ConfigError(
                f"the operator token in {path} cannot be read ({fault.strerror or fault})",
                hint="Let the service's user read the file, or remove ARCH_STATS_OPERATOR_TOKEN_FILE.",
            ) from fault
        except UnicodeDecodeError as fault:
            raise ConfigError(
                f"the operator token in {path} is not plain ASCII", hint=_MAKE_ONE.format(path)
            ) from fault
        if not SHORTEST_TOKEN <= len(text) <= LONGEST_TOKEN or not text.isprintable() or " " in text:
            raise ConfigError(
                f"the operator token in {path} is not one word of {SHORTEST_TOKEN} to {LONGEST_TOKEN} characters",
                hint=_MAKE_ONE.format(path),
            )
        return cls(text)

    def matches(self, given: str) -> bool:
        """Whether a text is the token, compared in constant time."""
        return hmac.compare_digest(given.encode(), self._secret)

    def __repr__(self) -> str:
        return "OperatorToken(********)"


_MAKE_ONE = "Write a new one: `head -c 32 /dev/urandom | base64 | tr -d '=+/' > {}`."


class Access:
    """Admits changes. Reading needs nothing."""

    def __init__(self, token: OperatorToken | None, refusals: Refusals) -> None:
        self._token = token
        self._refusals = refusals

    def check_change(self, connection: HTTPConnection) -> None:
        """Raise RequestRejected (401, or 403 without a token on the hub) when a connection may not change anything."""
        if is_own(connection):
            return
        if self._token is None:
            raise RequestRejected(
                403,
                (
                    ApiError(
                        "no_operator_token",
                        "changes from other machines are switched off: the hub has no operator token; "
                        "set ARCH_STATS_OPERATOR_TOKEN_FILE there",
                    ),
                ),
            )
        scheme, _, given = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == SCHEME and self._token.matches(given.strip()):
            return
        address = connection.client.host if connection.client else None
        if given:
            self._refusals.count(Cause.WRONG_TOKEN, address or "a proxy")
            error = ApiError("wrong_token", "this is not the operator token of the hub", ("header", "authorization"))
        else:
            error = ApiError(
                "token_required",
                "changes from other machines need the operator token: Authorization: Bearer <token>",
                ("header", "authorization"),
            )
        raise RequestRejected(401, (error,), {"www-authenticate": 'Bearer realm="Arch-Stats operator"'})


def is_own(connection: HTTPConnection) -> bool:
    """Whether a request comes from a program of this machine over loopback, and from no proxy on it."""
    server, client = connection.scope.get("server"), connection.client
    if client is None or not server or any(map(_is_forwarding, connection.headers)):
        return False  # a unix socket is that of a proxy
    return is_loopback_address(client.host) and is_loopback_address(str(server[0]))


def _is_forwarding(name: str) -> bool:
    return name.startswith("x-forwarded") or name in FORWARDING_HEADERS


def is_loopback_address(address: str) -> bool:
    """Whether a numeric address is of this machine's loopback interface."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)
