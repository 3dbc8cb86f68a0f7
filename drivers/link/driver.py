"""A node on the Arch-Stats link as a driver: the line, the deadlines and the way of frames. Their meaning is elsewhere.

:class:`LinkNode` is what ``bow.link`` and ``target.link`` share, which is everything but what kind of node answers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field

from drivers.clock.host import clock_pair, host_boot_id
from drivers.contract import ClockModel, Command, CommandResult, DeviceIdentity, DriverInfo, Reading, Report
from drivers.errors import DeviceLost, DeviceUnavailable, DriverError, ProtocolError
from drivers.link.codec import (
    VERSION,
    Config,
    ConfigRead,
    Frame,
    LinkDecoder,
    Log,
    Message,
    Nak,
    NakCode,
    NodeKind,
)
from drivers.link.session import LinkSession
from drivers.transport.flight_recorder import FlightRecorder
from drivers.transport.serial import Chunk, SerialPort, open_port

HEARTBEAT_S: Final = 1.0
"""How often a node tells that it lives."""
MISSED_HEARTBEATS: Final = 3
SILENT_NS: Final = round(MISSED_HEARTBEATS * HEARTBEAT_S * 1e9)
MEET_S: Final = 3.0
"""How long a node may take to say who it is."""
ANSWER_S: Final = 0.5
ANSWER_TRIES: Final = 4
"""How often a command is sent, and how long each time is waited: the node does the same thing twice without harm."""
LOGS_PER_MINUTE: Final = 30
ACKS_AT_ONCE: Final = 64

READ_CONFIG: Final = "read_config"
CONFIGURE: Final = "configure"
COMMANDS: Final = frozenset({READ_CONFIG, CONFIGURE})
"""``read_config``; ``configure`` with ``threshold`` and ``window_ms``. Both return the two as the node has them."""

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
"""Of syslog's levels 0 to 7."""

log = logging.getLogger(__name__)


