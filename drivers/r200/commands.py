"""Commands of the scanner: its settings, the work on a tag, and what it reads. The shell around the pure machines."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from drivers.contract import Command, CommandResult, Progress, ReportProgress
from drivers.errors import DeviceUnavailable, DriverError, ProtocolError
from drivers.r200.codec import GET_POWER, OK, Done, Failure, HostCommand, PowerIs, SetPower
from drivers.r200.opening import NEVER, SetUp
from drivers.r200.programming import Check, Look, Phase, Reply, Request, Steps, TagWork
from drivers.r200.reader import Reader
from drivers.r200.refusals import Refusal, Refused, Value, no_answer
from drivers.r200.scans import Round, ScanSession
from drivers.r200.settings import MOST_DBM
from drivers.r200.writing import Approval, Programming

CLEAN_S: Final = 2.5
"""Deadline for leaving the select mode; the daemon waits 3 s for the end of a cancelled command."""
CLEAN_TRIES: Final = 3
LONGEST_WAIT_S: Final = 600.0
MOST_ROUNDS: Final = 1_000
MOST_TAGS: Final = 64
"""Most tags that a measurement lists."""
RAW_READS_SHOWN: Final = 50
_HEX: Final = re.compile(r"[0-9a-f]*")


@dataclass(slots=True)
class Scanner:
    """An open reader with its settings and its scans."""

    reader: Reader
    set_up: SetUp
    session: ScanSession
    is_clean: bool = True
    """The reader is known to be in no select mode, and to have its own power."""


Run = Callable[[Mapping[str, Value], Scanner, ReportProgress], Awaitable[CommandResult]]


async def run_command(command: Command, scanner: Scanner, report: ReportProgress) -> CommandResult:
    """Run a command of ``COMMANDS``.

    However it ends, the reader is in no select mode afterwards, or ``is_clean`` is False.
    """
    try:
        return await _RUN[command.name](command.arguments, scanner, report)
    except ValueError as fault:
        return CommandResult(ok=False, error=f"{fault}.")


async def _read_config(arguments: Mapping[str, Value], scanner: Scanner, report: ReportProgress) -> CommandResult:
    _take(arguments)
    report(Progress("reading the power"))
    answer = await scanner.reader.repeat(GET_POWER)
    if not isinstance(answer, PowerIs):
        return _failed(no_answer() if answer is None else _refused_power(answer), {})
    return CommandResult(ok=True, values=_config(scanner, answer.centi_dbm))


async def _configure(arguments: Mapping[str, Value], scanner: Scanner, report: ReportProgress) -> CommandResult:
    if "region" in arguments:
        raise ValueError(
            "the region is set with ARCH_STATS_REGION in the settings of the scanner's service: "
            "the law of the country decides it"
        )
    _take(arguments, "power_dbm")
    centi_dbm = _power(arguments)
    report(Progress("setting the power"))
    was_clean, scanner.is_clean = scanner.is_clean, False
    try:
        await _set_power(scanner, centi_dbm)
    except Refused as refused:
        return _failed(refused, _config(scanner, scanner.set_up.centi_dbm))
    scanner.set_up.centi_dbm, scanner.is_clean = centi_dbm, was_clean
    return CommandResult(ok=True, values=_config(scanner, centi_dbm))


async def _inspect_tag(arguments: Mapping[str, Value], scanner: Scanner, report: ReportProgress) -> CommandResult:
    wait_s = _number(arguments, "wait_s", 0.0, LONGEST_WAIT_S, default=0.0)
    _take(arguments, "wait_s")
    work = TagWork()
    return await _work(work, work.inspect(wait_s), scanner, report)


async def _program_arrow(arguments: Mapping[str, Value], scanner: Scanner, report: ReportProgress) -> CommandResult:
    lock = arguments.get("lock", False)
    if not isinstance(lock, bool):
        raise ValueError("lock must be true or false")  # noqa: TRY004 - the value, not a defect
    approval = Approval(_hex(arguments, "epc", 16), _hex(arguments, "tid", 12), _hex(arguments, "memory", 16), lock)
    _take(arguments, "epc", "tid", "memory", "lock")
    programming = Programming(approval)
    return await _work(programming, programming.program(), scanner, report)


async def _measure_reads(arguments: Mapping[str, Value], scanner: Scanner, report: ReportProgress) -> CommandResult:
    centi_dbm = _power(arguments)
    rounds = round(_number(arguments, "rounds", 1, MOST_ROUNDS))
    _take(arguments, "power_dbm", "rounds")
    reads: Counter[str] = Counter()
    is_ready = False
    try:
        await _make_ready(scanner)
        is_ready = True
        await _set_power(scanner, centi_dbm)
        for number in range(rounds):
            report(Progress(f"counting reads at {centi_dbm / 100:g} dBm", number, rounds))
            inventory = await _look(scanner, centi_dbm)
            found = {read.notice.epc.hex() for read in inventory.reads}
            reads.update(epc for epc in found if epc in reads or len(reads) < MOST_TAGS)
    except Refused as refused:
        return _failed(refused, {})
    finally:
        await _clean(scanner, SetPower(scanner.set_up.centi_dbm), is_ready=is_ready)
    return CommandResult(ok=True, values={"rounds": rounds, "power_dbm": centi_dbm / 100, **reads})


async def _raw_reads(arguments: Mapping[str, Value], scanner: Scanner, report: ReportProgress) -> CommandResult:
    del report
    _take(arguments)
    now_ns = time.monotonic_ns()
    latest = list(scanner.session.raw_reads)[::-1][:RAW_READS_SHOWN]
    return CommandResult(
        ok=True,
        values={
            str(number): f"{(now_ns - read.at_ns) / 1e9:.2f} s ago, {read.notice.epc.hex()}, {read.notice.rssi_dbm} dBm"
            for number, read in enumerate(latest, 1)
        },
    )


async def _work(work: TagWork, steps: Steps[None], scanner: Scanner, report: ReportProgress) -> CommandResult:
    """Run a machine to its end, and leave the select mode."""
    reported: dict[str, Value] = {}
    shown: Phase | None = None
    is_ready = False
    try:
        await _make_ready(scanner)
        is_ready = True
        request = next(steps)
        while True:
            if work.phase is not shown or work.evidence != reported:
                news = {key: value for key, value in work.evidence.items() if reported.get(key) != value}
                report(_progress(work, work.phase, news))
                shown, reported = work.phase, dict(work.evidence)
            request = steps.send(await _perform(scanner, work, request))
    except StopIteration:
        return CommandResult(ok=True, values=dict(work.evidence))
    except Refused as refused:
        return _failed(refused, work.evidence)
    finally:
        steps.close()
        report(_progress(work, Phase.CLEANING, {}))
        await _clean(scanner, is_ready=is_ready)


def _progress(work: TagWork, phase: Phase, values: Mapping[str, Value]) -> Progress:
    return Progress(phase, work.phases.index(phase), len(work.phases), values=values)


async def _perform(scanner: Scanner, work: TagWork, request: Request) -> Reply:
    """The reply of the reader. One that lost its settings gets them again, and not the request, which has no reply then.

    Setting it up leaves the select mode, so that a machine must begin with the selection. Raises Refused.
    """
    if isinstance(request, Check):
        await _make_ready(scanner)
        return None
    if scanner.reader.is_doubtful and not await _make_ready(scanner):
        work.on_restart()
        return None
    if isinstance(request, Look):
        if request.pause_s:
            await asyncio.sleep(request.pause_s)
        return await scanner.reader.inventory(is_exact=True)
    return await scanner.reader.ask(request)


async def _make_ready(scanner: Scanner) -> bool:
    """Make sure that the reader has region and power, before it transmits for a command; whether it had them.

    Raises Refused.
    """
    scanner.is_clean = False
    try:
        return await scanner.set_up.ensure(scanner.reader)
    except DeviceUnavailable:
        raise no_answer() from None
    except ProtocolError as fault:
        text = f"The scanner cannot be used: {fault.message}. {fault.hint}"
        raise Refused(Refusal.READER_REFUSED, text) from fault


async def _clean(scanner: Scanner, *more: SetPower, is_ready: bool) -> None:
    """Leave the select mode, and send further commands. What fails is done by the next turn of the plain reader.

    A reader that was not made ready has settings that are not known, so that it is not clean.
    """
    try:
        async with asyncio.timeout(CLEAN_S):
            commands: tuple[HostCommand, ...] = (NEVER, *more)
            answers = [await scanner.reader.repeat(command) for command in commands]
    except (TimeoutError, DriverError):
        return
    scanner.is_clean = is_ready and all(isinstance(answer, Done) and answer.status == OK for answer in answers)


async def _look(scanner: Scanner, centi_dbm: int) -> Round:
    """One inventory at a power. A reader that may have restarted gets region and power first. Raises Refused."""
    failure: Failure | None = None
    for _ in range(CLEAN_TRIES):
        if scanner.reader.is_doubtful:
            await _make_ready(scanner)
            await _set_power(scanner, centi_dbm)
        found = await scanner.reader.inventory(is_exact=True)
        if isinstance(found, Round):
            return found
        failure = found or failure
    raise no_answer(failure)


async def _set_power(scanner: Scanner, centi_dbm: int) -> None:
    """Set the power and read it back. Raises Refused."""
    for _ in range(CLEAN_TRIES):
        answer = await scanner.reader.repeat(SetPower(centi_dbm))
        kept = await scanner.reader.repeat(GET_POWER)
        if kept == PowerIs(centi_dbm):
            return
        if answer is None and kept is None:
            raise no_answer()
    raise _refused_power(kept)


def _refused_power(answer: object) -> Refused:
    kept = f"it keeps {answer.centi_dbm / 100:g} dBm" if isinstance(answer, PowerIs) else str(answer)
    return Refused(
        Refusal.READER_REFUSED,
        f"The reader refused the power: {kept}. Choose a power that the board supports, often 5 to 26 dBm.",
    )


def _config(scanner: Scanner, centi_dbm: int) -> dict[str, Value]:
    return {"power_dbm": centi_dbm / 100, "region": str(scanner.set_up.region)}


def _failed(refused: Refused, values: Mapping[str, Value]) -> CommandResult:
    return CommandResult(
        ok=False, values={**values, **refused.values, "refusal": str(refused.refusal)}, error=str(refused)
    )


def _take(arguments: Mapping[str, Value], *known: str) -> None:
    unknown = sorted(arguments.keys() - set(known))
    if unknown:
        listed = ", ".join(known) or "none"
        raise ValueError(f"unknown setting {', '.join(unknown)}; known is {listed}")


def _power(arguments: Mapping[str, Value]) -> int:
    return round(_number(arguments, "power_dbm", 0.0, MOST_DBM) * 100)


def _number(
    arguments: Mapping[str, Value], name: str, least: float, most: float, default: float | None = None
) -> float:
    value = arguments.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ValueError(f"{name} must be a number from {least:g} to {most:g}")
    return value


def _hex(arguments: Mapping[str, Value], name: str, size: int) -> bytes:
    text = arguments.get(name)
    if not isinstance(text, str) or len(text) != 2 * size or not _HEX.fullmatch(text.lower()):
        raise ValueError(f"{name} must be {2 * size} hexadecimal digits")
    return bytes.fromhex(text)


_RUN: Final[Mapping[str, Run]] = {
    "read_config": _read_config,
    "configure": _configure,
    "inspect_tag": _inspect_tag,
    "program_arrow": _program_arrow,
    "measure_reads": _measure_reads,
    "raw_reads": _raw_reads,
}
COMMANDS: Final = frozenset(_RUN)
