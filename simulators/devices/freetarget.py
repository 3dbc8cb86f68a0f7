"""Simulated freETarget for ``target.freetarget``: an acoustic target with the manners of firmware 3, 4 or 6.

Its sensor frame has its origin at the centre of the face. It echoes what it receives, reports an impact once its last
sensor has heard it, senses nothing while the impact rings, and says nothing of an arrow that misses the butt. Firmware 6 prints
its settings for seconds, with the impacts of that time among them, and discards what it receives while it handles a command.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from drivers.contract import DeviceKind
from drivers.freetarget.codec import (
    Columns,
    Dialect,
    Shot,
    Value,
    fields_of,
    print_settings,
    print_shot,
    print_version,
    settings_rows,
    split_objects,
    status_of,
)
from simulators.devices.clock import ClockOptions
from simulators.devices.contract import DeviceSpec, SimulatedDevice, Simulator
from simulators.devices.hurting_texts import HURTING_TEXTS
from simulators.devices.lane_device import LaneDevice, birth_us
from simulators.world.draws import Draws
from simulators.world.range import Event, EventKind, World

_MS: Final = 1_000
LATENCY_US: Final = (2 * _MS, 60 * _MS)
"""Bounds of the time from an impact to its object."""
KEEP_ALIVE_US: Final = 120_000 * _MS
PRINTING_US: Final = 5_000 * _MS
"""Time for which firmware 6 prints its settings: it rests after each."""
END_OF_SETTINGS: Final = "end of settings"
FLUSH_US: Final = 10 * _MS
"""Time after a command until firmware 6 discards what it has received meanwhile."""
MAX_INPUT: Final = 256
"""Bytes of a command that the target keeps."""
COUNTED: Final = 100
"""Impacts that firmware 6 counts before it starts again with 1."""
KNOCK_EVERY: Final = 7
"""Firmware 3 and 4 take every seventh impact for two, and announce the second as a miss."""
LOG_EVERY: Final = 3
MISREAD_EVERY: Final = 11
"""Every eleventh command is misread and refused."""
BULLS_MM: Final = ((-37.0, 37.0), (37.0, 37.0), (0.0, 0.0), (-37.0, -37.0), (37.0, -37.0))
"""Bulls of a face of TARGET_TYPE 4, from its centre."""

_VERSIONS: Final = {
    Dialect.V3: "3.05.6 November 28, 2021 simulator",
    Dialect.V4: "4.3.2 September 24, 2024 simulator",
    Dialect.V6: "6.3.2 March 22, 2026 simulator",
}
_COMMON: Final[dict[str, int | float]] = {
    "SENSOR": 232.0, "Z_OFFSET": 13, "LED_BRIGHT": 50, "MIN_RING_TIME": 500, "POWER_SAVE": 0, "SEND_MISS": 0,
    "FOLLOW_THROUGH": 0, "KEEP_ALIVE": 120, "SN": 4711,
}  # fmt: skip
_HIDDEN_BY_V6: Final[dict[str, int | float]] = {"ANGLE": 45, "FACE_STRIKE": 0, "TARGET_TYPE": 0}
_ONLY_V6: Final[dict[str, int | float]] = {"X_OFFSET": 0.0, "Y_OFFSET": 0.0, "VREF_LO": 1.25, "VREF_HI": 2.0}


@dataclass(frozen=True, slots=True)
class Impact:
    """An impact in millimetres from the centre of the face."""

    x_mm: float
    y_mm: float


class FreeTargetNode:
    """State machine of one target: impacts, bytes and time in, objects and lines out."""

    def __init__(self, dialect: Dialect, draws: Draws, now_us: int, printing_us: int = PRINTING_US) -> None:
        """``printing_us`` is the time for which firmware 6 prints its settings."""
        self.lost_in_dead_time = 0
        """Impacts that the target did not sense because an earlier one still rang."""
        self.settings = _COMMON | _HIDDEN_BY_V6 | (_ONLY_V6 if dialect is Dialect.V6 else {})
        self._dialect = dialect
        self._version = _VERSIONS[dialect]
        self._draws = draws
        self._due: list[tuple[int, int, str]] = []
        """Instant, order and text of what is printed later."""
        self._columns = Columns()
        self._status: Sequence[str] = ()
        """The rows that follow the settings which are being printed."""
        self._order = 0
        self._printing_us = printing_us if dialect is Dialect.V6 else 0
        self._handles_until_us = now_us
        """Instant until which firmware 6 discards what it receives."""
        self._pauses_until_us = now_us
        """Instant until which firmware 3 and 4 wait before they report an impact, and handle nothing."""
        self._held = b""
        """Bytes that were received in that time."""
        self._input = b""
        self._commands = 0
        self._lock = 0
        self._sleeps = False
        self._keep_alives = 0
        self._keep_alive_us = now_us + KEEP_ALIVE_US
        self._up_us = self._armed_us = self._booted_us = self._rings_until_us = now_us
        self._count = 0
        self._greeted = False

    @property
    def has_pending(self) -> bool:
        """Whether an impact, or a part of the settings, is not reported yet."""
        return bool(self._due)

    def sense(self, event: Impact, at_us: int) -> None:
        """Report an impact later, unless the target restarts, sleeps or still rings."""
        if at_us < self._up_us or self._sleeps:
            return
        if at_us < self._rings_until_us:
            self.lost_in_dead_time += 1
            return
        self._rings_until_us = at_us + int(self.settings["MIN_RING_TIME"]) * _MS
        due_us = at_us + round(self._draws.uniform(*LATENCY_US))
        pause_us = 0 if self._dialect is Dialect.V6 else int(self.settings["FOLLOW_THROUGH"]) * 1_000 * _MS
        if pause_us:
            self._pauses_until_us = due_us = max(due_us, self._pauses_until_us) + pause_us
        self._print(due_us, self._report(event, at_us))
        self._armed_us = at_us

    def poll(self, now_us: int) -> list[bytes]:
        """Return the frames that are due."""
        if now_us < self._up_us:
            return []
        frames: list[bytes] = []
        if not self._greeted:
            self._greeted = True
            frames.append(self._greeting())
        while self._due and self._due[0][0] <= now_us:
            frames.append(self._printed(heapq.heappop(self._due)[2]))
        if self._held and now_us >= self._pauses_until_us:
            held, self._held = self._held, b""
            frames += self.receive(held, now_us)
        if now_us >= self._keep_alive_us:
            self._keep_alive_us += KEEP_ALIVE_US * ((now_us - self._keep_alive_us) // KEEP_ALIVE_US + 1)
            self._keep_alives += 1
            frames.append(self._printed(self._notice(f'"KEEP_ALIVE":{self._keep_alives}').decode()))
        return [frame for frame in frames if frame]

    def receive(self, data: bytes, now_us: int) -> list[bytes]:
        """Echo the bytes and answer the commands that they complete."""
        if now_us < max(self._up_us, self._handles_until_us):
            return []
        if now_us < self._pauses_until_us:
            self._held = (self._held + data)[-MAX_INPUT:]
            return []
        frames = [data]
        if self._sleeps:
            self._sleeps = False
            frames.append(self._notice('"HELLO WORLD"0'))
        commands, rest = split_objects(self._input + data)
        self._input = rest[-MAX_INPUT:]
        for command in commands:
            frames.extend(self._answers(command[command.rfind(b"{") + 1 : -1].decode("latin-1"), now_us))
            if self._dialect is Dialect.V6:
                self._handles_until_us = max(self._handles_until_us, now_us) + FLUSH_US
                self._input = b""
                break  # the rest is discarded
        return frames

    def reboot(self, now_us: int, blind_us: int) -> None:
        """Start again ``blind_us`` later. The settings stay, the count of impacts does not."""
        self._due.clear()
        self._columns, self._status = Columns(), ()
        self._input = self._held = b""
        self._pauses_until_us = now_us
        self._up_us = self._armed_us = self._booted_us = self._rings_until_us = self._handles_until_us = (
            now_us + blind_us
        )
        self._count = 0
        self._greeted = self._sleeps = False

    def next_due_us(self) -> int:
        """Return the instant of the next frame."""
        if not self._greeted:
            return self._up_us
        held_us = self._pauses_until_us if self._held else self._keep_alive_us
        return min(self._due[0][0] if self._due else held_us, held_us, self._keep_alive_us)

    def hurting_texts(self, number: int) -> list[bytes]:
        """Return a line of the log and a notice with texts that hurt."""
        text = HURTING_TEXTS[number % len(HURTING_TEXTS)].encode("utf-8", "surrogateescape")
        return [b"\r\nI (1) " + text + b"\r\n", b'{"KEEP_ALIVE":0, "NAME":"' + text + b'"}']

    def _print(self, due_us: int, text: str) -> None:
        self._order += 1
        heapq.heappush(self._due, (due_us, self._order, text))

    def _printed(self, text: str) -> bytes:
        """The bytes of a text that is printed now, in the columns of settings that are being printed."""
        if text == END_OF_SETTINGS:
            return status_of(self._columns, self._status).encode()
        return self._columns.put(text).encode()

    def _greeting(self) -> bytes:
        if self._dialect is Dialect.V6:
            return b"ESP-ROM:esp32s3-20210327\r\nrst:0x1 (POWERON),boot:0x8 (SPI_FAST_FLASH_BOOT)\r\n"
        return print_version(self._dialect, self._version).encode()

    def _notice(self, key: str) -> bytes:
        return f'{{{key}, "NAME":"FET-TARGET"}}'.encode()

    def _next_number(self) -> int:
        self._count += 1
        return (self._count - 1) % COUNTED + 1 if self._dialect is Dialect.V6 else self._count

    def _report(self, impact: Impact, at_us: int) -> str:
        """The text of an impact, in one piece with what the firmware prints before and after it."""
        shot = Shot(
            self._next_number(), impact.x_mm, impact.y_mm, is_remapped=self.settings["TARGET_TYPE"] not in (0, 1)
        )
        real = None
        if shot.is_remapped:
            real = (impact.x_mm, impact.y_mm)
            x_mm, y_mm = min(BULLS_MM, key=lambda bull: math.dist(bull, (impact.x_mm, impact.y_mm)))
            shot = replace(shot, x_mm=impact.x_mm - x_mm, y_mm=impact.y_mm - y_mm)
        is_v6 = self._dialect is Dialect.V6
        text = print_shot(
            self._dialect,
            shot,
            time=(at_us - self._armed_us) // _MS if is_v6 else (at_us - self._booted_us) // (100 * _MS) % 30_000,
            version=self._version,
            real_mm=real,
        )
        if self._count % LOG_EVERY == 0:
            text = f"\x1b[0;32mI ({at_us // _MS % 100_000}) freETarget: state: REDUCE\x1b[0m\r\n{text}"
        if not is_v6 and self._count % KNOCK_EVERY == 0:
            text += f'\r\n("shot":{self._next_number()}, "miss":1, "name":"TARGET", "time":149, "x":0}}'
        return text

    def _answers(self, command: str, now_us: int) -> list[bytes]:
        self._commands += 1
        text = "".join(command.split())
        fields = fields_of(text)
        if self._commands % MISREAD_EVERY == 0 or not any(key in self._keys() for key in fields):
            misread = text.replace("E", "F", 1) if self._commands % MISREAD_EVERY == 0 else text
            usage = (
                "" if self._dialect is Dialect.V6 else ". Use\r\n" + "\r\n".join(f'"{key}":' for key in self.settings)
            )
            return [f"\r\n\r\nCannot decode: {{{misread}}}{usage}\r\n".encode()]
        return [frame for key, value in fields.items() for frame in self._execute(key, value, text, now_us)]

    def _keys(self) -> set[str]:
        return {"VERSION", "ECHO", "BYE", "SESSION", "LOCK", "UNLOCK", *self.settings} - {"SN"}

    def _execute(self, key: str, value: Value, text: str, now_us: int) -> list[bytes]:
        match key:
            case "VERSION":
                return [print_version(self._dialect, self._version).encode()]
            case "ECHO":
                hidden = _HIDDEN_BY_V6 if self._dialect is Dialect.V6 else {}
                shown = {name: number for name, number in self.settings.items() if name not in hidden}
                return self._print_settings(shown, now_us)
            case "BYE":
                self._sleeps = True
                return [self._notice('"BYE":0')]
            case "SESSION":
                self._count = 0
                return [b"\r\nSession data cleared\r\n"]
            case "LOCK" | "UNLOCK" if isinstance(value, int):
                self._lock = value if key == "LOCK" else 0
            case _ if self._lock and key != "TARGET_TYPE":
                return [f"\r\nInvalid input or locked: {{{text}}}\r\n".encode()]
            case _ if key in self.settings and not isinstance(value, str):
                self.settings[key] = type(self.settings[key])(value)
        return []

    def _print_settings(self, shown: Mapping[str, int | float], now_us: int) -> list[bytes]:
        """Print the settings now, or one by one for the time that firmware 6 takes."""
        printed = (self._dialect, "FET-TARGET", self._version, shown)
        if not self._printing_us:
            return [print_settings(*printed).encode()]
        [head], rows, self._status = settings_rows(*printed)
        self._columns.are_open = True
        self._handles_until_us = now_us + self._printing_us
        for number, row in enumerate(rows):
            self._print(now_us + self._printing_us * number // len(rows), row)
        self._print(self._handles_until_us, END_OF_SETTINGS)
        return [head.encode()]


class FreeTargetDevice(LaneDevice[Impact]):
    """A freETarget on its lane."""

    node: FreeTargetNode

    def may_reboot(self, now_us: int, blind_us: int) -> bool:
        """Whether a reboot now loses no impact: none in the blind time, and none that is not reported yet."""
        return not self.node.has_pending and super().may_reboot(now_us, blind_us)

    def hurting_texts(self, number: int, now_us: int) -> list[bytes]:
        """Return frames with texts that hurt, chosen by ``number``."""
        del now_us
        return self.node.hurting_texts(number)


def sense(centre_mm: tuple[float, float], event: Event) -> Impact | None:
    """Return the impact of a landing, from the centre of the face; None for other events."""
    if event.kind is not EventKind.LANDING or event.x_mm is None or event.y_mm is None:
        return None
    return Impact(round(event.x_mm - centre_mm[0], 2), round(event.y_mm - centre_mm[1], 2))


def make(spec: DeviceSpec, world: World, now_us: int, clock: ClockOptions) -> SimulatedDevice:
    """Return the target of ``spec``. It has no clock of use, so ``clock`` has no effect."""
    del clock
    born_us = birth_us(world, now_us)
    face = world.lane(spec.lane).face
    node = FreeTargetNode(
        Dialect(spec.variant or Dialect.V6),
        Draws(world.seed, spec.name, "latency"),
        born_us,
        round(PRINTING_US / world.speed),
    )
    return FreeTargetDevice(spec, world, node, partial(sense, (face.x_mm, face.y_mm)), born_us)


SIMULATOR = Simulator(
    "target.freetarget",
    DeviceKind.TARGET,
    split_objects,
    make,
    variants=(Dialect.V6, Dialect.V4, Dialect.V3),
    reads_tags=False,
)