class LinkSettings(BaseModel):
    """What a link driver needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    port: str = Field(min_length=1, description="Serial port, or socket://HOST:PORT of a serial server.")
    node: int | None = Field(
        default=None, ge=0, le=0xFFFE, description="Number of the node to listen to; without it the first that answers."
    )
    baud: int = Field(default=921_600, ge=1_200, le=4_000_000, description="Bits per second.")
    dtr: bool | None = Field(default=None, description="Level of the DTR line; untouched without it.")
    rts: bool | None = Field(default=None, description="Level of the RTS line; untouched without it.")


class LinkNode:
    """One link node behind one port. See :class:`drivers.contract.Driver`."""

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
        self._record = FlightRecorder()
        self._answers: dict[int, asyncio.Future[Config | Nak]] = {}
        self._acks: deque[bytes] = deque()
        self._log_budget = LOGS_PER_MINUTE
        self._log_minute = 0
        self._log_dropped = 0
        self._last_counters: Mapping[str, int] = {}

    async def open(self) -> DeviceIdentity:
        """Open the port and let the node say who it is, within ``MEET_S`` of the port being open."""
        settings = self._settings
        port = await open_port(
            settings.port, device=self._device_id, baud=settings.baud, dtr=settings.dtr, rts=settings.rts
        )
        self._port = port
        now_ns = time.monotonic_ns()
        session = LinkSession(self._device_id, self.node_kind, settings.node, self._clocks, host_boot_id(), now_ns)
        self._session = session
        self._send(port, b"\0")  # ends whatever noise the node has heard while the port was opened
        deadline_ns = now_ns + round(MEET_S * 1e9)
        while session.boot is None:
            if await self._turn(port, session, deadline_ns) >= deadline_ns and session.boot is None:
                raise self._nobody(session)
        return DeviceIdentity(
            device_id=self._device_id,
            kind=self.info.kind,
            stream_id=session.boot.stream_id,
            source=session.source,
            firmware=session.boot.hello.firmware or None,
            serial=f"node {session.node}",
        )

    async def readings(self) -> AsyncIterator[Report]:
        """What the node reports. Raises DeviceLost when the line fails or three heartbeats are missing."""
        port, session = self._opened()
        while True:
            for report in session.reports():
                yield report
            read_until_ns = await self._turn(port, session, session.heard_ns + SILENT_NS)
            if read_until_ns >= session.heard_ns + SILENT_NS:
                raise DeviceLost(
                    f"silent: no frame of node {session.node} for {SILENT_NS / 1e9:g} s",
                    device=self._device_id,
                    hint="Check that the node is switched on, charged and within reach of its receiver.",
                    silent=True,
                )

    async def execute(self, command: Command) -> CommandResult:
        """``read_config`` or ``configure``."""
        port, session = self._opened()
        message = _message_of(command)
        if isinstance(message, str):
            return CommandResult(ok=False, error=message)
        number, frame = session.request(message)
        answer: asyncio.Future[Config | Nak] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            for _ in range(ANSWER_TRIES):
                self._send(port, frame)
                await asyncio.wait((answer,), timeout=ANSWER_S)
                if answer.done():
                    return _result_of(message, answer.result())
        finally:
            del self._answers[number]
        return CommandResult(ok=False, error=f"node {session.node} gave no answer within {ANSWER_S * ANSWER_TRIES:g} s")

    async def acknowledge(self, reading: Reading) -> None:
        """Let the node forget an event. What is acknowledged in one turn of the loop leaves in one write."""
        port, session = self._opened()
        frame = session.acknowledgement(reading.stream_id, reading.seq)
        if frame is None:
            return  # of a boot nobody remembers; should the node still hold the event, it will send it again
        self._acks.append(frame)
        if len(self._acks) == 1:
            asyncio.get_running_loop().call_soon(self._send_acks, port)

    async def close(self) -> None:
        """Let go of the line; commands that wait are told."""
        port, self._port = self._port, None
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(self._closed())
        if port is not None:
            self._send_acks(port)
            await port.close()
            self._last_counters = asdict(port.counters)

    def counters(self) -> Mapping[str, int]:
        """Bytes of the line, frames of the codec, and what the session ignored."""
        line = self._last_counters if self._port is None else asdict(self._port.counters)
        session = self._session.counters if self._session is not None else {}
        return {**line, **asdict(self._decoder.counters), **session, "logs_dropped": self._log_dropped}

    def flight_record(self) -> list[str]:
        """The last frames in and out."""
        return self._record.lines()

    def _opened(self) -> tuple[SerialPort, LinkSession]:
        if self._port is None or self._session is None:
            raise self._closed()
        return self._port, self._session

    def _closed(self) -> DriverError:
        return DeviceLost("the line is closed", device=self._device_id, hint="It is opened again by itself.")

    async def _turn(self, port: SerialPort, session: LinkSession, limit_ns: int) -> int:
        """Send what is due, then take what comes before ``limit_ns`` or the next duty.

        Returns the instant up to which everything that came has been taken: noise without end is no sign of life, and
        a heartbeat that waits to be read is one.
        """
        session.poll(time.monotonic_ns(), clock_pair())
        for question in session.outgoing():
            self._send(port, question)
        wait_ns = min(session.due_ns, limit_ns) - time.monotonic_ns()
        chunk = await port.read(0.0 if session.has_reports else wait_ns / 1e9)
        if chunk is None:
            return time.monotonic_ns()
        self._record.heard(chunk.data, chunk.at_ns)
        pair = clock_pair()
        for at_ns, frame in self._frames(chunk):
            session.take(frame, at_ns, pair)
        self._hand_out(session)
        return chunk.at_ns

    def _frames(self, chunk: Chunk) -> Iterator[tuple[int, Frame]]:
        """The frames that a chunk completes, each with the instant its first byte came."""
        if not self._decoder.held:
            self._frame_began_ns = chunk.at_ns
        end_of_first = chunk.data.find(0) + 1
        for frame in self._decoder.feed(chunk.data[:end_of_first]):
            yield self._frame_began_ns, frame
        if end_of_first:
            self._frame_began_ns = chunk.at_ns
        for frame in self._decoder.feed(chunk.data[end_of_first:]):
            yield chunk.at_ns, frame

    def _hand_out(self, session: LinkSession) -> None:
        """Answers to whoever waits for them, the node's own log lines to the log."""
        for number, message in session.answers:
            answer = self._answers.get(number)
            if answer is not None and not answer.done():
                answer.set_result(message)
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
        log.log(_LEVELS[min(line.level, 7)], "%s says: %s", self._device_id, line.text)

    def _send(self, port: SerialPort, data: bytes) -> bool:
        self._record.sent(data, time.monotonic_ns())
        return port.write(data)

    def _send_acks(self, port: SerialPort) -> None:
        frames, self._acks = list(self._acks), deque()
        for start in range(0, len(frames), ACKS_AT_ONCE):
            if not self._send(port, b"".join(frames[start : start + ACKS_AT_ONCE])):
                return  # the node sends the others again, and then they are acknowledged

    def _nobody(self, session: LinkSession) -> DriverError:
        """Why nobody has said who they are."""
        counters, port = self._decoder.counters, self._settings.port
        if counters.other_version:
            return ProtocolError(
                f"the node on {port} speaks another version of the link than {VERSION}",
                device=self._device_id,
                hint="Update the node's firmware or Arch-Stats, so that both speak the same version.",
            )
        if session.others:
            heard = ", ".join(str(node) for node in sorted(session.others))
            return DeviceUnavailable(
                f"node {session.node} does not answer on {port}; heard instead: {heard}",
                device=self._device_id,
                hint="Switch the node on, or correct ARCH_STATS_NODE.",
            )
        if counters.damaged > counters.frames:
            return ProtocolError(
                f"what comes from {port} is not the Arch-Stats link, or is damaged",
                device=self._device_id,
                hint="Check ARCH_STATS_BAUD, and that this port is the right one.",
            )
        return DeviceUnavailable(
            f"nobody answers on {port}",
            device=self._device_id,
            hint="Check that the node is switched on, charged and within reach of its receiver.",
        )


def _message_of(command: Command) -> Message | str:
    """The question that a command stands for, or what is wrong with the command."""
    if command.name == READ_CONFIG:
        return ConfigRead()
    if command.name != CONFIGURE:
        return f"unknown command {command.name}; there are {', '.join(sorted(COMMANDS))}"
    values: list[int] = []
    for name in ("threshold", "window_ms"):
        value = command.arguments.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 0xFFFF:
            return f"{name} must be a whole number from 0 to 65535, not {value!r}"
        values.append(value)
    return Config(*values)


def _result_of(asked: Message, answer: Config | Nak) -> CommandResult:
    if isinstance(answer, Nak):
        known = answer.code in list(NakCode)
        reason = NakCode(answer.code).name.lower().replace("_", " ") if known else f"code {answer.code}"
        return CommandResult(ok=False, error=f"the node refused: {reason}")
    values = {"threshold": answer.threshold, "window_ms": answer.window_ms}
    if isinstance(asked, Config) and asked != answer:
        return CommandResult(ok=False, values=values, error="the node kept other values")
    return CommandResult(ok=True, values=values)
