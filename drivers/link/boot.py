"""The present boot of an Arch-Stats link node: its stream, its clock, and its pending frames. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Final
from uuid import UUID

from drivers.clock.filter import ClockFilter, mono_of
from drivers.clock.instant import ClockModel, ClockPair, Stamp
from drivers.clock.transfer import TimeTransfer
from drivers.contract import StreamStart, stream_of
from drivers.errors import ProtocolError
from drivers.link.boot_clocks import MAX_AGE_NS, BootOffset, StreamClocks
from drivers.link.codec import MAX_EARLIER, EarlierBoot, Hello, NodeCapability, NodeKind
from drivers.link.pending import PendingFrame

CLOCK_MOVED_NS: Final = 500_000
"""Change of a stream's clock that is worth a report; twice the certainty is, too."""
CLOCK_EVERY_NS: Final = 300_000_000_000
"""Longest interval between two reports of a stream's clock."""

READY_S: Final = 2e-3
"""Uncertainty at which a new clock is good enough to date readings."""
CLOCK_WITHIN_NS: Final = 5_000_000_000
"""How long readings of a boot wait for its clock before they are reported, for good, without a date.

Long enough for a line that is dead for two seconds, and for a busy host. Most clocks are learnt in half a second.
"""
ROUND_NS: Final = 1_000_000_000
"""Longest duration of a burst of time requests. A hub that was suspended has not waited, so bursts are counted, too."""
_KIND_NAMES: Final[dict[int, str]] = {NodeKind.BOW: "a bow", NodeKind.TARGET: "a target"}


def wrong_kind(device_id: str, node: int, kind: int) -> ProtocolError:
    """The error for a HELLO of another kind of node than the driver reads."""
    return ProtocolError(
        f"{_KIND_NAMES.get(kind, 'another')} node (number {node}, kind {kind}) answers on this port",
        device=device_id,
        hint="Swap the cables, or correct ARCH_STATS_PORT or ARCH_STATS_DRIVER.",
    )


