"""Calibrate an arrow scanner beside its running daemon: reads at each power, the choice, and the power set and read back.

The scanner gets its earlier power back unless the calibration is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from edge.common.config.errors import CommandError, UsageError
from edge.common.postgres.connection import DATABASE_FAULTS, Connection
from edge.common.vocabulary import CalibrationKind, CommandState
from edge.operator.calibration.activation import activate
from edge.operator.calibration.arrow_levels import (
    LevelCounts,
    LevelReads,
    choose,
    lone_tag,
    others_from,
    why_none,
)
from edge.operator.calibration.bow_run import refuse_open_session
from edge.operator.calibration.records import (
    Calibration,
    NewCalibration,
    active_calibration,
    append_calibration,
    find_calibrated_device,
)
from edge.operator.calibration.runs import claim_device
from edge.operator.calibration.settings import SETTINGS, SETTINGS_BEFORE, set_settings
from edge.operator.commands import require_done, run_to_end
from edge.operator.device_settings import read_settings

POWER: Final = "power_dbm"
"""Name of the setting that is calibrated: the transmit power in dBm."""
MEASURE: Final = "measure_reads"
"""Name of the command that counts the reads at one power, and restores the earlier power."""
LOWEST_DBM: Final = 5
"""Lowest power unless another is given: the lowest of the readers with the greatest range (data sheet V0.2, RPEUM-26)."""
HIGHEST_DBM: Final = 26
"""Highest power unless another is given (the same data sheet)."""
ROUNDS: Final = 50
"""Inventories at each power unless another number is given."""
ROUND_S: Final = 0.5
"""Longest time of one inventory."""
OVERHEAD_S: Final = 10.0
"""Time of a measurement beside its inventories: the power is set and restored."""
LONGEST_S: Final = 600.0
"""Longest deadline of a command."""
REFUSED: Final = "reader_refused"
"""Value ``refusal`` of a command that the reader refused: it does not have this power."""
OPEN_SESSION: Final = "would take the tags that are read for the arrows that are nocked next"


@dataclass(frozen=True, slots=True)
class ArrowPlan:
    """The measurements that are asked for."""

    lowest_dbm: int = LOWEST_DBM
    highest_dbm: int = HIGHEST_DBM
    rounds: int = ROUNDS
    tag: str | None = None
    """EPC of the tag on the pad, in hexadecimal; None where the lowest power decides."""
    without_other_tag: bool = False
    """Whether no other tag has to answer: then the highest power of the reader is right."""


class ArrowObserver(Protocol):
    """Receives what happens, to show it, and answers whether the tag is the right one."""

    def started(self, plan: ArrowPlan, before: float) -> None:
        """The measurements begin; ``before`` is the scanner's present power in dBm."""
        ...

    def refused(self, power_dbm: float, reason: str) -> None:
        """The reader does not have this power."""
        ...

    def measured(self, level: LevelReads) -> None:
        """The reads at one power are counted."""
        ...

    async def confirm(self, epc: str, arrow: str | None) -> bool:
        """Whether the tag that answers alone at the lowest power is the one on the pad. ``arrow`` is the name of its arrow."""
        ...

    def put_back(self, power_dbm: float) -> None:
        """The scanner has its earlier power again."""
        ...

    def not_put_back(self, power_dbm: float, reason: str) -> None:
        """The scanner could not get its earlier power back."""
        ...


async def calibrate_arrow(
    connection: Connection, device_id: str, plan: ArrowPlan, who: str, observer: ArrowObserver, note: str | None = None
) -> Calibration:
    """Measure at each power, choose one, set it, and store and activate the calibration.

    Raises CommandError when the device is no arrow scanner, its daemon or the reader is away, the tag on the pad is not clear
    or not confirmed, or no power is right.
    """
    await find_calibrated_device(connection, device_id, CalibrationKind.ARROW)
    await refuse_open_session(connection, device_id, OPEN_SESSION)
    await claim_device(connection, device_id)
    if plan.lowest_dbm > plan.highest_dbm:
        raise UsageError(
            f"the lowest power {plan.lowest_dbm} dBm is above the highest {plan.highest_dbm} dBm",
            hint="Correct --from or --to.",
        )
    before = (await read_settings(connection, device_id, who)).get(POWER)
    if not isinstance(before, int | float) or isinstance(before, bool):
        raise CommandError(
            f"{device_id} has no setting {POWER}, so there is nothing to calibrate",
            hint=f"See its settings: `archstats-sensor devices config {device_id}`.",
        )
    observer.started(plan, before)
    try:
        pad, levels = await _Sweep(connection, device_id, plan, who, observer).run()
        chosen = _chosen(levels, pad, plan)
        await set_settings(connection, device_id, {POWER: chosen.power_dbm}, who)
        async with connection.transaction():
            stored = await append_calibration(
                connection, _calibration(device_id, pad, levels, chosen, before, who, note)
            )
            await activate(connection, stored, who, "calibrated")
    except BaseException:
        # Whatever ends it, Ctrl-C too: with the power of a measurement the scanner would read other arrows, or none.
        await _put_back(connection, device_id, before, who, observer)
        raise
    return await active_calibration(connection, device_id, CalibrationKind.ARROW) or stored


