"""Frames that a link session cannot report yet, by the boot that sent them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from drivers.link.codec import Frame

FINISHED_KEPT: Final = 64
"""Greatest number of finished boots that a session remembers."""
REFINE_NS: Final = 7_000_000_000
"""How long the node keeps a vaguely dated event. After three bursts the rate of the crystal is known."""
REFINE_REST_NS: Final = 30_000_000_000
"""Interval after such a wait without another one, so that a node that reboots repeatedly is reported."""


@dataclass(frozen=True, slots=True)
class PendingFrame:
    """A frame and the arrival of its first byte on the host's monotonic clock."""

    frame: Frame
    at_ns: int


@dataclass(slots=True)
class FinishedBoot:
    """An earlier boot of the node whose events may still arrive."""

    boot_id: int
    stream_id: UUID
    is_listed: bool = False
    """A HELLO has listed it, so it is surely over."""
    is_forgotten: bool = False
    """A later HELLO does not list it any more, so its clock will not become known."""
    start_reported: bool = False
    pending: list[PendingFrame] = field(default_factory=list)


class FinishedBoots:
    """The finished boots of one node by boot id; the oldest entries are evicted."""

    def __init__(self) -> None:
        self._boots: dict[int, FinishedBoot] = {}

    def __iter__(self) -> Iterator[FinishedBoot]:
        return iter(list(self._boots.values()))

    def get(self, boot_id: int) -> FinishedBoot | None:
        """The entry of a boot."""
        return self._boots.get(boot_id)

    def of_stream(self, stream_id: UUID) -> FinishedBoot | None:
        """The entry of the boot that is this stream."""
        return next((boot for boot in self._boots.values() if boot.stream_id == stream_id), None)

    def add(self, boot_id: int, stream_id: UUID) -> FinishedBoot:
        """The boot's entry, made if necessary."""
        return self._boots.setdefault(boot_id, FinishedBoot(boot_id, stream_id))

    def is_listed(self, boot_id: int) -> bool:
        """Whether a HELLO has listed the boot, so that it is surely over."""
        return boot_id in self._boots and self._boots[boot_id].is_listed

    def set_start_reported(self, boot_id: int) -> None:
        """Record that the start of a boot's stream was reported."""
        if boot_id in self._boots:
            self._boots[boot_id].start_reported = True

    def remove(self, boot_id: int) -> list[PendingFrame]:
        """Remove the entry of a boot and return its frames."""
        boot = self._boots.pop(boot_id, None)
        return [] if boot is None else boot.pending

    def take_pending(self) -> list[PendingFrame]:
        """Remove and return the pending frames of all boots."""
        frames = [pending for boot in self._boots.values() for pending in boot.pending]
        for boot in self._boots.values():
            boot.pending = []
        return frames

    def evict(self) -> list[FinishedBoot]:
        """Remove and return the oldest entries beyond ``FINISHED_KEPT``."""
        excess = list(self._boots.values())[: max(0, len(self._boots) - FINISHED_KEPT)]
        for boot in excess:
            del self._boots[boot.boot_id]
        return excess

    @property
    def pending_count(self) -> int:
        """Number of pending frames."""
        return sum(len(boot.pending) for boot in self._boots.values())


class UnknownBoots:
    """Frames of boots that neither the last HELLO nor a known clock explains."""

    def __init__(self) -> None:
        self._frames: dict[int, list[PendingFrame]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._frames.values()))

    def __bool__(self) -> bool:
        return bool(self._frames)

    @property
    def boot_ids(self) -> list[int]:
        """The boots that have pending frames."""
        return list(self._frames)

    def add(self, pending: PendingFrame) -> None:
        """Hold a frame."""
        self._frames.setdefault(pending.frame.boot_id, []).append(pending)

    def take(self, boot_id: int) -> list[PendingFrame]:
        """Remove and return the frames of a boot."""
        return self._frames.pop(boot_id, [])

    def older_than(self, at_ns: int) -> list[int]:
        """The boots with a frame that arrived at or before ``at_ns``."""
        return [boot_id for boot_id, frames in self._frames.items() if frames[0].at_ns <= at_ns]

    def remove_other_nodes(self, node: int) -> list[PendingFrame]:
        """Remove and return the frames of all nodes but one."""
        frames = [pending for held in self._frames.values() for pending in held]
        self.clear()
        for pending in frames:
            if pending.frame.node == node:
                self.add(pending)
        return [pending for pending in frames if pending.frame.node != node]

    def clear(self) -> int:
        """Remove all frames and return their number."""
        count = len(self)
        self._frames.clear()
        return count


class RefinementWindow:
    """Bounds the time for which vaguely dated events stay with the node."""

    def __init__(self) -> None:
        self._until_ns = -REFINE_REST_NS

    def is_open(self, now_ns: int) -> bool:
        """Whether an event may stay with the node at this instant; opens the window after its rest."""
        if now_ns >= self._until_ns + REFINE_REST_NS:
            self._until_ns = now_ns + REFINE_NS
        return now_ns < self._until_ns
