"""What goes wrong between a simulated node and its hub. Pure and seeded: bytes and time in, bytes out.

Faults act on whole frames, each direction by itself. Which frame is hit depends on how many came before it, so a run is
alike but not equal when the hub takes other time to answer.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable
from itertools import count

from simulators.wire.fault_plan import FaultPlan
from simulators.world.draws import Draws

_MAX_FRAME = 4096
"""Bytes without a zero that are taken for a frame all the same."""
_MAX_HELD = 1000
"""Pieces that a direction may hold back; more are lost and counted as ``overflow``."""
_MERGE_US = 30_000
_FOREVER_US = 2**62


class Direction:
    """One way of the line: frames in, pieces out at their time. Pieces keep their order; delayed frames join late."""

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
        """Send a frame into the line."""
        if now_us < self._dead_until_us:
            self.counted["buried"] += 1
        elif self._happens("silence"):
            self._dead_until_us = now_us + self._us(0.3, 2.0)
        elif self._happens("stuck"):
            self._dead_until_us = now_us + self._us(0.1, 0.5)
            self._append(bytes((self._draws.below(256),)) * (16 + self._draws.below(400)), now_us)
        elif not self._happens("drop"):
            copies = 2 if self._happens("duplicate") else 1
            for _ in range(copies):
                self._send(self._corrupted(frame) if self._happens("corrupt") else frame, now_us)

    def take(self, now_us: int) -> list[bytes]:
        """Return the pieces whose time has come; each is one write."""
        while self._delayed and self._delayed[0][0] <= now_us:
            self._append(heapq.heappop(self._delayed)[2], now_us)
        if self._merge_by_us <= now_us:
            self._append(b"", now_us)
        pieces: list[bytes] = []
        while self._pieces and self._pieces[0][0] <= now_us:
            pieces.append(self._pieces.popleft()[1])
        return pieces

    def next_due_us(self) -> int:
        """Return when :meth:`take` may have something."""
        first_piece = self._pieces[0][0] if self._pieces else _FOREVER_US
        first_delayed = self._delayed[0][0] if self._delayed else _FOREVER_US
        return min(first_piece, first_delayed, self._merge_by_us)

    def clear(self) -> None:
        """Lose everything that is on the way."""
        self._pieces.clear()
        self._delayed.clear()
        self._merging = b""
        self._merge_by_us = _FOREVER_US

    def _send(self, frame: bytes, now_us: int) -> None:
        if self._happens("delay"):
            heapq.heappush(self._delayed, (now_us + self._us(0.005, 0.3), next(self._order), frame))
        elif self._happens("split"):
            cut = 1 + self._draws.below(max(len(frame) - 1, 1))
            self._append(frame[:cut], now_us)
            self._append(frame[cut:], now_us + self._us(0.0, 0.02))
        elif self._happens("merge"):
            self._merging += frame
            self._merge_by_us = min(self._merge_by_us, now_us + _MERGE_US)
        else:
            self._append(frame, now_us)

    def _append(self, piece: bytes, due_us: int) -> None:
        """Queue a piece behind what is queued, with what waited to be merged in front of it."""
        piece, self._merging, self._merge_by_us = self._merging + piece, b"", _FOREVER_US
        if len(self._pieces) + len(self._delayed) >= _MAX_HELD:
            self.counted["overflow"] += 1
        elif piece:
            last_us = self._pieces[-1][0] if self._pieces else 0
            self._pieces.append((max(due_us, last_us), piece))

    def _corrupted(self, frame: bytes) -> bytes:
        damaged = bytearray(frame)
        for at in self._draws.pick(min(1 + self._draws.below(3), len(frame)), len(frame)):
            damaged[at] ^= 1 + self._draws.below(255)
        return bytes(damaged)

    def _happens(self, fault: str) -> bool:
        chance: float = getattr(self._plan, fault)
        happens = chance > 0 and self._draws.uniform() < chance
        if happens:
            self.counted[fault] += 1
        return happens

    def _us(self, low_s: float, high_s: float) -> int:
        return round(self._draws.uniform(low_s, high_s) * 1_000_000)


class FaultyLine:
    """Both directions of a node's line, its cable, and the wish for a reboot."""

    def __init__(self, plan: FaultPlan, seed: int, device: str) -> None:
        self.to_hub = Direction(plan, Draws(seed, device, "to hub"))
        self.to_node = Direction(plan, Draws(seed, device, "to node"))
        self.wanted_blind_us: int | None = None
        """Set when the node shall reboot and be blind that long; whoever does it sets it back to None."""
        self._plan = plan
        self._draws = Draws(seed, device, "cable and power")
        self._counted: Counter[str] = Counter()
        self._half = b""
        self._plugged_from_us = 0

    def node_says(self, frames: Iterable[bytes], now_us: int) -> None:
        """Take frames of the node."""
        for frame in frames:
            if not self.is_plugged(now_us):
                self._counted["buried"] += 1
                continue
            self.to_hub.put(frame, now_us)
            if self._rolls(self._plan.reboot) and self.wanted_blind_us is None:
                self._counted["reboot"] += 1
                self.wanted_blind_us = round(self._draws.uniform(50_000, 300_000))
            if self._rolls(self._plan.unplug):
                self._counted["unplug"] += 1
                self._plugged_from_us = now_us + round(self._draws.uniform(200_000, 1_500_000))
                self._lose_all()

    def hub_says(self, data: bytes, now_us: int) -> None:
        """Take bytes of the hub; faults act once a frame is whole."""
        if self._plan.is_empty:
            self.to_node.put(data, now_us)  # a node wants to know when the first byte of a frame came
            return
        *ended, self._half = (self._half + data).split(b"\0")
        for frame in ended:
            self.to_node.put(frame + b"\0", now_us)
        if len(self._half) > _MAX_FRAME:
            self.to_node.put(self._half, now_us)
            self._half = b""

    def is_plugged(self, now_us: int) -> bool:
        """Whether the cable is in."""
        return now_us >= self._plugged_from_us

    def next_due_us(self, now_us: int) -> int:
        """Return when something comes out of the line, or the cable goes in again."""
        plugged_us = _FOREVER_US if self.is_plugged(now_us) else self._plugged_from_us
        return min(plugged_us, self.to_hub.next_due_us(), self.to_node.next_due_us())

    def counted(self) -> dict[str, dict[str, int]]:
        """Return how often each fault happened: to the hub, to the node, and to the node and its cable themselves."""
        ways = {"to_hub": self.to_hub.counted, "to_node": self.to_node.counted, "node": self._counted}
        return {way: dict(sorted(counted.items())) for way, counted in ways.items()}

    def _lose_all(self) -> None:
        self.to_hub.clear()
        self.to_node.clear()
        self._half = b""

    def _rolls(self, chance: float) -> bool:
        return chance > 0 and self._draws.uniform() < chance
