"""A scripted link node on the far end of a line."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from drivers.link.codec import (
    ANY_NODE,
    Config,
    ConfigRead,
    EarlierBoot,
    Frame,
    Heartbeat,
    Hello,
    HelloRequest,
    LinkDecoder,
    Message,
    NodeCapability,
    NodeKind,
    TimeRequest,
    TimeResponse,
    encode,
)
from tests.drivers.serial_lines import FarEnd

CAPABLE = NodeCapability.ACKNOWLEDGES | NodeCapability.STAMPS_TIME | NodeCapability.CONFIGURABLE


@dataclass
class ScriptedNode:
    """Answers like a node unless configured otherwise; keeps and re-sends nothing by itself."""

    far: FarEnd
    number: int = 3
    boot_id: int = 1000
    kind: int = NodeKind.BOW
    capabilities: NodeCapability = CAPABLE
    blind_us: int | None = None
    earlier: tuple[EarlierBoot, ...] = ()
    answers_hello: bool = True
    answers_time: bool = True
    config: Config | None = field(default_factory=lambda: Config(100, 50))
    """None: CONFIG is not answered."""
    zero_ns: int = field(default_factory=time.monotonic_ns)
    """Host's monotonic clock at tick 0."""
    last_seq: int = 0
    received: list[Frame] = field(default_factory=list)
    """Frames of the hub, without time requests."""
    _decoder: LinkDecoder = field(default_factory=LinkDecoder)

    def ticks(self, mono_ns: int | None = None) -> int:
        return ((time.monotonic_ns() if mono_ns is None else mono_ns) - self.zero_ns) // 1000

    def send(self, message: Message, *, seq: int = 0, boot_id: int | None = None, t_us: int | None = None) -> None:
        boot = self.boot_id if boot_id is None else boot_id
        ticks = self.ticks() if t_us is None else t_us
        self.far.send(encode(message, node=self.number, boot_id=boot, seq=seq, t_us=ticks))

    def hello(self) -> None:
        self.send(Hello(self.kind, self.capabilities, self.blind_us, "scripted", self.earlier), seq=self.last_seq)

    def beat(self, *, last_seq: int | None = None) -> None:
        self.send(Heartbeat(self.last_seq if last_seq is None else last_seq, 80, -60, 0))

    def reboot(self, boot_id: int, *, blind_us: int, keeps: int = 0) -> None:
        """Reboot at this instant, after a pause that began ``blind_us`` ago."""
        now_ns = time.monotonic_ns()
        before_us = self.ticks(now_ns)
        moved = [replace(boot, before_us=(boot.before_us or 0) + before_us) for boot in self.earlier]
        previous = self.earlier[0].boot_id if self.earlier else 0
        last = EarlierBoot(self.boot_id, previous, self.last_seq, keeps, before_us, self.blind_us)
        self.earlier, self.blind_us = (last, *moved), blind_us
        self.boot_id, self.last_seq, self.zero_ns = boot_id, 0, now_ns

    def react(self) -> None:
        """Read the hub's frames and answer."""
        for frame in self._decoder.feed(os.read(self.far.master, 65536)):
            if frame.node not in (self.number, ANY_NODE):
                continue
            match frame.message:
                case TimeRequest(t0):
                    if self.answers_time:
                        self.send(TimeResponse(t0, self.ticks()), seq=frame.seq)
                    continue
                case HelloRequest() if self.answers_hello:
                    self.hello()
                case ConfigRead() if self.config is not None:
                    self.send(self.config, seq=frame.seq)
                case Config() as wanted if self.config is not None:
                    self.config = Config(wanted.threshold, min(wanted.window_ms, 1000))
                    self.send(self.config, seq=frame.seq)
            self.received.append(frame)


@asynccontextmanager
async def alive(node: ScriptedNode) -> AsyncIterator[ScriptedNode]:
    """Make the node answer while the block runs."""
    loop = asyncio.get_running_loop()
    master = node.far.master
    loop.add_reader(master, node.react)
    try:
        yield node
    finally:
        loop.remove_reader(master)
