"""The drivers ``bow.link`` and ``target.link``: the line and the deadlines of a node on the Arch-Stats link.

:class:`LinkDriver` is all that both share; they differ in the kind of node. The meaning of frames is in
:mod:`drivers.link.session`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import ClassVar, Final

from drivers.clock.host import clock_pair, host_boot_id
from drivers.contract import (
    Capability,
    ClockModel,
    Command,
    CommandResult,
    DeviceIdentity,
    DeviceKind,
    DriverInfo,
    Maturity,
    Reading,
    Report,
    ReportProgress,
    ignore_progress,
)
from drivers.errors import DeviceLost, DeviceUnavailable, DriverError, ProtocolError
from drivers.link.codec import (
    FRAME_END,
    VERSION,
    Frame,
    LinkDecoder,
    Log,
    NodeKind,
    split_frames,
)
from drivers.link.commands import COMMANDS, NodeCommands
from drivers.link.session import LinkSession
from drivers.transport.flight_recorder import FlightRecorder
from drivers.transport.serial import Chunk, SerialPort, open_port

HEARTBEAT_S: Final = 1.0
"""Interval between a node's heartbeats."""
MISSED_HEARTBEATS: Final = 3
"""Missing heartbeats after which a node is silent."""
SILENT_NS: Final = round(MISSED_HEARTBEATS * HEARTBEAT_S * 1e9)
MEET_S: Final = 3.0
"""Deadline for the node's HELLO after the port is open."""
LOGS_PER_MINUTE: Final = 30
"""Lines of the node's log that are logged per minute."""
ACKS_AT_ONCE: Final = 64
"""Acknowledgements in one write."""
MAX_ACKS: Final = 20_000
"""Acknowledgements that wait for room on the line; the node re-sends the events of further ones."""

CAPABILITIES: Final = frozenset({Capability.ACKNOWLEDGES, Capability.STAMPS_TIME, Capability.CONFIGURE})

_LEVELS: Final = (
    logging.CRITICAL,
    logging.CRITICAL,
    logging.CRITICAL,
    logging.ERROR,
    logging.WARNING,
    logging.INFO,
    logging.INFO,
    logging.DEBUG,
)
"""Logging levels of syslog's 0 to 7."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """Settings of a link driver."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    port: str = field(
        metadata={"min_length": 1, "description": "Serial port, or socket://HOST:PORT of a serial server."}
    )
    node: int | None = field(
        default=None,
        metadata={
            "ge": 0,
            "le": 0xFFFE,
            "description": "Number of the node to listen to; without it the first that answers.",
        },
    )
    baud: int = field(default=921_600, metadata={"ge": 1_200, "le": 4_000_000, "description": "Bits per second."})
    dtr: bool | None = field(default=None, metadata={"description": "Level of the DTR line; untouched without it."})
    rts: bool | None = field(default=None, metadata={"description": "Level of the RTS line; untouched without it."})


