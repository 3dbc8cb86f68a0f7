"""One boot of an Arch-Stats link node: its stream, its clock, and what is to be told of both. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Final
from uuid import UUID

from drivers.clock.filter import ClockFilter, mono_of
from drivers.clock.instant import ClockPair
from drivers.clock.transfer import TimeTransfer
from drivers.contract import ClockModel, Stamp, StreamStart, stream_of
from drivers.link.boot_clocks import MAX_AGE_NS, Place, StreamClocks
from drivers.link.codec import EarlierBoot, Hello, NodeCapability

CLOCK_MOVED_NS: Final = 500_000
CLOCK_EVERY_NS: Final = 300_000_000_000
"""A stream's clock is told anew when it moved by so much, became twice as sure, or after so long."""

READY_S: Final = 2e-3
"""A clock known as well as this need not be waited for any longer."""
CLOCK_WITHIN_NS: Final = 5_000_000_000
"""How long readings of a boot wait for its clock before they are reported without a date, which is for ever: long enough
for a line that was dead for two seconds just then, and for a busy host. A clock is mostly learnt in half a second."""
ROUND_NS: Final = 1_000_000_000
"""So long at most takes a round of questions; a hub that stood still has not waited, so the rounds are counted, too."""


class Boot:
    """The boot of the node that goes on now."""

    def __init__(
        self, device_id: str, node: int, boot_id: int, hello: Hello, clocks: StreamClocks, now_ns: int
    ) -> None:
        self.boot_id = boot_id
        self.hello = hello
        self.earlier: tuple[EarlierBoot, ...] = ()
        """The boots before this one, as the last HELLO tells of them, newest first."""
        self.heard_ns = now_ns
        """When HELLO came."""
        self.stream_id = stream_of(device_id, node, boot_id)
        self.begun = False
        """Whether the stream's start has been told; before that, nothing of it is."""
        self.clock = ClockFilter(
            self.stream_id, clocks.host_boot_id, stored=clocks.get(self.stream_id), sibling=clocks.rate()
        )
        self.transfer = TimeTransfer(self.clock, now_ns) if NodeCapability.STAMPS_TIME in hello.capabilities else None
        self._device_id = device_id
        self._node = node
        self._clocks = clocks
        self._told: ClockModel | None = None
        self._told_ns = 0
        self.hear(hello)

    @property
    def ready(self) -> bool:
        """Whether the clock is known well enough to date readings by it."""
        model = self.clock.model
        return self.clock.synchronised and model is not None and model.uncertainty_s <= READY_S

    @property
    def give_up_ns(self) -> int | None:
        """When the clock need not be waited for any longer; None when it was not asked for often enough."""
        asked_enough = self.transfer is None or self.transfer.rounds >= CLOCK_WITHIN_NS // ROUND_NS
        return self.heard_ns + CLOCK_WITHIN_NS if asked_enough else None

    def hear(self, hello: Hello) -> None:
        """Take the node's word for how its boots lie to each other; HELLO may come again and tell of others."""
        self.hello = hello
        self.earlier = tuple(boot for boot in hello.earlier if boot.boot_id not in (0, self.boot_id))
        previous = self._stream(self.earlier[0].boot_id) if self.earlier else None
        places = [Place(self.stream_id, 0, previous, hello.blind_us)]
        for boot in self.earlier:
            if boot.before_us:
                before = self._stream(boot.previous_boot_id)
                places.append(Place(self._stream(boot.boot_id), -boot.before_us, before, boot.blind_us))
        self._clocks.place(places)

    def learn(self) -> None:
        """Put what the filter has learnt among the known clocks."""
        if self.clock.model is not None:
            self._clocks.learn(self.clock.model)

    def starts(self, pair: ClockPair, told: Container[UUID]) -> Iterator[StreamStart]:
        """How the streams began, as well as it is known now: the earlier ones that are not ``told`` yet, then this one.

        An earlier boot may have been over before anybody heard of it.
        """
        for boot in reversed(self.earlier):
            stream_id = self._stream(boot.boot_id)
            stamp, undated = self._clocks.date(stream_id, 0, self.heard_ns, pair)
            if undated is None and stream_id not in told:
                previous = self._stream(boot.previous_boot_id) if boot.previous_boot_id else None
                since = self._earlier_by(stamp, boot.blind_us, pair)
                yield StreamStart(stream_id, stamp, since, previous, last_seq=boot.last_seq if boot.kept else None)
        stamp, undated = self._clocks.date(self.stream_id, 0, self.heard_ns, pair)
        since = self._earlier_by(stamp, self.hello.blind_us, pair) if undated is None else None
        before = self.earlier[0] if self.earlier else None
        yield StreamStart(
            self.stream_id,
            stamp,
            since,
            previous_stream_id=None if before is None else self._stream(before.boot_id),
            previous_last_seq=None if before is None else before.last_seq,
        )

    def clock_news(self, now_ns: int) -> list[ClockModel]:
        """The stream's clock when it is worth telling, and the clocks of earlier boots that it alone tells of."""
        model, told = self.clock.model, self._told
        if model is None or model is told:
            return []
        if told is not None and now_ns - self._told_ns < CLOCK_EVERY_NS:
            moved = abs(mono_of(model, model.ref_ticks_us) - mono_of(told, model.ref_ticks_us))
            if moved < CLOCK_MOVED_NS and model.skew_uncertainty > told.skew_uncertainty / 2:
                return []
        self._told, self._told_ns = model, now_ns
        return [model, *self._derived()]

    def last_clock(self) -> ClockModel | None:
        """The clock as learnt last, for the events of this boot that are still to come after the next."""
        return self.clock.model if self.clock.model is not self._told else None

    def _stream(self, boot_id: int) -> UUID:
        return stream_of(self._device_id, self._node, boot_id)

    def _earlier_by(self, stamp: Stamp, us: int | None, pair: ClockPair) -> Stamp | None:
        if us is None or stamp.mono_ns is None:
            return None
        mono_ns = stamp.mono_ns - us * 1000
        if self.heard_ns - mono_ns > MAX_AGE_NS:
            return None
        return Stamp(pair.utc_of(mono_ns), mono_ns, stamp.host_boot_id, stamp.uncertainty_s)

    def _derived(self) -> Iterator[ClockModel]:
        for boot in self.earlier:
            stream_id = self._stream(boot.boot_id)
            if boot.kept and boot.before_us and self._clocks.get(stream_id) is None:
                clock = self._clocks.best(stream_id, boot.before_us)
                if clock is not None:
                    yield clock
