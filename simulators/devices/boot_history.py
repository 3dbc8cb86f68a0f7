"""What a simulated node remembers of its earlier boots, in memory that a reboot does not touch. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from drivers.link.codec import MAX_EARLIER, EarlierBoot

MAX_OWING = 4


class Past:
    """The earlier boots, oldest first: those of which events are kept, and the newest of the others."""

    def __init__(self) -> None:
        self.blind_us: int | None = None
        """How long the pause before the present boot was; None for the first."""
        self._boots: list[EarlierBoot] = []

    def ended(self, boot_id: int, last_seq: int, ran_us: int, pause_us: int, kept: Mapping[int, int]) -> None:
        """A boot is over after ``ran_us`` of its own ticks, and ``pause_us`` later the next begins.

        ``kept`` counts the events that wait, by boot.
        """
        moved_us = ran_us + pause_us
        boots = [replace(boot, before_us=(boot.before_us or 0) + moved_us) for boot in self._boots]
        previous = boots[-1].boot_id if boots else 0
        boots.append(EarlierBoot(boot_id, previous, last_seq, 0, moved_us, self.blind_us))
        self.blind_us = pause_us
        newest = {boot.boot_id for boot in boots[-MAX_EARLIER:]}
        self._boots = [boot for boot in boots if boot.boot_id in newest or kept.get(boot.boot_id)]

    def told(self, kept: Mapping[int, int]) -> tuple[EarlierBoot, ...]:
        """Return what HELLO lists, newest first.

        The boot before the present one is always told of. Then come the oldest of those of which events are kept, for they
        are sent first; what room is left the newest others take.
        """
        owing = [boot for boot in self._boots if kept.get(boot.boot_id)]
        by_need = [*self._boots[-1:], *owing[:MAX_OWING], *reversed(self._boots)]
        told = list(dict.fromkeys(boot.boot_id for boot in by_need))[:MAX_EARLIER]
        return tuple(
            replace(boot, kept=min(kept.get(boot.boot_id, 0), 0xFFFF))
            for boot in reversed(self._boots)
            if boot.boot_id in told
        )
