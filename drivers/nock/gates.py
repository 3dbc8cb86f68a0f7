"""Two light gates in front of the bow: the cause of a release, and the arrow's speed. Pure.

The arrow interrupts gate A, then gate B; its end clears A, then B. The end passes them after the nock has left the string,
at the full speed, so the clearing edges are timed. An arrow that is taken off the string clears the gates slowly, or not at
all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from drivers.contract import ReleaseCause

PASSED_NS: Final = 150_000_000
"""Longest time from the release until the end of an arrow has passed both gates: 3 m at the slowest speed."""
EARLY_NS: Final = 20_000_000
"""Longest time by which the end of an arrow passes a gate before the switch opens: it bounces, and string and nock part slowly."""
QUIET_NS: Final = 10_000_000
"""Time without an edge after which the last clearing edge is that of the arrow's end, and not of a gap between two vanes."""
BLOCKED_NS: Final = 2_000_000_000
"""Longest wait for a gate to be cleared by a hand that takes the arrow off."""
SLOWEST_MPS: Final = 20.0
FASTEST_MPS: Final = 130.0
"""Bounds of the speed of an arrow that was shot; no bow exceeds 120 m/s."""


@dataclass(frozen=True, slots=True)
class Passage:
    """The gates' account of one release."""

    cause: ReleaseCause | None
    launch_mps: float | None = None
    reason: str | None = None
    """Reason why cause or speed is missing."""


class Gates:
    """A pair of gates. Instants are CLOCK_MONOTONIC in nanoseconds."""

    def __init__(self, distance_mm: float, blocked: dict[str, bool]) -> None:
        """``blocked`` is the present state of both gates by name, A first."""
        self._distance_mm = distance_mm
        self._names = tuple(blocked)
        self._blocked = dict(blocked)
        self._cleared_ns: dict[str, int] = {}
        self._missed_ns: int | None = None
        self._last_ns = 0
        self._worked: set[str] = set()
        """Gates that reported an edge since the start: a gate that never did may be out of order."""

    def on_edge(self, name: str, at_ns: int, blocked: bool, missed: int = 0) -> None:
        """Take an edge of a gate."""
        self._blocked[name] = blocked
        self._missed_ns = at_ns if missed else self._missed_ns
        self._worked.add(name)
        self._last_ns = max(self._last_ns, at_ns)
        if not blocked:
            self._cleared_ns[name] = at_ns

    def on_look(self, at_ns: int, blocked: dict[str, bool]) -> None:
        """Take a look at both gates, after every edge that arrived before."""
        if at_ns > self._last_ns + QUIET_NS:
            self._blocked.update(blocked)

    def decided_at(self, released_ns: int) -> int:
        """The instant at which a release can be decided by what is known now."""
        if any(self._blocked.values()):
            return released_ns + BLOCKED_NS
        if all(self._passed(name, released_ns) for name in self._names):
            quiet_ns = max(self._last_ns, released_ns) + QUIET_NS
        else:
            quiet_ns = max(released_ns + PASSED_NS, self._last_ns + QUIET_NS)
        return min(quiet_ns, released_ns + BLOCKED_NS)

    def decide(self, released_ns: int) -> Passage:
        """The account of a release; later edges belong to the next one."""
        passage = self._account(released_ns)
        self._cleared_ns.clear()
        return passage

    def _account(self, released_ns: int) -> Passage:
        dark = [name for name in self._names if self._blocked[name]]
        if dark:
            return Passage(None, reason=f"light gate {' and '.join(dark)} is blocked, so the cause is unknown")
        if self._missed_ns is not None and self._missed_ns >= released_ns - EARLY_NS:
            return Passage(None, reason="edges of the light gates were lost, so the cause is unknown")
        passed = [name for name in self._names if self._passed(name, released_ns)]
        unproven = [name for name in self._names if name not in self._worked]
        if not passed and unproven:
            return Passage(None, reason=f"light gate {' and '.join(unproven)} has not detected an arrow yet")
        if not passed:
            return Passage(ReleaseCause.REMOVED)
        if len(passed) == 1:
            return Passage(None, reason=f"light gate {passed[0]} alone detected an arrow, so the cause is unknown")
        first_ns, second_ns = (self._cleared_ns[name] for name in self._names)
        if second_ns <= first_ns:
            return Passage(ReleaseCause.REMOVED)
        speed_mps = self._distance_mm * 1e6 / (second_ns - first_ns)
        if speed_mps < SLOWEST_MPS:
            return Passage(ReleaseCause.REMOVED)
        if speed_mps > FASTEST_MPS:
            return Passage(None, reason=f"the light gates measured an impossible {speed_mps:.0f} m/s")
        return Passage(ReleaseCause.SHOT, speed_mps)

    def _passed(self, name: str, released_ns: int) -> bool:
        at_ns = self._cleared_ns.get(name)
        return at_ns is not None and at_ns >= released_ns - EARLY_NS
