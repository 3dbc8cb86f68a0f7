"""One boot of an Arch-Stats link node: its stream, its clock, and what is to be told of both. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from drivers.clock import ClockFilter, ClockPair, mono_of, stamp_of, uncertainty_of
from drivers.codecs.link import Hello, NodeCapability
from drivers.contract import ClockModel, Stamp, StreamStart, stream_of
from drivers.time_transfer import TimeTransfer

MAX_AGE_NS: Final = 400 * 86_400 * 1_000_000_000
"""An event that is older has a broken time stamp."""
AHEAD_NS: Final = 1_000_000_000
"""An event that comes this long before it happens has a broken time stamp."""

CLOCK_MOVED_NS: Final = 500_000
CLOCK_EVERY_NS: Final = 300_000_000_000
"""A stream's clock is told anew when it moved by so much, became twice as sure, or after so long."""

READY_S: Final = 2e-3
"""A clock known as well as this need not be waited for any longer."""

NO_CLOCK: Final = "not dated: the clock of that boot of the device is not known"
BAD_CLOCK: Final = "not dated: the device's time stamp is not plausible"


class StreamClocks:
    """The clocks of all boots that are known: those of earlier days, and those learnt since."""

    def __init__(self, stored: Iterable[ClockModel], host_boot_id: UUID) -> None:
        """``stored`` may hold clocks of other boots of this host: those say nothing about its present clock."""
        self.host_boot_id = host_boot_id
        self._models = {model.stream_id: model for model in stored if model.host_boot_id == host_boot_id}

    def get(self, stream_id: UUID) -> ClockModel | None:
        """What is known of a stream's clock."""
        return self._models.get(stream_id)

    def learn(self, model: ClockModel) -> None:
        """Know better from now on."""
        self._models[model.stream_id] = model

    def forget(self, stream_id: UUID) -> None:
        """The stream will not be heard of again."""
        self._models.pop(stream_id, None)

    def date(self, stream_id: UUID, ticks_us: int, received_ns: int, pair: ClockPair) -> tuple[Stamp, str | None]:
        """When a tick was, and why that is only the time of receipt if it is."""
        model = self._models.get(stream_id)
        if model is None:
            return Stamp(pair.utc_of(received_ns), None, None), NO_CLOCK
        slack_ns = AHEAD_NS + round(uncertainty_of(model, ticks_us) * 1e9)
        if not received_ns - MAX_AGE_NS <= mono_of(model, ticks_us) <= received_ns + slack_ns:
            return Stamp(pair.utc_of(received_ns), None, None), BAD_CLOCK
        return stamp_of(model, ticks_us, pair), None


class Boot:
    """The boot of the node that goes on now."""

    def __init__(
        self, device_id: str, node: int, boot_id: int, hello: Hello, clocks: StreamClocks, now_ns: int
    ) -> None:
        self.boot_id = boot_id
        self.hello = hello
        self.heard_ns = now_ns
        """When HELLO came."""
        self.stream_id = stream_of(device_id, node, boot_id)
        self.previous_stream_id = (
            stream_of(device_id, node, hello.previous_boot_id) if hello.previous_boot_id != 0 else None
        )
        self.begun = False
        """Whether the stream's start has been told; before that, nothing of it is."""
        self.clock = ClockFilter(self.stream_id, clocks.host_boot_id, stored=clocks.get(self.stream_id))
        self.transfer = TimeTransfer(self.clock, now_ns) if NodeCapability.STAMPS_TIME in hello.capabilities else None
        self._clocks = clocks
        self._skipped = False
        self._seen_until: Stamp | None = None
        self._told: ClockModel | None = None
        self._told_ns = 0

    @property
    def ready(self) -> bool:
        """Whether the clock is known well enough to date readings by it."""
        model = self.clock.model
        return self.clock.synchronised and model is not None and model.uncertainty_s <= READY_S

    def learn(self) -> None:
        """Put what the filter has learnt among the known clocks."""
        if self.clock.model is not None:
            self._clocks.learn(self.clock.model)

    def blind_at_least_since(self, stamp: Stamp | None) -> None:
        """An earlier boot was missed, so that this one's HELLO does not tell of all the time that was lost."""
        self._skipped, self._seen_until = True, stamp

    def start(self, pair: ClockPair) -> StreamStart:
        """How the stream began, as well as it is known now."""
        stamp, undated = self._clocks.date(self.stream_id, 0, self.heard_ns, pair)
        blind_since = self._seen_until
        if not self._skipped and undated is None and stamp.mono_ns is not None and self.hello.blind_us is not None:
            since_ns = stamp.mono_ns - self.hello.blind_us * 1000
            if self.heard_ns - since_ns <= MAX_AGE_NS:
                blind_since = Stamp(pair.utc_of(since_ns), stamp.uncertainty_s, since_ns)
        return StreamStart(
            stream_id=self.stream_id,
            stamp=stamp,
            blind_since=blind_since,
            previous_stream_id=self.previous_stream_id,
            previous_last_seq=None if self.previous_stream_id is None else self.hello.previous_last_seq,
        )

    def clock_news(self, now_ns: int) -> ClockModel | None:
        """The stream's clock when it is worth telling."""
        model, told = self.clock.model, self._told
        if model is None or model is told:
            return None
        if told is not None and now_ns - self._told_ns < CLOCK_EVERY_NS:
            moved = abs(mono_of(model, model.ref_ticks_us) - mono_of(told, model.ref_ticks_us))
            if moved < CLOCK_MOVED_NS and model.skew_uncertainty > told.skew_uncertainty / 2:
                return None
        self._told, self._told_ns = model, now_ns
        return model

    def last_clock(self) -> ClockModel | None:
        """The clock as learnt last, for the events of this boot that are still to come after the next."""
        return self.clock.model if self.clock.model is not self._told else None
