"""Sans-IO session of one freETarget: messages and time in, commands and reports out.

The session asks for the version, reads the settings, and asks for the version again: from that answer on every impact
counts, and no old one can follow. Firmware 6 discards what it receives while it handles a command, so each
transmission waits for room.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final
from uuid import UUID

from drivers.clock.instant import ClockPair
from drivers.contract import Reading, ReadingKind, Report, Source, Stamp
from drivers.freetarget.codec import (
    Command,
    Miss,
    Notice,
    NoticeKind,
    Received,
    Refused,
    Settings,
    Shot,
    Started,
    Unlocated,
    Value,
    Version,
    encode_command,
)
from drivers.freetarget.numbers import Order, ShotCount
from drivers.freetarget.settings import TARGET_TYPE, USUAL_RING_MS, Number, deaf_s, report_delay_s, shown_settings
from drivers.host_stream import MISSED_POLLS, HostStream, Poll

POLL_S: Final = 2.0
"""Interval between requests for the version."""
POLL_NS: Final = round(POLL_S * 1e9)
SILENT_NS: Final = MISSED_POLLS * POLL_NS
LATENCY_S: Final = 0.1
"""Longest time from an impact to the opening brace of its object: the target waits that long for its last sensor."""
LATENCY_NS: Final = round(LATENCY_S * 1e9)
DEAD_TIME_S: Final = USUAL_RING_MS / 1000 + LATENCY_S
"""Dead time by the usual settings: the ringing, which begins when the target has waited for its last sensor."""
SPACING_NS: Final = 150_000_000
"""Time after a command in which the target may discard the next one."""
PRINTING_NS: Final = 10_000_000_000
"""Longest time that a target takes to print its settings; firmware 6 takes some 5 s, and answers nothing meanwhile."""
SAME_IMPACT_NS: Final = 300_000_000
"""Time in which reports of unlocated impacts belong to one impact."""
REFUSALS_KEPT: Final = 16
NO_TAG: Final = "the target reads no tags"
NOT_LOCATED: Final = "an impact was not located"
NOT_REPORTED: Final = "the target counted impacts that did not arrive"
PRINTED: Final = "the target printed its settings"
DEAF: Final = "by its settings the target may sense nothing for longer than usual after an impact"

ASK_VERSION: Final = encode_command({"VERSION": 0})
ASK_SETTINGS: Final = encode_command({"ECHO": 0})
SET_RAW_POSITIONS: Final = encode_command({TARGET_TYPE: 0})


class Phase(Enum):
    """Progress of the session."""

    SEEKING = auto()
    """No target has answered yet."""
    READING = auto()
    """The target is asked for its settings."""
    SETTLING = auto()
    """The version is asked for again; its answer starts the stream."""
    LIVE = auto()


@dataclass(frozen=True, slots=True)
class Identity:
    """Names of the target."""

    version: str
    name: str | None = None
    serial: int | None = None


@dataclass(frozen=True, slots=True)
class Deafness:
    """A time after an impact in which the target senses nothing, and that its driver's dead time does not cover."""

    since: Stamp
    until_ns: int


