"""What the walk through a session finds: readings with their place in time, releases, landings."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge.shots.sensed import Key, Sensed


@dataclass(frozen=True, slots=True)
class Placed:
    """A reading and its place on the session's time axis in nanoseconds."""

    ns: int
    sensed: Sensed

    @property
    def order(self) -> tuple[int, str, str, int]:
        """Sorts readings the same whatever the order of their arrival; a stream keeps its own order."""
        key = self.sensed.key
        return (self.ns, key.device_id, str(key.stream_id), key.seq)


@dataclass(slots=True)
class Nocking:
    """An arrow on the string."""

    placed: Placed
    tag: str | None
    wrong_tag: bool = False
    """The tag is that of an arrow in the butt, so it was misread."""
    cross_read: bool = False
    """The tag sits on another bow with a stronger signal."""


@dataclass(slots=True)
class Release:
    """An arrow that left the string. What the walk learns later is noted on it."""

    placed: Placed
    tag: str | None
    """As read at the bow."""
    nocking: Nocking | None
    end: int
    """Which stretch between two cuts it lies in: 0, 1, 2 ..."""
    ours: bool = True
    """Within the session; what lies outside only takes its landing away from the others."""
    let_down: bool = False
    passed_through: bool = False
    """Its tag turned up at the butt without a landing."""

    @property
    def trusted_tag(self) -> str | None:
        """The tag unless there is reason to think that it was misread."""
        if self.nocking is not None and (self.nocking.wrong_tag or self.nocking.cross_read):
            return None
        return self.tag

    @property
    def key(self) -> Key:
        """The reading."""
        return self.placed.sensed.key


@dataclass(slots=True)
class Landing:
    """An impact, once, with the tag that was new in the butt."""

    placed: Placed
    tag: str | None
    end: int
    bounced: bool = False
    touched: bool = False
    """Within reach of an arrow that was in the butt."""
    repeats: list[Key] = field(default_factory=list)
    """Readings that tell of it again."""

    @property
    def key(self) -> Key:
        """The reading."""
        return self.placed.sensed.key

    @property
    def target(self) -> str:
        """The device that sensed it."""
        return self.placed.sensed.key.device_id
