"""What the devices' silence is worth: up to when each was heard, and when it was blind."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from edge.shots.context import Evidence, Session
from edge.shots.parameters import Parameters
from edge.shots.timeline import Timeline, to_ns

LONG_AGO = -(1 << 62)


class Hearing:
    """The evidence of one session on its time axis (nanoseconds)."""

    def __init__(self, session: Session, evidence: Evidence, timeline: Timeline, parameters: Parameters) -> None:
        self.now_ns = timeline.place(evidence.now)
        self._give_up_ns = to_ns(parameters.give_up_s)
        self._start_ns = timeline.place(session.start)
        self._heard: Mapping[str, int] = {
            device: timeline.place(instant) for device, instant in evidence.heard.items() if device in session.devices
        }
        self._gaps: dict[str, list[tuple[int, int]]] = {}
        for gap in session.gaps:
            self._gaps.setdefault(gap.device_id, []).append((timeline.place(gap.since), timeline.place(gap.until)))

    def told_all(self, devices: Collection[str], until_ns: int) -> bool:
        """Whether each of the devices has told everything up to this instant."""
        return all(self._heard.get(device, LONG_AGO) >= until_ns for device in devices)

    def was_blind(self, devices: Collection[str], since_ns: int, until_ns: int) -> bool:
        """Whether one of the devices was blind at some time between."""
        return any(
            since_ns <= gap_until and gap_since <= until_ns
            for device in devices
            for gap_since, gap_until in self._gaps.get(device, ())
        )

    def watched(self, device: str, since_ns: int, until_ns: int) -> bool:
        """Whether this device would have told of anything between."""
        return self.told_all((device,), until_ns) and not self.was_blind((device,), since_ns, until_ns)

    def may_still_tell(self, device: str, until_ns: int) -> bool:
        """Whether it is worth waiting for what this device has to say up to an instant.

        Not when it has said it, was silent for long before, or has been waited for long enough.
        """
        heard_ns = self._heard.get(device, self._start_ns)
        return heard_ns < until_ns <= heard_ns + self._give_up_ns and self.now_ns < until_ns + self._give_up_ns
