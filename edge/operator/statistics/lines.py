"""The statistics of a session as lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from edge.operator.shot_format import score_text
from edge.statistics import (
    ArrowStatistics,
    EndTotals,
    Group,
    SessionFacts,
    SessionStatistics,
    SightCorrection,
    Spread,
    Trend,
)

TERM_WIDTH = 18
WHOLE_FROM_MM = 9.95
"""Lengths from here on have no decimals."""


def statistics_lines(facts: SessionFacts, found: SessionStatistics) -> Iterator[str]:
    """The statistics for people."""
    sums = found.totals
    if not found.ends:
        yield "No shot yet."
        return
    best = "" if found.best_points is None else f" of {found.best_points}"
    average = "" if sums.average is None else f", average {sums.average:.2f}"
    undecided = f", {sums.undecided} not decided" if sums.undecided else ""
    archers = f" of {len(found.slots)} archers" if facts.is_shared else ""
    yield f"{_arrows(sums.arrows)}{archers}: {sums.points} points{best}{average}"
    yield f"  {sums.hits} hits, {sums.xs} X, {sums.misses} misses{undecided}"
    yield "Ends, highest first; S: sighters, which do not count"
    yield from _end_lines(facts, found.ends)
    if found.group is not None:
        yield f"Group of {_arrows(found.group.n)}"
        yield from _group_lines(found.group, found.sight, found.spread_from)
    for slot in found.slots if facts.is_shared else ():
        of = "" if slot.best_points is None else f" of {slot.best_points}"
        yield f"Slot {slot.letter}: {_arrows(slot.totals.arrows)}, {slot.totals.points} points{of}"
        if slot.group is not None:
            yield from _group_lines(slot.group, slot.sight, found.spread_from)
    if found.arrows:
        yield "Arrows, from the other arrows"
        yield from _arrow_lines(found.arrows)


def _end_lines(facts: SessionFacts, ends: tuple[EndTotals, ...]) -> Iterator[str]:
    values = {shot.id: score_text(shot.result, shot.points, is_x=shot.is_x) for shot in facts.shots}
    rows = [[f"{values[shot]:>3}" for shot in end.shots] for end in ends]
    width = max(len("".join(row)) for row in rows)
    letter = None
    for end, row in zip(ends, rows, strict=True):
        if facts.is_shared and (letter is None or end.slot != letter):
            letter = end.slot or ""
            yield f"  slot {letter}" if letter else "  no slot"
        if end.number is None:
            name = "-"
        else:
            name = f"S{end.number}" if end.is_sighter else str(end.number - facts.sighter_ends)
        total = "" if end.running is None else f"  total {end.running}"
        yield f"  {name:>3} {''.join(row):<{width}}  sum {end.totals.points:>3}{total}"


def _group_lines(group: Group, sight: SightCorrection | None, spread_from: int) -> Iterator[str]:
    """The words of the live page (``texts/en.js``), all of them at once."""
    known = "" if group.error_mm is None else f" (known to ± {_mm(group.error_mm)})"
    yield _line("Group centre", f"{_offset(group.dx_mm, group.dy_mm)}{known}")
    if group.extreme_spread_mm is not None:
        yield _line("Group size", f"{_mm(group.extreme_spread_mm)} ({_arrows(group.n)})")
    yield _line("Sight", _sight(sight))
    if group.spread is None or group.r50_mm is None or group.r95_mm is None:
        yield _line("Spread (1 sigma)", f"needs {_arrows(spread_from)}")
    else:
        yield _line("Spread (1 sigma)", _spread(group.spread))
        yield _line("Half the arrows", f"within {_mm(group.r50_mm)}, 95 of 100 within {_mm(group.r95_mm)}")
    if group.mean_radius_mm is not None:
        yield _line("Mean radius", _mm(group.mean_radius_mm))
    if group.trend is not None:
        yield _line("Later half", _trend(group.trend))


def _line(term: str, text: str) -> str:
    return f"  {term:<{TERM_WIDTH}}{text}"


def _sight(sight: SightCorrection | None) -> str:
    moves = []
    if sight is not None and sight.right_mm is not None:
        moves.append(f"{'left' if sight.right_mm < 0 else 'right'} {_turn(sight.right_mm)}")
    if sight is not None and sight.up_mm is not None:
        moves.append(f"{'down' if sight.up_mm < 0 else 'up'} {_turn(sight.up_mm)}")
    if sight is not None and sight.is_centred:
        return "No change: the group is centred"
    if sight is None or not moves:
        return "No change: too few arrows to be sure"
    return f"{', '.join(moves)} ({sight.eye_to_sight_m:.2f} m from the eye to the sight)"


def _turn(mm: float) -> str:
    return f"{abs(mm):.{2 if abs(mm) < 0.095 else 1}f} mm"


def _trend(trend: Trend) -> str:
    changes = []
    if trend.moved_x:
        changes.append(f"{_mm(abs(trend.dx_mm))} further {'left' if trend.dx_mm < 0 else 'right'}")
    if trend.moved_y:
        changes.append(f"{_mm(abs(trend.dy_mm))} {'lower' if trend.dy_mm < 0 else 'higher'}")
    changes += ["wider"] * trend.is_wider + ["tighter"] * trend.is_tighter
    change = ", ".join(changes) or "same as the earlier half"
    return f"{change} (± {_mm(trend.error_mm)}; spread {_spread(trend.before)}, then {_spread(trend.after)})"


def _spread(spread: Spread) -> str:
    """Sigma with its interval, without which it says nothing of a few arrows."""
    return f"{_mm(spread.sigma_mm)} (95 %: {_number(spread.low_mm)}-{_number(spread.high_mm)})"


def _arrow_lines(arrows: tuple[ArrowStatistics, ...]) -> Iterator[str]:
    names = {arrow: arrow.name or f"tag {(arrow.arrow_tag or '?')[:8]}" for arrow in arrows}
    width = max(map(len, names.values()))
    for arrow in sorted(arrows, key=lambda one: names[one]):
        average = "-" if arrow.totals.average is None else f"{arrow.totals.average:.2f}"
        words = [
            f"  {names[arrow]:<{width}}",
            f"{arrow.totals.arrows:>3} {'shot ' if arrow.totals.arrows == 1 else 'shots'}",
            f"average {average:>5}",
        ]
        bias = arrow.bias
        if bias.dx_mm is not None and bias.dy_mm is not None:
            error = "" if bias.error_mm is None else f" (± {_mm(bias.error_mm)})"
            words.append(f"{_offset(bias.dx_mm, bias.dy_mm)}{error}")
        if bias.is_suspect and bias.bias_mm is not None:
            words.append(f"check arrow {names[arrow]}: {_mm(bias.bias_mm)} off in {bias.placed} shots")
        yield "  ".join(words)


def _arrows(n: int) -> str:
    return "1 arrow" if n == 1 else f"{n} arrows"


def _mm(value: float) -> str:
    return f"{_number(value)} mm"


def _number(value: float) -> str:
    """A length with as many decimals as an archer can use."""
    return f"{value:.{1 if abs(value) < WHOLE_FROM_MM else 0}f}"


def _offset(dx_mm: float, dy_mm: float) -> str:
    """An offset as the archer sees it, looking at the target."""
    across = f"{_mm(abs(dx_mm))} {'left' if dx_mm < 0 else 'right'}"
    return f"{across}, {_mm(abs(dy_mm))} {'low' if dy_mm < 0 else 'high'}"
