"""The target's settings that the hub reads and sets, with their ranges. Pure.

Keys and defaults are those of the target's firmware and of its Interface Control Document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from drivers.freetarget.codec import Value

Number = int | float

TARGET_TYPE: Final = "TARGET_TYPE"
RAW_TARGET_TYPES: Final = (0, 1)
"""Values of TARGET_TYPE with which positions are those of the impact. The others move it to the nearest of several bulls."""
USUAL_RING_MS: Final = 500
"""MIN_RING_TIME of every firmware unless it is changed, and the longest that the hub sets."""
LONGEST_PAUSE_S: Final = 3_600.0
"""Longest pause that is believed of a setting: a longer one is a mistake, or a digit that the line added."""
TOLERANCE: Final = 0.006
"""Difference of a number that the target rounds to two digits."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Range of one setting."""

    least: Number
    most: Number
    is_whole: bool = True


SETTINGS: Final[Mapping[str, Setting]] = {
    "SENSOR": Setting(50.0, 2_000.0, is_whole=False),  # mm, diameter of the circle of the sensors
    "Z_OFFSET": Setting(0, 200),  # mm from the plane of the sensors to the face
    "ANGLE": Setting(-360, 360),  # degrees from the top to the first sensor
    "X_OFFSET": Setting(-500.0, 500.0, is_whole=False),  # mm, added to x
    "Y_OFFSET": Setting(-500.0, 500.0, is_whole=False),  # mm, added to y
    "VREF_LO": Setting(0.2, 3.2, is_whole=False),  # V, threshold of the sensors
    "VREF_HI": Setting(0.2, 3.2, is_whole=False),  # V
    "MIN_RING_TIME": Setting(50, USUAL_RING_MS),  # ms after an impact in which the target senses nothing
    "FOLLOW_THROUGH": Setting(0, 0),  # s by which firmware 4 reports an impact late; the hub does without
    "FACE_STRIKE": Setting(0, 1_000),  # knocks on the face that make an impact a miss
    "SEND_MISS": Setting(0, 1),
    "KEEP_ALIVE": Setting(0, 3_600),  # s
    "LED_BRIGHT": Setting(0, 100),  # percent
    "POWER_SAVE": Setting(0, 1_440),  # min until the target goes to sleep; 0 is never
    TARGET_TYPE: Setting(*RAW_TARGET_TYPES),
}
"""Settings that ``configure`` accepts. A firmware shows some of them; the hub sets only those that it can read back."""


def shown_settings(values: Mapping[str, Value]) -> dict[str, Number]:
    """The known settings among those that the target prints, in the order of :data:`SETTINGS`.

    One that may have a fraction is a float although the target prints it without: its type says what can be set.
    """
    return {
        key: value if setting.is_whole else float(value)
        for key, setting in SETTINGS.items()
        if not isinstance(value := values.get(key, ""), str)
    }


def wanted_settings(arguments: Mapping[str, Value | bool], shown: Mapping[str, Number]) -> dict[str, Number] | str:
    """The numbers to set, by the target's keys; or an error message. Keys are accepted in any case."""
    wanted: dict[str, Number] = {}
    for name, value in arguments.items():
        key = name.upper()
        setting = SETTINGS.get(key)
        if setting is None or key not in shown:
            known = ", ".join(key for key in SETTINGS if key in shown)
            return f"{name} is no setting of this target; its settings are {known}"
        number = _number(value, setting)
        if number is None:
            form = "a whole number" if setting.is_whole else "a number"
            return f"{key} must be {form} from {setting.least:g} to {setting.most:g}, not {value!r}"
        wanted[key] = number
    return wanted or "no setting is given; write a setting and its value"


def differing(wanted: Mapping[str, Number], shown: Mapping[str, Number]) -> list[str]:
    """The keys that the target shows with another value than wanted."""
    return [key for key, value in wanted.items() if key not in shown or abs(shown[key] - value) > TOLERANCE]


def remapping_type(shown: Mapping[str, Number]) -> Number | None:
    """The target type if it moves positions to another place; None if it does not, or is not shown."""
    target_type = shown.get(TARGET_TYPE, 0)
    return None if target_type in RAW_TARGET_TYPES else target_type


def report_delay_s(shown: Mapping[str, Number]) -> float:
    """Pause between an impact and its report, beyond the latency of every target; at most :data:`LONGEST_PAUSE_S`."""
    return _pause_s(float(shown.get("FOLLOW_THROUGH", 0)))


def deaf_s(shown: Mapping[str, Number]) -> float:
    """Time after an impact in which the target senses nothing, or may report nothing; each at most :data:`LONGEST_PAUSE_S`."""
    return _pause_s(shown.get("MIN_RING_TIME", USUAL_RING_MS) / 1000) + report_delay_s(shown)


def excessive_settings(shown: Mapping[str, Number]) -> list[str]:
    """The settings by which the target is deaf for longer than its driver states, or reports late."""
    return [key for key in ("MIN_RING_TIME", "FOLLOW_THROUGH") if shown.get(key, 0) > SETTINGS[key].most]


def _pause_s(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_PAUSE_S)


def _number(value: Value | bool, setting: Setting) -> Number | None:
    if isinstance(value, bool | str) or not setting.least <= value <= setting.most:
        return None
    if setting.is_whole:
        return int(value) if value == int(value) else None
    return float(value)
