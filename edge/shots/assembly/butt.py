"""Which arrows are in the butt, as far as their tags tell. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from edge.shots.assembly.model import ReadingKey, TimedReading


@dataclass(slots=True)
class TagPresence:
    """One arrow's time in the butt. Instants on the axis."""

    device_id: str
    tag: str
    since: float
    landing: ReadingKey | None
    """The landing that it began with; None when the tag was only seen there."""
    until: float | None = None
    bounced: bool = False
    """The tag was gone alone and right after it landed: the arrow fell out."""


class Butt:
    """Follows the tags of a lane's targets in order of time."""

    def __init__(self, bounce_s: float, repeat_s: float) -> None:
        self._bounce_s = bounce_s
        self._repeat_s = repeat_s
        self._there: dict[tuple[str, str], TagPresence] = {}
        self.stays: list[TagPresence] = []

    def land(self, landing: TimedReading) -> None:
        """An arrow landed. One that is believed to be there already was pulled by somebody, unless this is a repeat."""
        if landing.tag is None:
            return
        before = self._there.get((landing.key.device_id, landing.tag))
        if before is not None:
            if before.landing is not None and landing.t - before.since <= self._repeat_s:
                return
            before.until = landing.t
        self._begin(landing.key.device_id, landing.tag, landing.t, landing.key)

    def look(self, seen: TimedReading) -> bool:
        """A target told all the tags in its butt; returns whether this shows that the lane's butts were emptied."""
        device, t, tags = seen.key.device_id, seen.t, set(seen.tags or ())
        gone = [stay for (where, tag), stay in self._there.items() if where == device and tag not in tags]
        for stay in gone:
            stay.until = t
            del self._there[device, stay.tag]
        if len(gone) == 1 and gone[0].landing is not None and t - gone[0].since <= self._bounce_s:
            gone[0].bounced = True
        for tag in sorted(tags):
            if (device, tag) not in self._there:
                self._begin(device, tag, t, None)
        return bool(gone) and not self._there and not any(stay.bounced for stay in gone)

    def empty(self, t: float) -> None:
        """The arrows were pulled."""
        for stay in self._there.values():
            stay.until = t
        self._there.clear()

    def _begin(self, device: str, tag: str, t: float, landing: ReadingKey | None) -> None:
        stay = TagPresence(device, tag, t, landing)
        self._there[device, tag] = stay
        self.stays.append(stay)
