"""A target sensor that is mounted askew: its positions are shifted, turned, out of scale and noisy. Pure.

All of it is drawn from the seed and the device's name, so that a range and its repetition are askew alike. The true positions of
the world stay as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Self

from simulators.world.draws import Draws
from simulators.world.range import Event, World

MAX_SHIFT_MM: Final = 30.0
MAX_ROTATION_DEG: Final = 3.0
MAX_SCALE_ERROR: Final = 0.003
NOISE_MM: Final = 0.3
"""Standard deviation of the noise on each axis."""


@dataclass(frozen=True, slots=True)
class Miscalibration:
    """The error of one target's positions. It turns and scales about the middle of the butt."""

    seed: int
    device: str
    shift_mm: tuple[float, float]
    rotation_rad: float
    """Positive for counter-clockwise as the archer sees it."""
    scale: float
    middle_mm: tuple[float, float]

    @classmethod
    def draw(cls, world: World, device: str, lane: int) -> Self:
        """Return the error of a device on a lane."""
        draws = Draws(world.seed, device, "miscalibration")
        reach, angle = MAX_SHIFT_MM * math.sqrt(draws.uniform()), draws.uniform(0.0, 2.0 * math.pi)
        butt = world.lane(lane)
        return cls(
            world.seed,
            device,
            (reach * math.cos(angle), reach * math.sin(angle)),
            math.radians(draws.uniform(-MAX_ROTATION_DEG, MAX_ROTATION_DEG)),
            1.0 + draws.uniform(-MAX_SCALE_ERROR, MAX_SCALE_ERROR),
            (butt.butt_width_mm / 2, butt.butt_height_mm / 2),
        )

    def place(self, x_mm: float, y_mm: float) -> tuple[float, float]:
        """Return where the sensor places a point of the butt, without noise; millimetres in the butt frame."""
        cos, sin = math.cos(self.rotation_rad), math.sin(self.rotation_rad)
        x, y = x_mm - self.middle_mm[0], y_mm - self.middle_mm[1]
        return (
            self.middle_mm[0] + self.scale * (cos * x - sin * y) + self.shift_mm[0],
            self.middle_mm[1] + self.scale * (sin * x + cos * y) + self.shift_mm[1],
        )

    def distort(self, event: Event) -> Event:
        """Return an event as the sensor places it, with noise drawn for its instant; one without a position unchanged."""
        if event.x_mm is None or event.y_mm is None:
            return event
        noise = Draws(self.seed, self.device, "position noise", event.at_us)
        x_mm, y_mm = self.place(event.x_mm, event.y_mm)
        return replace(event, x_mm=x_mm + noise.normal(NOISE_MM), y_mm=y_mm + noise.normal(NOISE_MM))
