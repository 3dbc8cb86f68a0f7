"""Firmware of a simulated R200 reader: bytes and time in, frames out, tags in the field. Pure.

Commands run one after the other, each at the instant at which the one before it ended; answers leave in the same order. A write
applies one word after the other, so that a tag that leaves meanwhile keeps a part of it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from drivers.r200 import codec as r200
from simulators.devices.contract import DeviceFault
from simulators.devices.gen2_tag import TagRefused, WrongPassword, bytes_of, words_of
from simulators.devices.r200.selection import takes_part
from simulators.devices.r200.settings import BAUDS, ReaderSettings
from simulators.devices.tag_pad import InField
from simulators.world.draws import Draws

_MS: Final = 1_000
_SECOND: Final = 1_000 * _MS
SETTING_US: Final = 3 * _MS
ROUND_US: Final = 8 * _MS
"""Time of an inventory round without a tag."""
NOTICE_US: Final = 3 * _MS
ACCESS_US: Final = 20 * _MS
WORD_US: Final = 5 * _MS
"""Time to write one word."""
RETRIED_US: Final = 60 * _MS
"""Time for which the reader retries before it reports that no tag answers."""
BETWEEN_ROUNDS_US: Final = 20 * _MS
LATE_US: Final = (600 * _MS, 1_500 * _MS)
AWAY_US: Final = (200 * _MS, 1_000 * _MS)
LOCK_DONE_US: Final = 10 * _MS
"""Time after the start of a lock or kill at which the tag has obeyed; it answers at the end."""
SILENCE_US: Final = 50 * _MS
"""Silence in the middle of a frame after which the rest of it is not awaited."""
MAX_WAITING: Final = 16
"""Commands that wait for the one that runs; more are lost."""
MISPRINTED_SUM: Final = 0x0A
"""Sum of error 09, which a manual prints for error 10. Error 09 itself cannot have it wrong."""
_FOREVER_US: Final = 2**62
_MINUTE_US: Final = 60 * _SECOND
_NOISE_DB: Final = 1.5


@dataclass(slots=True)
class _Write:
    """A write that runs."""

    command: r200.WriteBank
    target: InField
    id: r200.TagId
    next_us: int
    written: int = 0


@dataclass(slots=True)
class _Rounds:
    """Inventory rounds that run until a stop."""

    left: int
    next_us: int


Field = Callable[[int], Sequence[InField]]
"""The tags in the field at an instant."""


class R200Reader:
    """State machine of one reader. Times do not go back."""

    def __init__(self, dialect: r200.Dialect, draws: Draws, tags: Field, now_us: int) -> None:
        self.settings = ReaderSettings()
        self.counted: Counter[str] = Counter()
        """Count of each fault of the device, and of commands that were lost."""
        self._dialect = dialect
        self._draws = draws
        self._tags = tags
        self._chances: Mapping[DeviceFault, float] = {}
        self._fault_draws = draws
        self._decoder = r200.Decoder(dialect)
        self._waiting: deque[tuple[int, r200.HostCommand | None]] = deque()
        """Instant and command of each frame that is not handled yet; None for one that the reader refuses."""
        self._outgoing: deque[tuple[int, bytes]] = deque()
        self._work: _Write | _Rounds | None = None
        self._free_us = self._up_us = self._heard_us = now_us

    def cause_faults(self, chances: Mapping[DeviceFault, float], draws: Draws) -> None:
        """Have faults from now on, each with its chance per command or answer."""
        self._chances, self._fault_draws = dict(chances), draws

    def receive(self, data: bytes, now_us: int) -> list[bytes]:
        """Take bytes of the host, and return the frames that are due."""
        if now_us < self._up_us or not data:
            return []
        frames = self.poll(now_us)
        silent_us, self._heard_us = now_us - self._heard_us, now_us
        minutes = self.settings.idle_minutes
        if self.settings.is_asleep or (minutes and silent_us > minutes * _MINUTE_US):
            data = data[1:]  # it wakes the chip, which loads its firmware again
            self._reset()
        damaged = self._decoder.counters.bad_sum
        before = self._decoder.end_silence() if silent_us > SILENCE_US else []
        for frame in before + self._decoder.feed(data):
            if frame.type is r200.FrameType.COMMAND:
                self._enqueue(r200.command_of(frame), now_us)
        if self._decoder.counters.bad_sum > damaged and self._draws.uniform() < 0.5:  # else silence
            self._enqueue(None, now_us)
        return frames + self.poll(now_us)

    def advance(self, now_us: int) -> None:
        """Do everything that is due. Inventory rounds of a time in which the process stood still are left out."""
        if isinstance(self._work, _Rounds) and now_us - self._work.next_us > _SECOND:
            self._work.next_us = now_us
        while (due_us := self._next_step_us()) <= now_us:
            self._step(due_us)

    def poll(self, now_us: int) -> list[bytes]:
        """Do everything that is due, and return the frames that are."""
        self.advance(now_us)
        frames: list[bytes] = []
        while self._outgoing and self._outgoing[0][0] <= now_us:
            frames.append(self._outgoing.popleft()[1])
        return frames

    def next_due_us(self) -> int:
        """Return the instant at which :meth:`poll` has work again; a reader at rest has none."""
        return min(self._outgoing[0][0] if self._outgoing else _FOREVER_US, self._next_step_us())

    def reboot(self, now_us: int, blind_us: int) -> None:
        """Start again ``blind_us`` later: what runs stops where it is, and everything is forgotten."""
        self.advance(now_us)
        self._reset()
        self._up_us = self._free_us = now_us + blind_us

    def _reset(self) -> None:
        self.settings, self._work = ReaderSettings(), None
        self._decoder = r200.Decoder(self._dialect)
        self._waiting.clear()
        self._outgoing.clear()

    def _enqueue(self, command: r200.HostCommand | None, now_us: int) -> None:
        if len(self._waiting) >= MAX_WAITING:
            self.counted["overflow"] += 1
        else:
            self._waiting.append((now_us, command))

    def _next_step_us(self) -> int:
        command_us = max(self._waiting[0][0], self._free_us) if self._waiting else _FOREVER_US
        match self._work:
            case _Write(next_us=next_us):
                return next_us
            case _Rounds(next_us=next_us):
                return min(next_us, command_us)
            case _:
                return command_us

    def _step(self, at_us: int) -> None:
        """Handle the next command, or the next part of the one that runs."""
        match self._work:
            case _Write() as write:
                self._write_word(write, at_us)
            case _Rounds(next_us=next_us) as rounds if next_us <= at_us:
                self._repeat(rounds, at_us)
            case _:
                self._handle(self._waiting.popleft()[1], at_us)

    def _handle(self, command: r200.HostCommand | None, at_us: int) -> None:
        """Start a command. While inventories repeat, the reader obeys nothing but a stop."""
        match command:
            case r200.PlainCommand(r200.Code.STOP):
                self._work = None
                self._answer(at_us, SETTING_US, r200.Done(r200.Code.STOP))
            case _ if command is None or self._work is not None:
                self._answer(at_us, SETTING_US, r200.Failure(r200.FailureCode.BAD_COMMAND))
            case r200.PlainCommand(r200.Code.INVENTORY):
                self._answer(at_us, *self._inventory(at_us))
            case r200.MultiInventory(rounds=rounds):
                self._work = _Rounds(rounds, at_us)
            case r200.ReadBank() | r200.LockTag() | r200.KillTag() | r200.WriteBank():
                self._access(command, at_us)
            case r200.SetBaud(baud=baud):
                self.settings.baud = baud if baud in BAUDS else self.settings.baud
                self._free_us = at_us + SETTING_US
            case _:
                self._answer(at_us, SETTING_US, self.settings.execute(command))

    def _inventory(self, at_us: int) -> tuple[int, *tuple[r200.Answer, ...]]:
        """Time and notices of one round, in random order; an error without a tag."""
        self._leave(self._tags(at_us), at_us, 0)
        found = self._answering(at_us, selects=self.settings.select_mode is r200.SelectMode.ALWAYS)
        power = self.settings.power_dbm
        notices: list[r200.Answer] = [
            r200.Notice(one.rssi_dbm(power, self._draws.normal(_NOISE_DB)), one.tag.pc, one.tag.epc, self._crc(one))
            for one in (found[number] for number in self._draws.pick(len(found), len(found)))
        ]
        return ROUND_US + NOTICE_US * len(notices), *(notices or [r200.Failure(r200.FailureCode.NO_TAG)])

    def _repeat(self, rounds: _Rounds, at_us: int) -> None:
        took_us, *answers = self._inventory(at_us)
        self._answer(at_us, took_us, *answers)
        rounds.left -= 1
        rounds.next_us = at_us + took_us + BETWEEN_ROUNDS_US
        if rounds.left <= 0:
            self._work = None

    def _answering(self, at_us: int, *, selects: bool) -> list[InField]:
        """The tags that hear the reader now, and take part after its Select if it sends one."""
        select = self.settings.select if selects else None
        query, power = self.settings.query, self.settings.power_dbm
        return [
            one
            for one in self._tags(at_us)
            if one.is_present(at_us)
            and self._draws.uniform() < one.chance(power)
            and takes_part(one.tag, select, query)
        ]

    def _access(self, command: r200.ReadBank | r200.LockTag | r200.KillTag | r200.WriteBank, at_us: int) -> None:
        """Single out one tag at random, and read, lock or kill it, or begin to write it."""
        words = len(command.data) // 2 if isinstance(command, r200.WriteBank) else 0
        takes_us = ACCESS_US + WORD_US * words
        self._leave(self._tags(at_us), at_us, takes_us)
        found = self._answering(at_us, selects=self.settings.select_mode is not r200.SelectMode.NEVER)
        if not found:
            self._answer(at_us, RETRIED_US, r200.Failure(_FAILED[type(command)]))
            return
        target = found[self._draws.below(len(found))]
        tag_id = r200.TagId(target.tag.pc, target.tag.epc)
        if isinstance(command, r200.WriteBank):
            self._work = _Write(command, target, tag_id, at_us + ACCESS_US)
            return
        try:
            answer = self._ask(command, target, tag_id)
        except WrongPassword:
            code = r200.FailureCode.KILL_FAILED if isinstance(command, r200.KillTag) else r200.FailureCode.ACCESS_DENIED
            answer = r200.Failure(code, tag_id)
        except TagRefused as refused:
            answer = r200.Failure.of_tag(_OPERATION[type(command)], refused.code, tag_id)
        if target.is_present(at_us + LOCK_DONE_US) or isinstance(command, r200.KillTag):
            self._answer(at_us, takes_us, answer)
        else:
            self._answer(at_us, takes_us + RETRIED_US, r200.Failure(_FAILED[type(command)]))

    def _ask(
        self, command: r200.ReadBank | r200.LockTag | r200.KillTag, target: InField, tag_id: r200.TagId
    ) -> r200.Answer:
        """Execute a command on the tag. Raises TagRefused, and WrongPassword."""
        match command:
            case r200.ReadBank(bank=bank, start=start, words=words, password=password):
                return r200.BankData(tag_id, bytes_of(target.tag.read(bank, start, words, password)))
            case r200.LockTag(payload=payload, password=password):
                target.tag.lock(payload, password)
            case r200.KillTag(password=password):
                target.tag.kill(password)
        return r200.TagDone(command.code, tag_id)

    def _write_word(self, write: _Write, at_us: int) -> None:
        """Write the next word; after the last one, or a refusal, answer."""
        command, tag = write.command, write.target.tag
        words = words_of(command.data)
        answer: r200.Answer | None = None
        late_us = 0
        if write.target not in self._tags(at_us) or not write.target.is_present(at_us):
            answer, late_us = r200.Failure(r200.FailureCode.WRITE_FAILED), RETRIED_US
        elif write.written == len(words):
            answer = r200.TagDone(r200.Code.WRITE, write.id)
        elif not write.target.can_write(self.settings.power_dbm):
            answer = r200.Failure.of_tag(r200.TagOperation.WRITE, r200.TagError.LOW_POWER, write.id)
        else:
            try:
                tag.write_word(command.bank, command.start + write.written, words[write.written], command.password)
            except WrongPassword:
                answer = r200.Failure(r200.FailureCode.ACCESS_DENIED, write.id)
            except TagRefused as refused:
                answer = r200.Failure.of_tag(r200.TagOperation.WRITE, refused.code, write.id)
            write.written, write.next_us = write.written + 1, at_us + WORD_US
        if answer is not None:
            self._work = None
            self._answer(at_us, late_us, answer)

    def _answer(self, at_us: int, takes_us: int, *answers: r200.Answer) -> None:
        """Queue the answers of one command, behind those before them."""
        self._free_us = due_us = at_us + takes_us
        if self._happens(DeviceFault.LATE):
            due_us += round(self._fault_draws.uniform(*LATE_US))
        for answer in answers:
            due_us = max(due_us, self._outgoing[-1][0] if self._outgoing else 0)
            self._outgoing.append((due_us, self._encoded(answer)))

    def _encoded(self, answer: r200.Answer) -> bytes:
        frame = r200.encode_answer(answer, self._dialect)
        has_own_sum = isinstance(answer, r200.Failure) and answer.tag is None and frame[-2] != MISPRINTED_SUM
        if has_own_sum and self._happens(DeviceFault.MISSUM):
            frame = frame[:-2] + bytes((MISPRINTED_SUM,)) + frame[-1:]
        if self._happens(DeviceFault.GARBAGE):
            frame = bytes(self._fault_draws.below(256) for _ in range(1 + self._fault_draws.below(4))) + frame
        return frame

    def _crc(self, one: InField) -> int:
        is_damaged = self._happens(DeviceFault.MISCRC)
        return one.tag.crc ^ (1 + self._fault_draws.below(0xFFFF) if is_damaged else 0)

    def _leave(self, tags: Sequence[InField], at_us: int, within_us: int) -> None:
        """Let one of the tags leave the field for a moment within the command's time, if that fault happens."""
        if tags and self._happens(DeviceFault.LEAVE):
            since_us = at_us + round(self._fault_draws.uniform(0.0, within_us))
            until_us = since_us + round(self._fault_draws.uniform(*AWAY_US))
            tags[self._fault_draws.below(len(tags))].away_us = (since_us, until_us)

    def _happens(self, fault: DeviceFault) -> bool:
        chance = self._chances.get(fault, 0.0)
        happens = chance > 0 and self._fault_draws.uniform() < chance
        self.counted[fault] += happens
        return happens


_FAILED: Final[Mapping[type[r200.HostCommand], r200.FailureCode]] = {
    r200.ReadBank: r200.FailureCode.READ_FAILED,
    r200.WriteBank: r200.FailureCode.WRITE_FAILED,
    r200.LockTag: r200.FailureCode.LOCK_FAILED,
    r200.KillTag: r200.FailureCode.KILL_FAILED,
}
_OPERATION: Final[Mapping[type[r200.HostCommand], r200.TagOperation]] = {
    r200.ReadBank: r200.TagOperation.READ,
    r200.LockTag: r200.TagOperation.LOCK,
    r200.KillTag: r200.TagOperation.KILL,
}