class LinkDriver:
    """One link node behind one port. Implements :class:`drivers.contract.Driver`."""

    info: ClassVar[DriverInfo]
    node_kind: ClassVar[NodeKind]

    def __init__(self, device_id: str, settings: LinkSettings, *, clocks: Sequence[ClockModel] = ()) -> None:
        self._device_id = device_id
        self._settings = settings
        self._clocks = clocks
        self._port: SerialPort | None = None
        self._session: LinkSession | None = None
        self._decoder = LinkDecoder()
        self._frame_began_ns = 0
        self._record = FlightRecorder(split_frames)
        self._commands = NodeCommands()
        self._acks: deque[bytes] = deque()
        self._acks_dropped = 0
        self._log_budget = LOGS_PER_MINUTE
        self._log_minute = 0
        self._log_dropped = 0
        self._last_counters: Mapping[str, int] = {}

    async def open(self) -> DeviceIdentity:
        """Open the port and wait for the node's HELLO, at most ``MEET_S``."""
        settings = self._settings
        port = await open_port(
            settings.port, device=self._device_id, baud=settings.baud, dtr=settings.dtr, rts=settings.rts
        )
        self._port = port
        port.on_flushed = self._send_acks
        now_ns = time.monotonic_ns()
        session = LinkSession(self._device_id, self.node_kind, settings.node, self._clocks, host_boot_id(), now_ns)
        self._session = session
        self._send(port, FRAME_END)  # ends the noise that the node received while the port was opened
        deadline_ns = now_ns + round(MEET_S * 1e9)
        while session.boot is None:
            if await self._turn(port, session, deadline_ns) >= deadline_ns and session.boot is None:
                raise self._no_hello(session)
        return DeviceIdentity(
            device_id=self._device_id,
            kind=self.info.kind,
            stream_id=session.boot.stream_id,
            source=session.source,
            firmware=session.boot.hello.firmware or None,
            serial=f"node {session.node}",
        )

    async def readings(self) -> AsyncIterator[Report]:
        """The node's reports. Raises DeviceLost when the line fails or three heartbeats are missing."""
        port, session = self._opened()
        while True:
            for report in session.reports():
                yield report
            read_until_ns = await self._turn(port, session, session.last_frame_ns + SILENT_NS)
            if read_until_ns >= session.last_frame_ns + SILENT_NS:
                raise DeviceLost(
                    f"silent: no frame of node {session.node} for {SILENT_NS / 1e9:g} s",
                    device=self._device_id,
                    hint="Check that the node is switched on, charged and within reach of its receiver.",
                    silent=True,
                )

    async def execute(self, command: Command, report: ReportProgress = ignore_progress) -> CommandResult:
        """Run ``read_config`` or ``configure``."""
        port, session = self._opened()
        return await self._commands.run(command, session.request, lambda frame: self._send(port, frame), report)

    async def acknowledge(self, reading: Reading) -> None:
        """Acknowledge an event to the node. Acknowledgements of one iteration of the event loop share a write."""
        _, session = self._opened()
        frame = session.acknowledgement(reading.stream_id, reading.seq)
        if frame is None:
            return  # its boot is forgotten; if the node still holds the event, it re-sends it
        if len(self._acks) == MAX_ACKS:
            self._acks_dropped += 1
            return
        self._acks.append(frame)
        if len(self._acks) == 1:
            asyncio.get_running_loop().call_soon(self._send_acks)

    async def close(self) -> None:
        """Close the line. Commands that await an answer fail."""
        port, self._port = self._port, None
        self._commands.fail(self._closed())
        if port is not None:
            self._write_acks(port)
            await port.close()
            self._last_counters = asdict(port.counters)

    def counters(self) -> Mapping[str, int]:
        """Counters of the line, the codec and the session."""
        line = self._last_counters if self._port is None else asdict(self._port.counters)
        session = self._session.counters if self._session is not None else {}
        return {
            **line,
            **asdict(self._decoder.counters),
            **session,
            "logs_dropped": self._log_dropped,
            "acks_dropped": self._acks_dropped,
        }

    def flight_record(self) -> list[str]:
        """The last frames in and out."""
        return self._record.lines()

    def _opened(self) -> tuple[SerialPort, LinkSession]:
        if self._port is None or self._session is None:
            raise self._closed()
        return self._port, self._session

    def _closed(self) -> DriverError:
        return DeviceLost("the line is closed", device=self._device_id, hint="The daemon reopens it automatically.")

    async def _turn(self, port: SerialPort, session: LinkSession, limit_ns: int) -> int:
        """Send the frames that are due, then process bytes that arrive before ``limit_ns`` or the next due time.

        Returns the instant up to which all received bytes are processed. So endless noise does not count as a sign of
        life, and an unread heartbeat does.
        """
        session.poll(time.monotonic_ns(), clock_pair())
        for request in session.outgoing():
            self._send(port, request)
        wait_ns = min(session.due_ns, limit_ns) - time.monotonic_ns()
        chunk = await port.read(0.0 if session.has_reports else wait_ns / 1e9)
        if chunk is None:
            return time.monotonic_ns()
        self._record.received(chunk.data, chunk.at_ns)
        pair = clock_pair()
        for at_ns, frame in self._frames(chunk):
            session.on_frame(frame, at_ns, pair)
        self._dispatch(session)
        return chunk.at_ns

    def _frames(self, chunk: Chunk) -> Iterator[tuple[int, Frame]]:
        """The frames that a chunk completes, each with the arrival of its first byte."""
        if not self._decoder.held:
            self._frame_began_ns = chunk.at_ns
        end_of_first = chunk.data.find(FRAME_END) + 1
        for frame in self._decoder.feed(chunk.data[:end_of_first]):
            yield self._frame_began_ns, frame
        if end_of_first:
            self._frame_began_ns = chunk.at_ns
        for frame in self._decoder.feed(chunk.data[end_of_first:]):
            yield chunk.at_ns, frame

    def _dispatch(self, session: LinkSession) -> None:
        """Deliver answers to the waiting commands and the node's log lines to the log."""
        for number, message in session.answers:
            self._commands.on_answer(number, message)
        session.answers.clear()
        for line in session.logs:
            self._log(line)
        session.logs.clear()

    def _log(self, line: Log) -> None:
        minute = time.monotonic_ns() // 60_000_000_000
        if minute != self._log_minute:
            self._log_minute, self._log_budget = minute, LOGS_PER_MINUTE
        if self._log_budget == 0:
            self._log_dropped += 1
            return
        self._log_budget -= 1
        log.log(_LEVELS[min(line.level, 7)], "%s reports: %.300s", self._device_id, line.text)

    def _send(self, port: SerialPort, data: bytes) -> bool:
        self._record.sent(data, time.monotonic_ns())
        return port.write(data)

    def _send_acks(self) -> None:
        if self._port is not None:
            self._write_acks(self._port)

    def _write_acks(self, port: SerialPort) -> None:
        """Write as many acknowledgements as the line takes; the port calls again when it has taken them.

        A dropped one costs the node's half second until it re-sends the event, and the line the bytes of both.
        """
        while self._acks:
            frames = b"".join(islice(self._acks, ACKS_AT_ONCE))
            if len(frames) > port.room:
                return
            self._send(port, frames)
            for _ in range(min(ACKS_AT_ONCE, len(self._acks))):
                self._acks.popleft()

    def _no_hello(self, session: LinkSession) -> DriverError:
        """The reason why no HELLO arrived."""
        counters, port = self._decoder.counters, self._settings.port
        if counters.other_version:
            return ProtocolError(
                f"the node on {port} speaks another version of the link than {VERSION}",
                device=self._device_id,
                hint="Update the node's firmware or Arch-Stats, so that both speak the same version.",
            )
        if session.other_nodes:
            others = ", ".join(str(node) for node in sorted(session.other_nodes))
            return DeviceUnavailable(
                f"node {session.node} does not answer on {port}; other nodes on the line: {others}",
                device=self._device_id,
                hint="Switch the node on, or correct ARCH_STATS_NODE.",
            )
        if counters.damaged > counters.frames:
            return ProtocolError(
                f"the bytes from {port} are not the Arch-Stats link, or are damaged",
                device=self._device_id,
                hint="Check ARCH_STATS_BAUD, and that this port is the right one.",
            )
        return DeviceUnavailable(
            f"no node answers on {port}",
            device=self._device_id,
            hint="Check that the node is switched on, charged and within reach of its receiver.",
        )


class BowLink(LinkDriver):
    """Reports engage and release, with the arrow's tag."""

    node_kind = NodeKind.BOW
    info: ClassVar = DriverInfo(
        name="bow.link",
        kind=DeviceKind.BOW,
        summary="Bow node over the Arch-Stats link",
        maturity=Maturity.EXPERIMENTAL,
        capabilities=CAPABILITIES,
        commands=COMMANDS,
        heartbeat_s=HEARTBEAT_S,
        settings=LinkSettings,
    )


class TargetLink(LinkDriver):
    """Reports landings in its own frame, the tags in the butt, and calibration pins."""

    node_kind = NodeKind.TARGET
    info: ClassVar = DriverInfo(
        name="target.link",
        kind=DeviceKind.TARGET,
        summary="Target node over the Arch-Stats link",
        maturity=Maturity.EXPERIMENTAL,
        capabilities=CAPABILITIES | {Capability.CALIBRATION_PROBE},
        commands=COMMANDS,
        heartbeat_s=HEARTBEAT_S,
        settings=LinkSettings,
    )
