"""Earlier boots of a simulated link node, kept in memory that survives a reboot. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from drivers.link.codec import MAX_EARLIER, EarlierBoot

MAX_OWING = 4
"""Most boots with unacknowledged events that HELLO lists before the newest boots fill the rest."""


class BootHistory:
    """Earlier boots, oldest first: those with unacknowledged events, and the newest of the others."""

    def __init__(self) -> None:
        self.blind_us: int | None = None
        """Length of the pause before the current boot; None for the first boot."""
        self._boots: list[EarlierBoot] = []

    def ended(self, boot_id: int, last_seq: int, ran_us: int, pause_us: int, kept: Mapping[int, int]) -> None:
        """Add a boot that ended after ``ran_us`` of its own ticks; the next begins ``pause_us`` later.

        ``kept`` counts the unacknowledged events by boot.
        """
        moved_us = ran_us + pause_us
        boots = [replace(boot, before_us=(boot.before_us or 0) + moved_us) for boot in self._boots]
        previous = boots[-1].boot_id if boots else 0
        boots.append(EarlierBoot(boot_id, previous, last_seq, 0, moved_us, self.blind_us))
        self.blind_us = pause_us
        newest = {boot.boot_id for boot in boots[-MAX_EARLIER:]}
        self._boots = [boot for boot in boots if boot.boot_id in newest or kept.get(boot.boot_id)]

    def listed(self, kept: Mapping[int, int]) -> tuple[EarlierBoot, ...]:
        """Return the boots that HELLO lists, newest first.

        The previous boot is always listed. The oldest boots with unacknowledged events follow, because their events are
        sent first; the newest of the others fill the remaining places.
        """
        owing = [boot for boot in self._boots if kept.get(boot.boot_id)]
        by_need = [*self._boots[-1:], *owing[:MAX_OWING], *reversed(self._boots)]
        listed = list(dict.fromkeys(boot.boot_id for boot in by_need))[:MAX_EARLIER]
        return tuple(
            replace(boot, kept=min(kept.get(boot.boot_id, 0), 0xFFFF))
            for boot in reversed(self._boots)
            if boot.boot_id in listed
        )
