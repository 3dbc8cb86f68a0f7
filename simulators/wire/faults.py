"""Seeded faults on the line between a simulated device and its hub. Pure: bytes and time in, bytes out.

Faults act on whole frames, in each direction independently; the device supplies the framing. The faults of a frame depend
on the number of frames before it, so runs with one seed are similar, but not equal when the hub's timing differs.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable
from itertools import count

from simulators.devices.contract import Framing
from simulators.wire.fault_plan import Fault, FaultPlan
from simulators.world.draws import Draws

_MAX_FRAME = 4096
"""Longest incomplete frame; longer data passes as a frame."""
_MAX_HELD = 1000
"""Most pieces that a direction holds back; more are lost and counted as ``overflow``."""
_MERGE_US = 30_000
_FOREVER_US = 2**62

_BURIED = "buried"
"""Counter of frames lost in a silence, in noise, or while the cable is unplugged."""
_OVERFLOW = "overflow"
"""Counter of pieces lost because a direction held ``_MAX_HELD``."""


class Direction:
    """One direction of the line: frames in, pieces out when due. Pieces keep their order; delayed frames join later."""

    def __init__(self, plan: FaultPlan, draws: Draws) -> None:
        self.counted: Counter[str] = Counter()
        self._plan = plan
        self._draws = draws
        self._pieces: deque[tuple[int, bytes]] = deque()
        self._delayed: list[tuple[int, int, bytes]] = []
        self._order = count()
        self._merging = b""
        self._merge_by_us = _FOREVER_US
        self._dead_until_us = 0

    def put(self, frame: bytes, now_us: int) -> None:
        """Send a frame on the line."""
        if now_us < self._dead_until_us:
            self.counted[_BURIED] += 1
        elif self._happens(Fault.SILENCE):
            self._dead_until_us = now_us + self._us(0.3, 2.0)
        elif self._happens(Fault.STUCK):
            self._dead_until_us = now_us + self._us(0.1, 0.5)
            self._append(bytes((self._draws.below(256),)) * (16 + self._draws.below(400)), now_us)
        elif not self._happens(Fault.DROP):
            copies = 2 if self._happens(Fault.DUPLICATE) else 1
            for _ in range(copies):
                self._send(self._corrupted(frame) if self._happens(Fault.CORRUPT) else frame, now_us)

    def take(self, now_us: int) -> list[bytes]:
        """Return the pieces that are due; each is one write."""
        while self._delayed and self._delayed[0][0] <= now_us:
            self._append(heapq.heappop(self._delayed)[2], now_us)
        if self._merge_by_us <= now_us:
            self._append(b"", now_us)
        pieces: list[bytes] = []
        while self._pieces and self._pieces[0][0] <= now_us:
            pieces.append(self._pieces.popleft()[1])
        return pieces

    def next_due_us(self) -> int:
        """Return the instant at which :meth:`take` may return a piece."""
        first_piece = self._pieces[0][0] if self._pieces else _FOREVER_US
        first_delayed = self._delayed[0][0] if self._delayed else _FOREVER_US
        return min(first_piece, first_delayed, self._merge_by_us)

    def clear(self) -> None:
        """Lose everything in transit."""
        self._pieces.clear()
        self._delayed.clear()
        self._merging = b""
        self._merge_by_us = _FOREVER_US

    def _send(self, frame: bytes, now_us: int) -> None:
        if self._happens(Fault.DELAY):
            heapq.heappush(self._delayed, (now_us + self._us(0.005, 0.3), next(self._order), frame))
        elif self._happens(Fault.SPLIT):
            cut = 1 + self._draws.below(max(len(frame) - 1, 1))
            self._append(frame[:cut], now_us)
            self._append(frame[cut:], now_us + self._us(0.0, 0.02))
        elif self._happens(Fault.MERGE):
            self._merging += frame
            self._merge_by_us = min(self._merge_by_us, now_us + _MERGE_US)
        else:
            self._append(frame, now_us)

    def _append(self, piece: bytes, due_us: int) -> None:
        """Queue a piece after the queued ones, preceded by the frames that wait to be merged."""
        piece, self._merging, self._merge_by_us = self._merging + piece, b"", _FOREVER_US
        if len(self._pieces) + len(self._delayed) >= _MAX_HELD:
            self.counted[_OVERFLOW] += 1
        elif piece:
            last_us = self._pieces[-1][0] if self._pieces else 0
            self._pieces.append((max(due_us, last_us), piece))

    def _corrupted(self, frame: bytes) -> bytes:
        damaged = bytearray(frame)
        for at in self._draws.pick(min(1 + self._draws.below(3), len(frame)), len(frame)):
            damaged[at] ^= 1 + self._draws.below(255)
        return bytes(damaged)

    def _happens(self, fault: Fault) -> bool:
        chance = self._plan.chance(fault)
        happens = chance > 0 and self._draws.uniform() < chance
        if happens:
            self.counted[fault] += 1
        return happens

    def _us(self, low_s: float, high_s: float) -> int:
        return round(self._draws.uniform(low_s, high_s) * 1_000_000)


class FaultyLine:
    """Both directions of a device's line, its cable, and the requested reboot."""

    def __init__(self, plan: FaultPlan, seed: int, device: str, framing: Framing) -> None:
        self.to_hub = Direction(plan, Draws(seed, device, "to hub"))
        self.to_device = Direction(plan, Draws(seed, device, "to node"))
        self.requested_blind_us: int | None = None
        """Blind time of a requested reboot; the station sets it back to None after the reboot."""
        self.requested_text: int | None = None
        """Number that chooses a requested text of the node; the station sets it back to None once it is sent."""
        self._plan = plan
        self._framing = framing
        self._draws = Draws(seed, device, "cable and power")
        self._counted: Counter[str] = Counter()
        self._partial = b""
        self._plugged_from_us = 0

    def from_device(self, frames: Iterable[bytes], now_us: int) -> None:
        """Send frames of the device."""
        for frame in frames:
            if not self.is_plugged(now_us):
                self._counted[_BURIED] += 1
                continue
            self.to_hub.put(frame, now_us)
            if self._draw_fault(self._plan.reboot) and self.requested_blind_us is None:
                self._counted[Fault.REBOOT] += 1
                self.requested_blind_us = round(self._draws.uniform(50_000, 300_000))
            if self._draw_fault(self._plan.text):
                self._counted[Fault.TEXT] += 1
                self.requested_text = self._draws.below(1 << 16)
            if self._draw_fault(self._plan.unplug):
                self._counted[Fault.UNPLUG] += 1
                self.unplug(now_us + round(self._draws.uniform(200_000, 1_500_000)))

    def from_hub(self, data: bytes, now_us: int) -> None:
        """Send bytes of the hub; faults act once a frame is complete."""
        if self._plan.is_empty:
            self.to_device.put(data, now_us)  # at once: a node stamps the arrival of a frame's first byte
            return
        frames, self._partial = self._framing(self._partial + data)
        for frame in frames:
            self.to_device.put(frame, now_us)
        if len(self._partial) > _MAX_FRAME:
            self.to_device.put(self._partial, now_us)
            self._partial = b""

    def unplug(self, until_us: int) -> None:
        """Unplug the cable until then. Everything in transit is lost."""
        self._plugged_from_us = until_us
        self._lose_all()

    def is_plugged(self, now_us: int) -> bool:
        """Whether the cable is plugged in."""
        return now_us >= self._plugged_from_us

    def next_due_us(self, now_us: int) -> int:
        """Return the instant at which a piece is due or the cable is plugged in again."""
        plugged_us = _FOREVER_US if self.is_plugged(now_us) else self._plugged_from_us
        return min(plugged_us, self.to_hub.next_due_us(), self.to_device.next_due_us())

    def counted(self) -> dict[str, dict[str, int]]:
        """Return the count of each fault: towards the hub, towards the node, and of the node and its cable."""
        ways = {"to_hub": self.to_hub.counted, "to_node": self.to_device.counted, "node": self._counted}
        return {way: {str(name): counted[name] for name in sorted(counted)} for way, counted in ways.items()}

    def _lose_all(self) -> None:
        self.to_hub.clear()
        self.to_device.clear()
        self._partial = b""

    def _draw_fault(self, chance: float) -> bool:
        return chance > 0 and self._draws.uniform() < chance