class Boot:
    """The boot in which the node runs now."""

    def __init__(
        self, device_id: str, node: int, boot_id: int, hello: Hello, clocks: StreamClocks, now_ns: int
    ) -> None:
        self.boot_id = boot_id
        self.hello = hello
        self.earlier: tuple[EarlierBoot, ...] = ()
        """The boots before this one, as the last HELLO lists them, newest first."""
        self.pending: list[PendingFrame] = []
        """Frames of this boot that wait until its clock is known."""
        self.hello_ns = now_ns
        """Receipt of the boot's first HELLO."""
        self.may_be_over = False
        """A frame of an unknown boot arrived after the last one that a node sends of its present boot only. Events do not
        count: a later boot re-sends them."""
        self.stream_id = stream_of(device_id, node, boot_id)
        self.clock = ClockFilter(
            self.stream_id, clocks.host_boot_id, stored=clocks.get(self.stream_id), sibling=clocks.best_rate()
        )
        self.transfer = TimeTransfer(self.clock, now_ns) if NodeCapability.STAMPS_TIME in hello.capabilities else None
        self._device_id = device_id
        self._node = node
        self._clocks = clocks
        self._reported: ClockModel | None = None
        self._reported_ns = 0
        self.on_hello(hello)

    @property
    def is_synchronised(self) -> bool:
        """Whether the clock is known well enough to date readings by it."""
        model = self.clock.model
        return self.clock.synchronised and model is not None and model.uncertainty_s <= READY_S

    @property
    def sync_deadline_ns(self) -> int | None:
        """When the wait for the clock ends; None while too few requests were made, or another boot may be running."""
        if self.may_be_over:
            return None
        asked_enough = self.transfer is None or self.transfer.rounds >= CLOCK_WITHIN_NS // ROUND_NS
        return self.hello_ns + CLOCK_WITHIN_NS if asked_enough else None

    def on_hello(self, hello: Hello) -> None:
        """Store the offsets of the node's boots; each HELLO may list others."""
        self.hello, self.may_be_over = hello, False
        self.earlier = tuple(boot for boot in hello.earlier if boot.boot_id not in (0, self.boot_id))
        previous = self._stream(self.earlier[0].boot_id) if self.earlier else None
        offsets = [BootOffset(self.stream_id, 0, previous, hello.blind_us)]
        for boot in self.earlier:
            if boot.before_us:
                before = self._stream(boot.previous_boot_id)
                offsets.append(BootOffset(self._stream(boot.boot_id), -boot.before_us, before, boot.blind_us))
        self._clocks.set_offsets(offsets)

    @property
    def has_room(self) -> bool:
        """Whether the last HELLO lists every boot that the node still knows."""
        return len(self.hello.earlier) < MAX_EARLIER

    def lists(self, boot_id: int) -> bool:
        """Whether the last HELLO lists an earlier boot."""
        return any(boot.boot_id == boot_id for boot in self.earlier)

    def store_clock(self) -> None:
        """Make the filter's clock available for dating."""
        if self.clock.model is not None:
            self._clocks.store(self.clock.model)

    def starts(self, pair: ClockPair, reported: Container[int]) -> Iterator[tuple[int, StreamStart]]:
        """The starts of the streams by boot id: earlier boots that are not ``reported`` yet, then this one.

        An earlier boot may have ended before the hub received anything of it.
        """
        for boot in reversed(self.earlier):
            stream_id = self._stream(boot.boot_id)
            stamp, undated = self._clocks.date(stream_id, 0, self.hello_ns, pair)
            if undated is None and boot.boot_id not in reported:
                previous = self._stream(boot.previous_boot_id) if boot.previous_boot_id else None
                since = self._earlier_by(stamp, boot.blind_us, pair)
                last_seq = boot.last_seq if boot.kept else None
                yield boot.boot_id, StreamStart(stream_id, stamp, since, previous, last_seq=last_seq)
        stamp, undated = self._clocks.date(self.stream_id, 0, self.hello_ns, pair)
        since = self._earlier_by(stamp, self.hello.blind_us, pair) if undated is None else None
        before = self.earlier[0] if self.earlier else None
        yield (
            self.boot_id,
            StreamStart(
                self.stream_id,
                stamp,
                since,
                previous_stream_id=None if before is None else self._stream(before.boot_id),
                previous_last_seq=None if before is None else before.last_seq,
            ),
        )

    def changed_clocks(self, now_ns: int) -> list[ClockModel]:
        """The stream's clock when its change is worth a report, with the clocks of earlier boots derived from it."""
        model, reported = self.clock.model, self._reported
        if model is None or model is reported:
            return []
        if reported is not None and now_ns - self._reported_ns < CLOCK_EVERY_NS:
            moved = abs(mono_of(model, model.ref_ticks_us) - mono_of(reported, model.ref_ticks_us))
            if moved < CLOCK_MOVED_NS and model.skew_uncertainty > reported.skew_uncertainty / 2:
                return []
        self._reported, self._reported_ns = model, now_ns
        return [model, *self._derived()]

    def unreported_clock(self) -> ClockModel | None:
        """The last clock, if it was not reported: events of this boot may still arrive during the next."""
        return self.clock.model if self.clock.model is not self._reported else None

    def _stream(self, boot_id: int) -> UUID:
        return stream_of(self._device_id, self._node, boot_id)

    def _earlier_by(self, stamp: Stamp, us: int | None, pair: ClockPair) -> Stamp | None:
        if us is None or stamp.mono_ns is None:
            return None
        mono_ns = stamp.mono_ns - us * 1000
        if self.hello_ns - mono_ns > MAX_AGE_NS:
            return None
        return Stamp(pair.utc_of(mono_ns), mono_ns, stamp.host_boot_id, stamp.uncertainty_s)

    def _derived(self) -> Iterator[ClockModel]:
        for boot in self.earlier:
            stream_id = self._stream(boot.boot_id)
            if boot.kept and boot.before_us and self._clocks.get(stream_id) is None:
                clock = self._clocks.best(stream_id, boot.before_us)
                if clock is not None:
                    yield clock
