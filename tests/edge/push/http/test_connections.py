"""One connection: every error in the envelope, nothing in the log, no request without a deadline."""

from __future__ import annotations

import asyncio
import json

import pytest
from pytest_mock import MockerFixture

from edge.push.http import admission
from edge.push.http.refusals import Cause
from tests.edge.push.crowd import HALF_OPEN, answer, hold, open_streams
from tests.edge.push.serving import Service, http

HOST = b"Host: 127.0.0.1\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST /healthz HTTP/1.1\r\n" + HOST + CHUNKED + b"zzz\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
    ],
)
async def test_what_is_not_http_gets_400(
    service: Service, request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    status, body = await answer(service.port, request_bytes)
    assert status == 400
    assert json.loads(body)["errors"][0]["code"] == "invalid_request"
    assert [record.name for record in caplog.records] == ["edge.push.http.refusals"]


async def test_an_invalid_body_after_the_response_logs_nothing(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    (held,) = await hold(service.port, b"POST /healthz HTTP/1.1\r\n" + HOST + CHUNKED, 1)
    assert await held.status() == 405
    held.writer.write(b"zzz\r\n")
    await held.ended()
    held.close()
    assert [record.name for record in caplog.records] == ["edge.push.http.refusals"]


@pytest.mark.parametrize("path", ["events?lane=0", "live?lane=0", "ws/shot?lane=0", "shot?x=nan", "shot/x", "none"])
async def test_an_expected_refusal_logs_nothing(service: Service, path: str, caplog: pytest.LogCaptureFixture) -> None:
    async with http(service, "/api/v0/") as client:
        for _ in range(3):
            assert (await client.get(path)).status_code in (404, 422, 426)
    assert caplog.records == []


async def test_an_upgrade_to_another_protocol_is_ignored(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    head = b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"
    assert (await answer(service.port, head))[0] == 200
    assert caplog.records == []


async def test_a_request_that_does_not_end_is_closed(service: Service, mocker: MockerFixture) -> None:
    mocker.patch.object(admission, "SWEEP_S", 0.05)
    mocker.patch.object(admission, "REQUEST_WITHIN_S", 0.5)
    await service.stop()
    service.start()
    await service.until_live()
    half, silent = *await hold(service.port, HALF_OPEN, 1), *await hold(service.port, b"", 1)
    unread = (await hold(service.port, b"POST /healthz HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\n", 1))[0]
    (stream,), _ = await open_streams(service.port, [b"GET /api/v0/events HTTP/1.1\r\n" + HOST + b"\r\n"])
    assert await unread.status() == 405
    dripping = asyncio.create_task(_drip(unread.writer))
    async with asyncio.timeout(10):
        answers = await asyncio.gather(half.ended(), silent.ended(), unread.ended())
    dripping.cancel()
    assert answers[0].startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert answers[1] == b""
    assert service.hub.clients == 1
    async with http(service) as client:
        report = (await client.get("/healthz")).json()
    assert report["status"] == "ok"
    assert report["checks"]["connections"]["refused"][Cause.TOO_SLOW] == 3
    for one in (half, silent, unread, stream):
        one.close()


async def _drip(writer: asyncio.StreamWriter) -> None:
    for _ in range(8):
        writer.write(b"x")
        await asyncio.sleep(0.2)


async def test_health_reports_connections(service: Service) -> None:
    async with http(service) as client:
        checks = (await client.get("/healthz")).json()["checks"]["connections"]
        metrics = (await client.get("/metrics")).text
    assert (checks["ok"], checks["shortage"], checks["open"], checks["stream_limit"]) == (True, None, 1, 2000)
    assert 'archstats_push_refused_total{cause="too_slow"} 0' in metrics
