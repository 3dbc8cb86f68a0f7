"""Changes come from this machine, or with the operator token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.requests import HTTPConnection

from edge.common.config.errors import ConfigError
from edge.push.http.access import Access, OperatorToken
from edge.push.http.envelope import RequestRejected
from edge.push.http.refusals import Cause, Refusals

SECRET = "correct-horse-battery-staple"


@pytest.fixture
def refusals() -> Iterator[Refusals]:
    made = Refusals()
    yield made
    made.close()


def connection(client: str | None, server: str | None = "192.168.1.5", **headers: str) -> HTTPConnection:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return HTTPConnection(
        {
            "type": "http", "headers": raw, "client": (client, 5000) if client else None,
            "server": (server, 8000) if server else None,
        }
    )  # fmt: skip


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"])
async def test_loopback_needs_no_token(refusals: Refusals, address: str) -> None:
    for token in (None, OperatorToken(SECRET)):
        Access(token, refusals).check_change(connection(address, address))


@pytest.mark.parametrize(
    "foreign",
    [
        connection("192.168.1.9"),
        connection("192.168.1.5"),
        connection(None, None),
        connection("127.0.0.1", "127.0.0.1", x_forwarded_for="192.168.1.9"),
        connection("127.0.0.1", "127.0.0.1", forwarded="for=192.168.1.9"),
        connection("127.0.0.1", "127.0.0.1", via="1.1 proxy"),
        connection("127.0.0.1", "127.0.0.1", x_forwarded_proto="https"),
        connection("127.0.0.1", "127.0.0.1", x_client_ip="192.168.1.9"),
        connection("127.0.0.1", "127.0.0.1", cf_connecting_ip="192.168.1.9"),
        connection("127.0.0.1", "127.0.0.1", true_client_ip="192.168.1.9"),
    ],
    ids=[
        "network",
        "own address",
        "unix socket",
        "x-forwarded-for",
        "forwarded",
        "via",
        "proto",
        "x-client",
        "cf",
        "true",
    ],
)
async def test_all_others_need_the_token(refusals: Refusals, foreign: HTTPConnection) -> None:
    with pytest.raises(RequestRejected) as refused:
        Access(OperatorToken(SECRET), refusals).check_change(foreign)
    assert (refused.value.status, refused.value.errors[0].code) == (401, "token_required")
    with pytest.raises(RequestRejected) as refused:
        Access(None, refusals).check_change(foreign)
    assert (refused.value.status, refused.value.errors[0].code) == (403, "no_operator_token")


@pytest.mark.parametrize("given", [f"Bearer {SECRET}", f"bearer {SECRET}", f"BEARER  {SECRET} "])
async def test_the_token_admits_a_change(refusals: Refusals, given: str) -> None:
    Access(OperatorToken(SECRET), refusals).check_change(connection("192.168.1.9", authorization=given))
    assert not refusals.counts.get(Cause.WRONG_TOKEN)


@pytest.mark.parametrize(
    "given", [f"Bearer {SECRET}x", f"Basic {SECRET}", "Bearer x", "Bearer \xe9\xff", f"Bearer {SECRET[:-1]}"]
)
async def test_a_wrong_token_is_refused_and_counted(refusals: Refusals, given: str) -> None:
    wrong = HTTPConnection(
        {
            "type": "http",
            "headers": [(b"authorization", given.encode("latin-1"))],
            "client": ("192.168.1.9", 1),
            "server": ("192.168.1.5", 1),
        }
    )
    with pytest.raises(RequestRejected) as refused:
        Access(OperatorToken(SECRET), refusals).check_change(wrong)
    assert (refused.value.status, refused.value.errors[0].code) == (401, "wrong_token")
    assert refused.value.headers["www-authenticate"].startswith("Bearer")
    assert refusals.counts[Cause.WRONG_TOKEN] == 1


def test_a_token_never_shows_its_secret(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n")
    token = OperatorToken.from_file(file)
    assert token.matches(SECRET)
    assert SECRET not in f"{token!r} {token}"


@pytest.mark.parametrize(
    "content",
    [b"", b"short", b"two words of a long token", b"\xff" * 40, b"a" * 2000, b"line of sixteen+\nand another"],
)
def test_an_unusable_token_file_is_a_configuration_error(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as wrong:
        OperatorToken.from_file(file)
    assert str(file) in wrong.value.message
    if content:
        assert content.decode("latin-1").strip() not in f"{wrong.value.message} {wrong.value.hint}"


def test_a_missing_token_file_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        OperatorToken.from_file(tmp_path / "none")
