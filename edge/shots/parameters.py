"""The numbers of shot assembly, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

RULE_VERSION = 1
"""Of the rules by which shots are made and scored; stored with each shot."""


@dataclass(frozen=True, slots=True)
class FlightWindow:
    """How long an arrow may fly, in seconds, over one distance, when clocks are exact."""

    shortest_s: float
    longest_s: float
    nominal_s: float
    landing_s: float
    """A landing that has not happened this long after the release will not happen: the landing window."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """All of them; lengths in millimetres, times in seconds, speeds in metres a second."""

    fastest_mps: float = 120.0
    """Mean speed that no bow reaches."""
    slowest_mps: float = 30.0
    """A longbow over 70 m needs 1.8 s, which is 40 m/s; some room below."""
    nominal_mps: float = 60.0
    """Half way between bows: only decides between candidates that are alike otherwise."""
    clock_error_factor: float = 3.0
    clock_error_floor_s: float = 0.02
    clock_error_most_s: float = 0.25
    """Of a device whose clock is not known; a worse known one is no better than that."""
    detect_latency_s: float = 0.5
    """A target works on an impact for this long at most."""
    least_landing_window_s: float = 3.0
    unknown_distance_m: float = 90.0
    """Without a target the longest common distance bounds the flight."""
    engage_timeout_s: float = 300.0
    """A nocked arrow may wait this long; then the nocking is forgotten."""
    merge_engage_s: float = 1.0
    """The same tag at the same bow within this is one nocking read twice."""
    same_landing_s: float = 2.0
    same_landing_mm: float = 5.0
    """The same tag (or none) within both is one landing told twice."""
    bounce_s: float = 1.0
    """A tag that is gone this soon after its landing fell out; nobody walks to the butt so fast."""
    contact_mm: float = 10.0
    """Nearer to an arrow in the butt than this, the two may have touched."""
    dead_time_s: float = 0.2
    """Two impacts closer than this may be one to the target."""
    give_up_s: float = 10.0
    """After the landing window, how long the evidence is waited for; then the result is unknown."""
    late_accept_s: float = 86_400.0
    """What comes later than this after it happened changes no result by itself."""
    speed_error: float = 0.016
    """Largest share of the flight time that may be clock error: 5 ms of 0.31 s at 18 m."""
    outdoor_shaft_mm: float = 5.5
    indoor_shaft_mm: float = 9.3
    """Assumed diameters of arrows that do not tell theirs."""
    position_sigma_mm: float = 0.5
    line_call_sigmas: float = 2.0
    """Nearer to a line than this many sigmas a person should look; it leaves one wrong call of 47 undetected."""

    def flight(self, distance_m: float | None) -> FlightWindow:
        """The flight window over a distance."""
        longest_s = (distance_m or self.unknown_distance_m) / self.slowest_mps
        return FlightWindow(
            shortest_s=(distance_m or 0.0) / self.fastest_mps,
            longest_s=longest_s,
            nominal_s=(distance_m or self.unknown_distance_m) / self.nominal_mps,
            landing_s=max(self.least_landing_window_s, longest_s + self.clock_error_floor_s + self.detect_latency_s),
        )

    def clock_error_s(self, first_s: float | None, second_s: float | None) -> float:
        """How far the difference of two instants of these uncertainties may be wrong."""
        if first_s is None or second_s is None:
            return self.clock_error_most_s
        known_s = self.clock_error_factor * (first_s + second_s)
        return min(max(known_s, self.clock_error_floor_s), self.clock_error_most_s)

    def shaft_mm(self, *, is_indoor: bool) -> float:
        """Diameter assumed of an arrow that does not tell it."""
        return self.indoor_shaft_mm if is_indoor else self.outdoor_shaft_mm

    @property
    def line_call_mm(self) -> float:
        """Half width of the band around a line in which a person should look."""
        return self.line_call_sigmas * self.position_sigma_mm


DEFAULT = Parameters()