class FreeTargetSession:
    """One target from the opening of its line to its end."""

    def __init__(self, device_id: str, host_boot_id: UUID, now_ns: int) -> None:
        self.phase = Phase.SEEKING
        self.stream = HostStream(host_boot_id)
        self.identity = Identity("")
        self.settings: dict[str, Number] = {}
        """The settings as the target last printed them."""
        self.settings_read = 0
        """Number of times that the settings were read."""
        self.refusals: deque[Refused] = deque(maxlen=REFUSALS_KEPT)
        """The last refusals."""
        self.remapped = False
        """An impact arrived whose position the target moved."""
        self.counters: Counter[str] = Counter()
        self._device_id = device_id
        self._poll = Poll(POLL_NS, now_ns)
        self._commands: deque[bytes] = deque()
        self._free_ns = now_ns
        self._alive_ns = now_ns
        self._printing_since_ns: int | None = None
        self._slow_since_ns: int | None = None
        """Start of a time in which impacts may have waited for the printing of the settings."""
        self._echoes = self._echoed = False
        self._is_raw = True
        """The target is known to report raw positions: by its settings, or by its echo of the command for them."""
        self._sleeps = False
        """The target senses nothing until it answers again: it said so."""
        self._count = ShotCount()
        self._last_impact: Stamp | None = None
        self._unlocated_ns: int | None = None
        self._deafness: Deafness | None = None
        self._reports: deque[Report] = deque()

    @property
    def is_live(self) -> bool:
        """Whether every impact from now on is reported."""
        return self.phase is Phase.LIVE

    @property
    def source(self) -> Source:
        """The origin of the readings: a simulated target says so in its version."""
        return Source.SIMULATOR if "simulator" in self.identity.version.lower() else Source.HARDWARE

    @property
    def silent_ns(self) -> int:
        """The instant from which the target is silent, unless a message arrives before."""
        printing_ns = 0 if self._printing_since_ns is None else self._printing_since_ns + PRINTING_NS
        return max(self._alive_ns + SILENT_NS, printing_ns)

    @property
    def due_ns(self) -> int:
        """The instant of the next transmission."""
        if self._printing_since_ns is not None:
            return self._printing_since_ns + PRINTING_NS
        # An open request is answered at once, or not at all.
        return max(self._free_ns, 0 if self._commands and not self._poll.is_open else self._poll.due_ns)

    @property
    def has_reports(self) -> bool:
        """Whether reports wait."""
        return bool(self._reports)

    def reports(self) -> Iterator[Report]:
        """The waiting reports; each is removed as it is taken."""
        while self._reports:
            yield self._reports.popleft()

    def request(self, *commands: bytes) -> None:
        """Queue commands; each is sent when the target can take it."""
        self._commands.extend(commands)

    def withdraw(self, *commands: bytes) -> None:
        """Take back those commands that were not sent yet."""
        self._commands = deque(command for command in self._commands if command not in commands)

    def transmission(self, now_ns: int) -> bytes | None:
        """The command that is due now."""
        if now_ns < self.due_ns:
            return None
        if self._printing_since_ns is not None:
            self._printing_since_ns = None  # it did not print its settings
            self.counters["settings_missing"] += 1
            if self.phase is Phase.READING and ASK_SETTINGS not in self._commands:
                self._commands.append(ASK_SETTINGS)
        self._free_ns = now_ns + SPACING_NS
        if not self._commands:
            self._poll.sent(now_ns)
            self._echoed = False
            return ASK_VERSION
        command = self._commands.popleft()
        if command == ASK_SETTINGS:
            self._printing_since_ns = self._slow_since_ns = now_ns
        return command

    def on_message(self, received: Received, pair: ClockPair) -> None:
        """Process a message of the target."""
        message, at_ns = received.message, received.at_ns
        if isinstance(message, Command):
            self.counters["echoes"] += 1
            self._echoed |= "VERSION" in message.values
            self._is_raw |= message.values.get(TARGET_TYPE) == 0
            return
        self._alive_ns = max(self._alive_ns, received.ended_ns)
        match message:
            case Version():
                self._on_version(message, at_ns, pair)
            case Settings(values):
                self._on_settings(values, received.ended_ns)
            case Refused():
                self._on_refused(message)
            case Notice(NoticeKind.BYE):
                self._sleeps = True
            case Notice(NoticeKind.FAULT):
                self.counters["sensor_faults"] += 1
                self._sleeps = True
            case Notice(NoticeKind.HELLO_WORLD) | Started():
                self._restart("restarts", at_ns, pair)
            case Shot() | Miss() | Unlocated() if self.is_live:
                self._on_impact(message, at_ns, pair)
            case Shot() | Miss() | Unlocated():
                self.counters["before_start"] += 1
            case _:
                self.counters["notices"] += 1

    def _on_version(self, version: Version, at_ns: int, pair: ClockPair) -> None:
        changed = version.text != self.identity.version
        if self.phase is Phase.SEEKING:
            self.identity = Identity(version.text)
            self.phase = Phase.READING
            self._poll.answered()
            self.request(ASK_SETTINGS)
        elif self.phase is Phase.SETTLING and self._poll.is_open:
            if self._echoed and not self._is_raw:
                self.request(SET_RAW_POSITIONS)  # the target echoes what it receives, and it did not receive this
                self._poll.withdrawn(self._free_ns)
                return
            self._poll.answered()
            self.phase = Phase.LIVE
            self._echoes = self._echoed
            self._slow_since_ns = None
            self._reports.append(self.stream.start(self._stamp(at_ns, pair)))
        elif self.is_live:
            is_answer = self._poll.is_open and (self._echoed or not self._echoes)
            if is_answer and not changed:
                self._on_answer(at_ns, pair)
            elif changed or version.is_greeting:
                self.identity = replace(self.identity, version=version.text)
                self._restart("restarts", at_ns, pair)
            else:
                self.counters["others_answers"] += 1

    def _on_answer(self, at_ns: int, pair: ClockPair) -> None:
        unanswered = self._poll.unanswered
        sent_ns = self._poll.answered()
        if self._sleeps or unanswered:
            self._restart("restarts" if self._sleeps else "unanswered", at_ns, pair)
        elif self._slow_since_ns is not None:
            # Impacts that waited for the printing may still follow, and firmware 6 cuts some off at the end of a column.
            self._gap(at_ns, pair, self._stamp(self._slow_since_ns - LATENCY_NS, pair), PRINTED)
            self._slow_since_ns = None
        elif sent_ns is not None:
            # The target answers later than it was asked: what it senses before the request is reported before the answer.
            sure_ns = sent_ns - LATENCY_NS
            self._report_deafness(sure_ns, pair)
            self._reports.append(self.stream.pulse(self._stamp(sure_ns, pair)))

    def _on_settings(self, values: Mapping[str, Value], ended_ns: int) -> None:
        name, serial = values.get("NAME"), values.get("SN")
        self.identity = Identity(
            self.identity.version, name if isinstance(name, str) else None, serial if isinstance(serial, int) else None
        )
        self.settings = shown_settings(values)
        self.settings_read += 1
        self._printing_since_ns = None
        self._free_ns = max(self._free_ns, ended_ns + SPACING_NS)
        self._poll.withdrawn(self._free_ns)
        if self.phase is Phase.READING:
            self.phase = Phase.SETTLING
            self._is_raw = TARGET_TYPE in self.settings
            if not self._is_raw:
                self.request(SET_RAW_POSITIONS)  # firmware 6 does not show it

    def _on_refused(self, refused: Refused) -> None:
        """A command was refused. One that the line changed is sent again."""
        self.counters["refusals"] += 1
        self.refusals.append(refused)
        if self._printing_since_ns is None:
            self._poll.withdrawn(self._free_ns)
        elif refused.sent_as != ASK_SETTINGS:
            self._printing_since_ns = None
            self._commands.appendleft(ASK_SETTINGS)
        if self.phase is Phase.SETTLING and TARGET_TYPE not in self.settings:
            # The line changed the command for it, after the target echoed it; or the target cannot move positions at all.
            self._is_raw = refused.sent_as == SET_RAW_POSITIONS

    def _on_impact(self, impact: Shot | Miss | Unlocated, at_ns: int, pair: ClockPair) -> None:
        if self._sleeps:
            self._restart("restarts", at_ns, pair)
        self._report_deafness(at_ns, pair)
        match impact:
            case Shot(is_remapped=True):
                self.remapped = True
                return
            case Shot(number, x_mm, y_mm):
                order = self._count.on_shot(number, x_mm, y_mm)
                if order is Order.REPEATED:
                    self.counters["repeated"] += 1
                    return
                self._judge(order, at_ns, pair)
                self._reports.append(self._landing(x_mm, y_mm, at_ns, pair))
            case Miss(number):
                self.counters["misses"] += 1
                self._judge(self._count.on_miss(number), at_ns, pair)
            case Unlocated():
                self._on_unlocated(at_ns, pair)
        self._last_impact = self._stamp(at_ns, pair)
        self._become_deaf(at_ns, pair)

    def _on_unlocated(self, at_ns: int, pair: ClockPair) -> None:
        """An impact without a position: an arrow may be in the butt, so the target was blind for it."""
        if self._unlocated_ns is not None and at_ns - self._unlocated_ns < SAME_IMPACT_NS:
            return
        self._unlocated_ns = at_ns
        self.counters["unlocated"] += 1
        self._count.on_unlocated()
        self._gap(at_ns, pair, self._stamp(at_ns - LATENCY_NS, pair), NOT_LOCATED)

    def _become_deaf(self, at_ns: int, pair: ClockPair) -> None:
        """After an impact the target is deaf. What exceeds the usual time is reported when it is over, or with the next answer."""
        deaf_ms = deaf_s(self.settings) * 1000
        if deaf_ms <= USUAL_RING_MS:
            return
        since = self._stamp(at_ns - LATENCY_NS - round(report_delay_s(self.settings) * 1e9), pair)
        since = since if self._deafness is None else self._deafness.since
        self._deafness = Deafness(since, at_ns + round(deaf_ms * 1e6) + LATENCY_NS)

    def _report_deafness(self, sure_ns: int, pair: ClockPair) -> None:
        """Report the part of a deafness before an instant as blind; the rest follows."""
        deafness = self._deafness
        if deafness is None or deafness.since.mono_ns is None or sure_ns <= deafness.since.mono_ns:
            return
        is_over = sure_ns >= deafness.until_ns
        self.counters["deaf"] += 1
        self._gap(deafness.until_ns if is_over else sure_ns, pair, deafness.since, DEAF)
        self._deafness = None if is_over else replace(deafness, since=self._stamp(sure_ns, pair))

    def _judge(self, order: Order, at_ns: int, pair: ClockPair) -> None:
        if order is Order.SKIPPED:
            self.counters["skipped"] += 1
            self._gap(at_ns, pair, self._last_impact, NOT_REPORTED)
        elif order is Order.RESTARTED:
            self.counters["restarts"] += 1
            self._gap(at_ns, pair)

    def _restart(self, reason: str, at_ns: int, pair: ClockPair) -> None:
        """The target restarted, woke up or did not answer: it sensed nothing since it last answered, as far as is known."""
        self._sleeps = False
        if self.is_live:
            self.counters[reason] += 1
            self._gap(at_ns, pair)  # the count goes on: if the target lost it, the next impact shows it

    def _gap(self, at_ns: int, pair: ClockPair, since: Stamp | None = None, reason: str | None = None) -> None:
        self._reports.append(self.stream.start(self._stamp(at_ns, pair), since, reason))

    def _landing(self, x_mm: float, y_mm: float, at_ns: int, pair: ClockPair) -> Reading:
        waited_s = report_delay_s(self.settings)
        if self._slow_since_ns is not None:
            waited_s += (at_ns - self._slow_since_ns) / 1e9
        return Reading(
            device_id=self._device_id,
            stream_id=self.stream.stream_id,
            seq=self.stream.next_seq(),
            kind=ReadingKind.LANDING,
            stamp=self.stream.stamp(at_ns, pair, LATENCY_S + waited_s),
            received_at=pair.utc_of(at_ns),
            source=self.source,
            x_mm=x_mm,
            y_mm=y_mm,
            reason=NO_TAG,
        )

    def _stamp(self, at_ns: int, pair: ClockPair) -> Stamp:
        return self.stream.stamp(at_ns, pair, LATENCY_S)
