"""Lines about the reads of an arrow scanner and its calibration, for people. Pure."""

from __future__ import annotations

from edge.operator.calibration.arrow_levels import LevelReads
from edge.operator.calibration.records import Calibration
from edge.operator.calibration.settings import settings_before, settings_of

POWER = "power_dbm"


def level_line(level: LevelReads) -> str:
    """The reads at one power."""
    others = ", ".join(f"{epc} in {count}" for epc, count in sorted(level.others.items())) or "none"
    return f"{level.power_dbm:>4g} dBm: tag on the pad in {level.pad} of {level.rounds} rounds; others: {others}"


def power_text(calibration: Calibration) -> str:
    """The power of a calibration."""
    return f"power {_dbm(settings_of(calibration).get(POWER))}"


def arrow_lines(calibration: Calibration) -> list[str]:
    """The calibration of an arrow scanner: its power, the tag on the pad, and the reads at each power."""
    found = calibration.parameters
    others = found.get("others_from_dbm")
    heard = "no other tag at any power" if others is None else f"another tag from {_dbm(others)} on"
    return [
        f"  {power_text(calibration)}, was {_dbm(settings_before(calibration).get(POWER))}",
        f"  tag on the pad {found.get('pad_tag')}, read in {found.get('pad')} of {found.get('rounds')} rounds; {heard}",
        *(f"  {level_line(_level(point))}" for point in calibration.points),
    ]


def doubt(calibration: Calibration) -> str | None:
    """A doubt about the result of a calibration, with the remedy; None without one."""
    if calibration.parameters.get("others_from_dbm") is not None:
        return None
    return (
        "No other tag was read at any power, so only --to and the reader limit it. Lay another arrow where it may lie later, "
        "and check that `archstats-sensor arrow verify` reads the one on the pad alone."
    )


def _level(point: object) -> LevelReads:
    if not isinstance(point, dict):
        return LevelReads(0.0, 0, 0, {})
    return LevelReads(point["power_dbm"], point["rounds"], point["pad"], point["others"])


def _dbm(value: object) -> str:
    return f"{value:g} dBm" if isinstance(value, int | float) else "not known"
