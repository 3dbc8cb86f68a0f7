"""Texts that the firmwares print, each with its own departures from JSON. The simulated device uses them.

Layouts of the Interface Control Document (v3), and as firmware 4.3.2 and 6.3.2 print them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from drivers.freetarget.codec.messages import Shot, Value


class Dialect(StrEnum):
    """Generation of the firmware, by the number of its version."""

    V3 = "v3"
    V4 = "v4"
    V6 = "v6"


def print_shot(
    dialect: Dialect, shot: Shot, *, time: int, version: str, real_mm: tuple[float, float] | None = None
) -> str:
    """The object of an impact.

    ``time`` is in the dialect's own unit, which no reader can use. ``real_mm`` is the place of the impact where the target
    moved it to the nearest of several bulls; firmware 6 does not print it.
    """
    x, y = f"{shot.x_mm:.2f}", f"{shot.y_mm:.2f}"
    radius_mm = math.hypot(shot.x_mm, shot.y_mm)
    angle_deg = math.degrees(math.atan2(shot.y_mm, shot.x_mm))
    if dialect is Dialect.V6:
        return f'{{"shot":{shot.number}, "session_type":1, "time":{time}, "time_to_go":100000, "x":{x}, "y":{y}}}'
    if dialect is Dialect.V3:
        return (
            f'{{"shot":{shot.number}, "miss":0, "name":"TARGET", "time":{time}, "x":{x}, "y":{y},  "r":{radius_mm:.2f},'
            f' "a":{angle_deg:.2f}, "N":0, "E":0, "S":0, "W":0, "V_REF":1.87, "T":20.50, "VERSION":"{version}" }}\r\n'
        )
    real = "" if real_mm is None else f', "real_x":{real_mm[0]:.2f} , "real_y":{real_mm[1]:.2f} '
    return (
        f'\r\n{{"shot":{shot.number}, "miss":0, "name":"TARGET", "time":{time / 100:.2f} ,"x":{x}, "y":{y} {real}'
        f', "r":{radius_mm:.2f}, , "a":{angle_deg:.2f}, , "N":0, "E":0, "S":0, "W":0 , "V_REF":1.87, , "T":20.50, '
        f', "VERSION":"{version}" }}\r\n'
    )


def print_version(dialect: Dialect, version: str) -> str:
    """The answer to VERSION; firmware 3 and 4 also print it when they start."""
    return f'\r\n{{"VERSION": "{version}"}}\r\n' if dialect is Dialect.V6 else f'\r\nfreETarget "{version}"\r\n'


COLUMN: Final = 50
"""Width of the left one of the two columns in which firmware 6 prints its settings; a longer text is cut off."""
LINES_TOGETHER: Final = 4


class Columns:
    """The two columns: every other text waits for the next one, whatever it is."""

    def __init__(self) -> None:
        self.are_open = False
        self._left: str | None = None
        self._lines = 0

    def put(self, text: str) -> str:
        """The text that is printed at once."""
        left, self._left = self._left, None
        if not self.are_open:
            return text if left is None else f"{left}\r\n{text}"
        if left is None:
            self._left = text[:COLUMN].ljust(COLUMN)
            return ""
        self._lines += 1
        return f"{left}{text}\r\n" + ("" if self._lines % LINES_TOGETHER else "\r\n")


def print_settings(dialect: Dialect, name: str, version: str, values: Mapping[str, int | float]) -> str:
    """The answer to ECHO. ``values`` are those that the firmware shows."""
    head, rows, tail = settings_rows(dialect, name, version, values)
    if dialect is not Dialect.V6:
        return "\r\n".join([*head, *rows, *tail, ""])
    columns = Columns()
    columns.are_open = True
    return head[0] + "".join(map(columns.put, rows)) + status_of(columns, tail)


def settings_rows(
    dialect: Dialect, name: str, version: str, values: Mapping[str, int | float]
) -> tuple[list[str], list[str], list[str]]:
    """The parts of the answer to ECHO: what precedes the settings, the settings, and what follows them."""
    is_v6 = dialect is Dialect.V6
    rows = [f'"{key}":{_padding(key, is_v6)} {_number(value, is_v6)}, ' for key, value in values.items()]
    status: dict[str, Value] = {"TRACE": 0, "RUNNING_MINUTES": 12.34, "TEMPERATURE": 20.5, "TIMER_COUNT": 5000}
    tail = [f'"{key}": {value}, ' for key, value in status.items()]
    tail += [f'"VERSION": "{version}", ', '"PS_VERSION": 22, ', '"BD_REV": 6.0.1' if is_v6 else '"BD_REV": 5.00 ', "}"]
    if is_v6:
        return [f'\r\n{{\r\n"NAME":              "{name}",\r\n'], rows, tail
    return ["", "{", f'"NAME":"{name}", '], [*rows, ""], tail


def status_of(columns: Columns, tail: Sequence[str]) -> str:
    """The text that firmware 6 prints after its settings, in one go."""
    columns.are_open = False
    text = columns.put("\r\n*** STATUS ***\r\n")
    columns.are_open = True
    text += "".join(map(columns.put, tail[:-1]))
    columns.are_open = False
    return text + columns.put(tail[-1] + "\r\n")


def _padding(key: str, is_v6: bool) -> str:
    return " " * max(16 - len(key), 0) if is_v6 else ""


def _number(value: float, is_v6: bool) -> str:
    if isinstance(value, int):
        return str(value)
    return f"{value:6.2f}" if is_v6 else f"{value:.6f}"
