"""A host of a simulated reader: sends commands, and takes the answers when they are due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from drivers.r200 import codec as r200
from simulators.devices.arrow_r200 import SIMULATOR, Scanner, Variant
from simulators.devices.clock import AS_DRAWN
from simulators.devices.contract import DeviceSpec
from simulators.world.range import FIXED_START_US, World

WORLD = World(7, FIXED_START_US, 1.0)
LONG_US = 3_000_000


def scanner(variant: Variant = Variant.DESK, world: World = WORLD, now_us: int = FIXED_START_US) -> Scanner:
    """A scanner on lane 1 with an empty pad."""
    made = SIMULATOR.make(DeviceSpec("arrow-1", "arrow.r200", 1, variant), world, now_us, AS_DRAWN)
    assert isinstance(made, Scanner)
    made.place([], [], now_us)
    return made


@dataclass
class Host:
    """The host's end of the line, and its time."""

    device: Scanner
    dialect: r200.Dialect = r200.Dialect.M100
    now_us: int = FIXED_START_US
    frames: list[tuple[int, bytes]] = field(default_factory=list)
    """Instant and bytes of every frame that arrived."""

    def wait(self, until_us: int) -> None:
        """Take the frames that are due until then, each when it is."""
        while (due_us := self.device.next_due_us()) <= until_us:
            self.now_us = max(due_us, self.now_us)
            self.frames += [(self.now_us, frame) for frame in self.device.poll(self.now_us)]
        self.now_us = until_us

    def send(self, data: bytes) -> None:
        """Send bytes now."""
        self.frames += [(self.now_us, frame) for frame in self.device.receive(data, self.now_us)]

    def exchange(self, data: bytes, for_us: int = LONG_US) -> list[bytes]:
        """Send bytes, and return the frames that come in this time."""
        self.send(data)
        self.wait(self.now_us + for_us)
        taken, self.frames = [frame for _, frame in self.frames], []
        return taken

    def ask(self, *commands: r200.HostCommand, for_us: int = LONG_US) -> list[r200.Answer]:
        """Send commands at once, and return the answers that come in this time."""
        sent = b"".join(r200.encode_command(command, self.dialect) for command in commands)
        return decoded(self.exchange(sent, for_us), self.dialect)

    def answer(self, command: r200.HostCommand) -> r200.Answer:
        """The only answer to a command."""
        (answer,) = self.ask(command)
        return answer


def decoded(frames: Sequence[bytes], dialect: r200.Dialect = r200.Dialect.M100) -> list[r200.Answer]:
    """The answers in frames, all of them intact."""
    found = r200.Decoder(dialect).feed(b"".join(frames))
    answers = [r200.answer_of(frame) for frame in found]
    assert None not in answers
    return [answer for answer in answers if answer is not None]
