"""A session with a target that answers as each test says."""

from __future__ import annotations

from uuid import uuid4

from drivers.clock.instant import ClockPair
from drivers.contract import Pulse, Reading, Report, StreamStart
from drivers.freetarget.codec import Decoder, Dialect, Shot, print_settings, print_shot, print_version
from drivers.freetarget.session import ASK_SETTINGS, ASK_VERSION, FreeTargetSession

MS = 1_000_000
S = 1_000 * MS
START = 1_000 * S
PAIR = ClockPair(mono_ns=START, utc_ns=1_700_000_000 * S)
VERSION = "4.3.2 September 24, 2024"
SETTINGS: dict[str, int | float] = {"SENSOR": 232.0, "MIN_RING_TIME": 500, "TARGET_TYPE": 0}


class LiveSession:
    """A session and its present instant. Everything that the session sends is in ``sent``."""

    def __init__(self, dialect: Dialect = Dialect.V4, *, echoes: bool = True) -> None:
        self.dialect = dialect
        self.echoes = echoes
        self.now_ns = START
        self.session = FreeTargetSession("target-1", uuid4(), START)
        self.decoder = Decoder()
        self.sent: list[bytes] = []

    def wait(self, seconds: float) -> None:
        """Let time pass, and send what becomes due."""
        end_ns = self.now_ns + round(seconds * S)
        while (due_ns := self.session.due_ns) <= end_ns:
            self.now_ns = max(self.now_ns, due_ns)
            command = self.session.transmission(self.now_ns)
            if command is not None:
                self.sent.append(command)
                if self.echoes:
                    self.receive(command)
        self.now_ns = end_ns

    def receive(self, data: bytes | str) -> None:
        """Receive bytes now."""
        data = data.encode("latin-1") if isinstance(data, str) else data
        for received in self.decoder.feed(data, self.now_ns):
            self.session.on_message(received, PAIR)

    def answer(self, version: str = VERSION) -> None:
        """The target answers VERSION."""
        self.receive(print_version(self.dialect, version))

    def shot(self, number: int, x_mm: float = 1.0, y_mm: float = 2.0) -> None:
        """The target reports an impact."""
        self.receive(print_shot(self.dialect, Shot(number, x_mm, y_mm), time=1, version=VERSION))

    def print_settings(self, **changes: float) -> None:
        """The target prints its settings."""
        shown = {**SETTINGS, **changes}
        if self.dialect is Dialect.V6:
            shown.pop("TARGET_TYPE")
        self.receive(print_settings(self.dialect, "FET-DOC", VERSION, shown))

    def go_live(self, **changes: float) -> Report:
        """The opening with settings that differ from the usual ones, and its stream start."""
        self.wait(0)
        self.answer()
        self.wait(0.2)
        self.print_settings(**changes)
        self.wait(0.4)
        self.answer()
        [start] = self.reports()
        assert self.sent[:2] == [ASK_VERSION, ASK_SETTINGS]
        assert self.sent[-1] == ASK_VERSION
        self.sent.clear()
        return start

    def ask(self) -> int:
        """Wait for the next request; its instant."""
        self.wait(max(self.session.due_ns - self.now_ns, 0) / S)
        assert self.sent[-1] == ASK_VERSION
        return self.now_ns

    def poll(self) -> None:
        """Wait for the next request, and answer it."""
        self.ask()
        self.wait(0.02)
        self.answer()

    def reports(self) -> list[Report]:
        """The reports since the last call."""
        return list(self.session.reports())

    def outline(self) -> list[str]:
        """The kinds of the reports since the last call."""
        names = {StreamStart: "start", Pulse: "pulse", Reading: "reading"}
        return [names[type(report)] for report in self.reports()]
