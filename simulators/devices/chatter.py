"""A sensor with a loose cable: it senses events that did not happen, at a steady rate. Pure.

Written ``DEVICE:RATE:SECONDS:AFTER``, such as ``target-1:5000:40:10``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

from simulators.world.draws import Draws
from simulators.world.range import Event, EventKind

MAX_RATE_HZ: Final = 5000.0
BURST_US: Final = 5_000
"""Time between two bursts of frames: the process must not wake for each event."""
_BUTT_MM: Final = 1280.0
_FORM: Final = "Write chatter=DEVICE:RATE:SECONDS:AFTER, like chatter=target-1:5000:40:10"
_KINDS: Final = (EventKind.LANDING, EventKind.RELEASE)
"""The event that chatters: the first one that the device senses."""

SensedT = TypeVar("SensedT")


@dataclass(frozen=True, slots=True)
class Chatter:
    """Chatter of one device."""

    device: str
    rate_hz: float
    seconds: float
    after_s: float
    """Seconds from the start of the simulated devices."""


def parse_chatter(text: str) -> Chatter:
    """Parse ``DEVICE:RATE:SECONDS:AFTER``. Raises ValueError with the correct form."""
    device, *numbers = (part.strip() for part in text.split(":"))
    try:
        rate_hz, seconds, after_s = map(float, numbers)
    except ValueError:
        raise ValueError(f"fault chatter has no valid value: {text!r}. {_FORM}.") from None
    if not (device and 0.0 < rate_hz <= MAX_RATE_HZ and 0.0 < seconds < 1e6 and 0.0 <= after_s < 1e6):
        raise ValueError(
            f"fault chatter is out of range: {text!r}. {_FORM}, with at most {MAX_RATE_HZ:.0f} events a second."
        )
    return Chatter(device, rate_hz, seconds, after_s)


class Noise(Generic[SensedT]):
    """The false events of one device from ``start_us`` on."""

    def __init__(
        self, chatter: Chatter, start_us: int, lane: int, draws: Draws, sense: Callable[[Event], SensedT | None]
    ) -> None:
        """Raises ValueError for a device that senses none of the kinds that chatter."""
        self._step_us = 1_000_000 / chatter.rate_hz
        self._since_us = start_us + round(chatter.after_s * 1e6)
        self._count = round(chatter.seconds * chatter.rate_hz)
        self._sensed = 0
        self._draws = draws
        self._sense = sense
        kinds = [kind for kind in _KINDS if sense(Event(0, lane, kind, None, 0.0, 0.0)) is not None]
        if not kinds:
            raise ValueError(f"{chatter.device} senses nothing that can chatter. Choose a bow or a target.")
        self._event = Event(0, lane, kinds[0])

    def take(self, until_us: int) -> list[tuple[int, SensedT]]:
        """The events up to ``until_us`` that were not taken yet, each with its instant."""
        taken: list[tuple[int, SensedT]] = []
        while (at_us := self._next_us()) is not None and at_us <= until_us:
            self._sensed += 1
            x_mm, y_mm = self._draws.uniform(0.0, _BUTT_MM), self._draws.uniform(0.0, _BUTT_MM)
            event = self._sense(replace(self._event, at_us=at_us, x_mm=x_mm, y_mm=y_mm))
            if event is not None:
                taken.append((at_us, event))
        return taken

    def next_due_us(self) -> int | None:
        """The instant of the next burst; None after the last event."""
        next_us = self._next_us()
        return None if next_us is None else next_us + BURST_US

    def _next_us(self) -> int | None:
        return None if self._sensed == self._count else self._since_us + round(self._sensed * self._step_us)
