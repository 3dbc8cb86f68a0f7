"""``/healthz`` for operators and watchdogs."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import Response

from edge.common.postgres.listener import Listener
from edge.push.http.access import is_own
from edge.push.http.admission import Admission
from edge.push.http.envelope import headers
from edge.push.http.refusals import Refusals
from edge.push.stream.feed_reader import FeedReader
from edge.push.stream.hub import Hub


class Health:
    """The state of this process, reported without a database query."""

    def __init__(
        self, hub: Hub, reader: FeedReader, listener: Listener, admission: Admission, refusals: Refusals
    ) -> None:
        self._hub = hub
        self._reader = reader
        self._listener = listener
        self._admission = admission
        self._refusals = refusals

    async def healthz(self, request: Request) -> Response:
        """Respond 200 while feed and doorbell work, else 503. Only programs of this machine get names of the database server.

        ``degraded`` (200): the feed is held back, or connections, streams or file descriptors run out.
        """
        reading, listening, held = self._reader.reading, self._listener.connected, self._reader.held_back
        is_near = is_own(request)
        fault = self._reader.fault if is_near else self._reader.public_fault
        shortage = self._refusals.shortage
        status = "away" if not self._hub.connected else "degraded" if held or shortage else "ok"
        report = {
            "status": status,
            "checks": {
                "database": {"ok": reading, "error": None if reading else fault},
                "listener": {"ok": listening, "lost": self._listener.reconnects},
                "feed": {
                    "ok": held is None,
                    "position": str(self._hub.live) if self._hub.live else None,
                    "held_back": held
                    and {
                        "for_s": round(held.for_s, 1),
                        "pid": held.pid if is_near else None,
                        "application": held.application if is_near else None,
                        "state": held.state,
                        "hint": "This database session keeps a transaction open; end it, or wait until the server does.",
                    },
                },
                "connections": {
                    "ok": shortage is None,
                    "shortage": shortage,
                    "open": self._admission.open,
                    "without_request": self._admission.waiting,
                    "limit": self._admission.limit,
                    "stream_limit": self._admission.max_streams,
                    "refused": self._refusals.counts,
                },
            },
            "clients": self._hub.clients,
        }
        body = json.dumps(report, indent=2) + "\n"
        return Response(body, 503 if status == "away" else 200, headers(), media_type="application/json")