@dataclass(slots=True)
class _Sweep:
    """The measurements from the lowest power to the highest."""

    connection: Connection
    device_id: str
    plan: ArrowPlan
    who: str
    observer: ArrowObserver
    counts: list[LevelCounts] = field(default_factory=list)
    pad: str | None = None

    async def run(self) -> tuple[str, list[LevelReads]]:
        """The tag on the pad, and the reads at each power. Raises CommandError where no tag answers at any."""
        self.pad = self.plan.tag
        refusal = ""
        for power in range(self.plan.lowest_dbm, self.plan.highest_dbm + 1):
            measured = await self._measure(power)
            if isinstance(measured, str):
                refusal = measured
                self.observer.refused(power, measured)
                if self.counts:
                    break  # above the highest power of this reader
                continue
            self.counts.append(measured)
            if self.pad is None and measured.reads:
                self.pad = await self._identify()
            self.observer.measured(measured.beside(self.pad))
        if not self.counts:
            raise CommandError(
                f"{self.device_id} takes no power from {self.plan.lowest_dbm} to {self.plan.highest_dbm} dBm: {refusal}",
                hint="Give others with --from and --to; the page of its driver has the powers of each reader.",
            )
        if self.pad is None:
            raise CommandError(
                f"no tag answered up to {self.counts[-1].power_dbm:g} dBm, so it keeps its earlier power",
                hint="Lay the arrow's tag on the pad, flat above the antenna, and check the antenna and its cable.",
            )
        return self.pad, [one.beside(self.pad) for one in self.counts]

    async def _measure(self, power: int) -> LevelCounts | str:
        """The reads at one power, or the reason why the reader does not have it."""
        arguments = {POWER: float(power), "rounds": self.plan.rounds}
        deadline_s = min(OVERHEAD_S + self.plan.rounds * ROUND_S, LONGEST_S)
        command = await run_to_end(self.connection, self.device_id, MEASURE, arguments, self.who, deadline_s=deadline_s)
        result = command.result or {}
        if command.state is CommandState.FAILED and result.get("refusal") == REFUSED:
            return (command.error or "refused").removesuffix(".")
        require_done(command)
        try:
            counts = LevelCounts.from_result(result)
        except ValueError:
            raise CommandError(
                f"{self.device_id} reported no reads ({result})", hint="Please report this as a bug."
            ) from None
        if abs(counts.power_dbm - power) >= 0.5:
            return f"it measured at {counts.power_dbm:g} dBm"
        return counts

    async def _identify(self) -> str:
        """The tag that answers alone, confirmed. Raises CommandError for several, and where it is not the one on the pad."""
        epc = lone_tag(self.counts)
        last = self.counts[-1]
        if epc is None:
            raise CommandError(
                f"{len(last.reads)} tags answered at {last.power_dbm:g} dBm, the lowest power at which any did: "
                f"{' '.join(sorted(last.reads))}",
                hint="Put all tags but the one on the pad farther away, or name the one on the pad with --tag EPC.",
            )
        label = await self.connection.fetchval(
            "select human_identifier from arrows where replace(id::text, '-', '') = $1", epc
        )
        if not await self.observer.confirm(epc, label):
            raise CommandError(
                f"tag {epc} answered first and is not the one on the pad, so nothing was changed",
                hint="Put that tag away, or name the one on the pad with --tag EPC.",
            )
        return epc


def _chosen(levels: Sequence[LevelReads], pad: str, plan: ArrowPlan) -> LevelReads:
    found = choose(levels)
    if found is not None and others_from(levels) is None and not plan.without_other_tag:
        raise CommandError(
            f"no other tag answered up to {levels[-1].power_dbm:g} dBm, so nothing shows which power is too high; "
            "the scanner keeps its earlier one",
            hint="Lay a second tag 30 cm away, where the nearest other arrow may lie later, and calibrate again. If the "
            "reader does not reach a tag there, add --without-other-tag.",
        )
    if found is not None:
        return found
    reason, hint = why_none(levels, pad)
    raise CommandError(f"no power is right: {reason}; the scanner keeps its earlier one", hint=hint)


async def _put_back(connection: Connection, device_id: str, power: float, who: str, observer: ArrowObserver) -> None:
    """Give the scanner its earlier power. A fault is shown, and does not replace what ended the calibration."""
    if connection.is_closed():
        observer.not_put_back(power, "the database is away")
        return
    try:
        await set_settings(connection, device_id, {POWER: power}, who)
    except CommandError as fault:
        observer.not_put_back(power, fault.message)
    except DATABASE_FAULTS:
        observer.not_put_back(power, "the database is away")
        raise
    else:
        observer.put_back(power)


def _calibration(
    device_id: str,
    pad: str,
    levels: Sequence[LevelReads],
    chosen: LevelReads,
    before: float,
    who: str,
    note: str | None,
) -> NewCalibration:
    parameters: Mapping[str, object] = {
        SETTINGS: {POWER: chosen.power_dbm},
        SETTINGS_BEFORE: {POWER: before},
        "pad_tag": pad,
        "pad": chosen.pad,
        "rounds": chosen.rounds,
        "others_from_dbm": others_from(levels),
    }
    return NewCalibration(
        device_id, CalibrationKind.ARROW, parameters, [level.to_json() for level in levels], who, note=note
    )
