"""What is on the strings: nockings and releases of a lane's bows."""

from __future__ import annotations

from edge.shots.parameters import Parameters
from edge.shots.placed import Nocking, Placed, Release
from edge.shots.sensed import REMOVED_BY_HAND
from edge.shots.timeline import to_ns


class Bows:
    """The strings of a lane, reading by reading in the order of time."""

    def __init__(self, parameters: Parameters) -> None:
        self._merge_ns = to_ns(parameters.merge_engage_s)
        self._timeout_ns = to_ns(parameters.engage_timeout_s)
        self._nocked: dict[str, Nocking] = {}
        self._read_at: dict[str, tuple[str | None, int]] = {}
        """By bow the last nocking that was read: its tag and when."""

    def engage(self, placed: Placed) -> Nocking | None:
        """An arrow was nocked. None when this only repeats the last nocking, or is the echo of another bow's."""
        bow, tag = placed.sensed.key.device_id, placed.sensed.tag
        last = self._read_at.get(bow)
        if last is not None and placed.ns - last[1] <= self._merge_ns and (tag == last[0] or None in (tag, last[0])):
            nocked = self._nocked.get(bow)
            if nocked is not None and nocked.tag is None:
                nocked.tag = tag
                self._read_at[bow] = (tag, last[1])
            return None
        nocking = Nocking(placed, tag)
        rival = self._rival(bow, tag, placed.ns)
        if rival is not None:
            if _stronger(placed, rival.placed):
                rival.cross_read = True
            elif self._at(bow, placed.ns) is not None:
                return None
            else:
                nocking.cross_read = True
        self._read_at[bow] = (tag, placed.ns)
        self._nocked[bow] = nocking
        return nocking

    def release(self, placed: Placed, end: int) -> Release | None:
        """An arrow left the string. None when a hand took it off."""
        bow, tag = placed.sensed.key.device_id, placed.sensed.tag
        nocking = self._at(bow, placed.ns)
        self._nocked.pop(bow, None)
        if placed.sensed.cause == REMOVED_BY_HAND:
            return None
        if nocking is not None and None not in (tag, nocking.tag) and tag != nocking.tag:
            nocking = None  # that arrow's nocking was not heard
        return Release(placed, tag or (nocking.tag if nocking else None), nocking, end)

    def nocked_until(self, ns: int) -> int | None:
        """When the last arrow that is now on a string stops to count; None when there is none."""
        return max((n.placed.ns + self._timeout_ns for bow in self._nocked if (n := self._at(bow, ns))), default=None)

    def _at(self, bow: str, ns: int) -> Nocking | None:
        nocking = self._nocked.get(bow)
        return nocking if nocking is not None and ns - nocking.placed.ns <= self._timeout_ns else None

    def _rival(self, bow: str, tag: str | None, ns: int) -> Nocking | None:
        for other in self._nocked:
            nocking = self._at(other, ns)
            if other != bow and tag is not None and nocking is not None and nocking.tag == tag:
                return nocking
        return None


def _stronger(one: Placed, other: Placed) -> bool:
    mine, its = one.sensed.rssi_dbm, other.sensed.rssi_dbm
    return mine is not None and its is not None and mine > its
