"""One HTTP connection: uvicorn's protocol on h11, with a deadline for each request and no line in the log about clients."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from http import HTTPStatus
from typing import cast

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from edge.push.http.admission import Admission, counted_address
from edge.push.http.envelope import ApiError, RequestRejected, error_response
from edge.push.http.limits import LONGEST_HEAD, check_head, cut_head
from edge.push.http.refusals import Cause, Refusals

INVALID_REQUEST = ApiError("invalid_request", "this is not a request of HTTP/1.1")
NO_REQUEST = ApiError("request_timeout", "the request was not complete in time; send it again")

_defects = logging.getLogger(f"{__name__}.defects")
_defects.setLevel(logging.ERROR)
"""Uvicorn's messages about a request: defects of the server, without its warnings about clients."""


class HttpConnections:
    """Makes the protocol of each connection."""

    def __init__(self, admission: Admission, refusals: Refusals) -> None:
        self._admission = admission
        self._refusals = refusals

    def __call__(
        self, *, config: Config, server_state: ServerState, app_state: dict[str, object], **_: object
    ) -> HttpConnection:
        """Return the protocol of one connection, as uvicorn asks for it."""
        return HttpConnection(config, server_state, app_state, self._admission, self._refusals)


class HttpConnection(H11Protocol):
    """A connection, which passes its transport and counted address to the application for the streams."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        admission: Admission,
        refusals: Refusals,
    ) -> None:
        super().__init__(config, server_state, app_state)
        self.logger = _defects
        self._admission = admission
        self._refusals = refusals
        self._address: str | None = None

    # -- what uvicorn and the transport call

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Admit a new connection, or close it."""
        super().connection_made(transport)
        self._address = counted_address(self.client)
        self.app_state = {**self.app_state, "transport": transport, "address": self._address}
        if not self._admission.connect(self, self._address):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self._admission.begin_request(self)
        self._admission.disconnect(self._address)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Handle what has arrived. A complete request is answered without a deadline of this connection; a body has one.

        The deadline of a body begins with its request, and no part of it prolongs the wait.
        """
        before = self._cycle
        super().handle_events()
        cycle = self._cycle
        if cycle is None or cycle.response_complete:
            return
        if self.conn.their_state is not h11.SEND_BODY:
            self._admission.begin_request(self)
        elif cycle is not before:
            self._admission.await_request(self)

    def on_response_complete(self) -> None:
        """Wait for the next request. The rest of an unread body does not prolong the wait."""
        if not self.transport.is_closing():
            self._admission.await_request(self)
        super().on_response_complete()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Pass the connection on, with its place."""
        try:
            check_head(event.target, event.headers)
        except RequestRejected as rejected:
            self._refuse(rejected)
            return
        self._admission.begin_request(self)
        super().handle_websocket_upgrade(event)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's text says less
        """Count a request that is invalid or has a head without end, and reject it."""
        cycle, begun = self._cycle, self.conn.trailing_data[0]
        if len(begun) > LONGEST_HEAD and (cycle is None or cycle.response_complete):
            self._refuse(cut_head(begun))
            return
        self._refusals.count(Cause.INVALID_REQUEST)
        self._reject(400, INVALID_REQUEST)

    def _unsupported_upgrade_warning(self) -> None:
        """Ignore an upgrade to another protocol than WebSocket, as RFC 9110, 7.8 asks; curl offers h2c."""

    @property
    def _cycle(self) -> RequestResponseCycle | None:
        """The last request and its response; None before the first."""
        return cast("RequestResponseCycle | None", self.cycle)

    # -- what the admission calls

    def give_way(self) -> None:
        """Close at once, because a new connection needs the place."""
        self.transport.abort()

    def time_out(self) -> None:
        """Close, because no request arrived in time; with a response if one has begun."""
        if self.conn.trailing_data[0] or self.conn.their_state is h11.SEND_BODY:
            self._reject(408, NO_REQUEST)
        else:
            self.transport.close()

    def _refuse(self, rejected: RequestRejected) -> None:
        self._refusals.count_response(rejected.status)
        self._reject(rejected.status, rejected.errors[0])

    def _reject(self, status: int, error: ApiError) -> None:
        """Send an error instead of the application's response, unless that has begun, and close."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            if (cycle := self._cycle) is not None:
                cycle.disconnected = True  # the rest of its request is invalid: it sends nothing more
            response = error_response(status, [error], {"connection": "close"})
            reason = HTTPStatus(status).phrase.encode()
            head = h11.Response(status_code=status, headers=response.raw_headers, reason=reason)
            with suppress(h11.LocalProtocolError):  # the response to HEAD has no body
                for part in (head, h11.Data(data=bytes(response.body)), h11.EndOfMessage()):
                    self.transport.write(self.conn.send(part) or b"")
        self.transport.close()
