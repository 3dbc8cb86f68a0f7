"""The handler of ``/metrics``: this process's own counters, and what the database holds while it answers."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import InfoMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from edge.common.postgres.listener import Listener
from edge.push.http.admission import Admission
from edge.push.http.content import compressed
from edge.push.http.envelope import headers
from edge.push.http.read_pool import ReadPool
from edge.push.http.refusals import Refusals
from edge.push.metrics.families import counter, gauge, stored_families
from edge.push.metrics.stored import Stored, StoredValues
from edge.push.stream.feed_reader import FeedReader
from edge.push.stream.hub import Hub

RENDERED_AT_ONCE: Final = 50
"""Most devices whose values are made into text on the event loop."""


class OwnValues(Collector):
    """The states and counters of this process, known without a database."""

    def __init__(
        self, hub: Hub, reader: FeedReader, listener: Listener, admission: Admission, refusals: Refusals, version: str
    ) -> None:
        self._hub = hub
        self._reader = reader
        self._listener = listener
        self._admission = admission
        self._refusals = refusals
        self._version = version

    def collect(self) -> Iterator[Metric]:
        """Return the families of the moment."""
        build = InfoMetricFamily("archstats_build", "Version of this build, and the Python that it runs on.")
        build.add_metric((), {"version": self._version, "python": platform.python_version()})
        yield build
        yield from self._gauges()
        yield from self._counters()
        refused = counter("push_refused", "Requests and connections that were refused", ("cause",))
        for cause, count in self._refusals.counts.items():
            refused.add_metric((cause,), count)
        yield refused

    def _gauges(self) -> Iterator[Metric]:
        held = self._reader.held_back
        for name, value, meaning in (
            ("feed_up", self._reader.reading, "1 while the feed is readable"),
            ("listener_up", self._listener.connected, "1 while doorbells are heard"),
            (
                "feed_held_back_seconds",
                round(held.for_s, 3) if held else 0,
                "Time for which the feed has been held back",
            ),
            ("connections", self._admission.open, "Open connections"),
            ("connections_limit", self._admission.limit, "Most open connections"),
            ("connections_without_request", self._admission.waiting, "Open connections without a request"),
            ("clients", self._hub.clients, "Open streams"),
        ):
            family = gauge(f"push_{name}", meaning)
            family.add_metric((), value)
            yield family

    def _counters(self) -> Iterator[Metric]:
        count = self._hub.counters
        for name, value, meaning in (
            ("listener_lost", self._listener.reconnects, "Listening connections that were lost"),
            ("events", count.events, "Events read from the feed"),
            ("streams_opened", count.clients_total, "Streams opened"),
            ("clients_slow", count.clients_slow, "Streams ended because the client did not keep up"),
            ("clients_refused", count.clients_refused, "Streams rejected because too many were open"),
            ("gaps", count.gaps, "Gaps sent to clients"),
        ):
            family = counter(f"push_{name}", meaning)
            family.add_metric((), value)
            yield family


class Metrics:
    """Serves ``GET /metrics`` in Prometheus' text format.

    The text of the database's values is made once for all scrapers of a second, beyond ``RENDERED_AT_ONCE`` devices in a thread: a thousand devices take
    longer than a stream may wait.
    """

    def __init__(self, own: OwnValues, hub: Hub, pool: ReadPool) -> None:
        self.stored = StoredValues(pool)
        self._hub = hub
        self._registry = CollectorRegistry()
        self._rendering = asyncio.Lock()
        self._body: bytes | None = None
        self._rendered = 0
        self._registry.register(own)
        ProcessCollector(namespace="archstats_push", registry=self._registry)

    async def respond(self, request: Request) -> Response:
        """Respond with every metric; without those of the database while it is away."""
        async with self._rendering:
            stored = await self.stored.current(self._hub.live)
            if self._body is None or self._rendered != self.stored.reads:
                self._body = await self._text(stored)
                self._rendered = self.stored.reads
            body = generate_latest(self._registry) + self._body
        return compressed(request, Response(body, headers=headers({"content-type": CONTENT_TYPE_PLAIN_0_0_4})))

    async def _text(self, stored: Stored | None) -> bytes:
        families = _Families(self._of_database(stored))
        if stored is None or len(stored["devices"]) <= RENDERED_AT_ONCE:
            return generate_latest(families)
        return await asyncio.to_thread(generate_latest, families)

    def _of_database(self, stored: Stored | None) -> Iterator[Metric]:
        up = gauge("database_up", "1 while the database answers")
        up.add_metric((), stored is not None)
        took = gauge("database_read_seconds", "Duration of the last read for this page, also of a failed one")
        took.add_metric((), round(self.stored.read_s, 4))
        yield from (up, took)
        if stored is not None:
            yield from stored_families(stored)


class _Families(CollectorRegistry):
    """Families of one scrape."""

    def __init__(self, families: Iterable[Metric]) -> None:
        super().__init__()
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """Return the families."""
        return self._families
