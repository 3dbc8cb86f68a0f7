"""Client of the live feed that behaves like a browser: it reconnects and resumes at the last event id."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn

import httpx

LONGEST_SILENCE_S = 35.0
"""Longest silence of a stream; heartbeats come every 30 s."""


@dataclass
class ResumingClient:
    """The events that a client of ``/api/v0/events`` received. A partial event at the end of a stream is discarded."""

    port: int
    last_id: str | None = None
    ids: list[str] = field(default_factory=list)
    """Ids of the events in order of arrival, without heartbeats."""
    gaps: list[str] = field(default_factory=list)
    streams: int = 0

    async def run(self) -> NoReturn:
        """Follow until cancelled."""
        async with httpx.AsyncClient(timeout=httpx.Timeout(5.0, read=LONGEST_SILENCE_S)) as client:
            while True:
                with suppress(httpx.TransportError):
                    await self._one_stream(client)
                await asyncio.sleep(random.uniform(0.05, 0.3))  # a browser also pauses before it reconnects

    async def _one_stream(self, client: httpx.AsyncClient) -> None:
        headers = {} if self.last_id is None else {"Last-Event-ID": self.last_id}
        async with client.stream("GET", f"http://127.0.0.1:{self.port}/api/v0/events", headers=headers) as answer:
            if answer.status_code != 200:
                return
            self.streams += 1
            fields: dict[str, str] = {}
            async for line in answer.aiter_lines():
                if line:
                    name, _, value = line.partition(":")
                    fields[name] = value.strip()
                elif fields:
                    self._on_event(fields)
                    fields = {}

    def _on_event(self, fields: dict[str, str]) -> None:
        kind, event_id = fields.get("event"), fields.get("id")
        if kind == "gap":
            self.gaps.append(json.loads(fields["data"])["data"]["reason"])
        elif kind not in (None, "heartbeat"):
            self.ids.append(str(event_id))
        if event_id is not None:
            self.last_id = event_id

    def is_past(self, events: list[str]) -> bool:
        """Whether the last of these events has arrived."""
        return bool(events) and events[-1] in self.ids

    def differences(self, events: list[str]) -> list[str]:
        """Differences from all events since the first received one; newer events may follow, each once."""
        begins = events.index(self.ids[0]) if self.ids and self.ids[0] in events else 0
        expected = events[begins:]
        found = [f"gap: {reason}" for reason in self.gaps]
        repeated = sorted(name for name, times in Counter(self.ids).items() if times > 1)
        if self.ids[: len(expected)] != expected or repeated:
            missing = [name for name in expected if name not in self.ids]
            found.append(f"{len(expected)} events, received {len(self.ids)}; missing {missing}, repeated {repeated}")
        return found
