"""Results of a benchmark: a figure for each round, its floor in the same round, their ratios and the design's budget."""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROUNDS = 5
"""Rounds by default: fewer give no idea of the spread."""


class Bound(StrEnum):
    """The side of a budget on which a figure meets it."""

    AT_MOST = "at most"
    AT_LEAST = "at least"


class Scale(StrEnum):
    """The number that a budget limits."""

    VALUE = "value"
    RATIO = "ratio"


class Budget(NamedTuple):
    """A limit of the design. The median of the rounds decides."""

    bound: Bound
    limit: float
    scale: Scale = Scale.RATIO


class Spread(NamedTuple):
    """Median and range of the rounds."""

    median: float
    smallest: float
    largest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return median and range. Raises ValueError without a value."""
        return cls(median(values), min(values), max(values))

    def __str__(self) -> str:
        if self.smallest == self.largest:
            return _short(self.median)
        return f"{_short(self.median)} [{_short(self.smallest)}-{_short(self.largest)}]"


@dataclass(frozen=True, slots=True)
class Figure:
    """One result of a benchmark."""

    name: str
    unit: str
    values: Sequence[float]
    """The measured value of each round."""
    floors: Sequence[float] = ()
    """Cost of the same work without our code in the same rounds; empty if nothing is comparable."""
    budget: Budget | None = None

    def __post_init__(self) -> None:
        if not self.values or (self.floors and len(self.floors) != len(self.values)):
            raise ValueError(
                f"{self.name}: {len(self.values)} values and {len(self.floors)} floors. Give one of each a round."
            )

    @property
    def ratios(self) -> list[float]:
        """Value over floor of each round; empty without floors."""
        return [value / floor if floor else math.inf for value, floor in zip(self.values, self.floors, strict=False)]

    @property
    def is_met(self) -> bool | None:
        """Whether the median meets the budget; None without a budget, or without the floor that it needs."""
        limited = self.values if self.budget is None or self.budget.scale is Scale.VALUE else self.ratios
        if self.budget is None or not limited:
            return None
        found = median(limited)
        return found <= self.budget.limit if self.budget.bound is Bound.AT_MOST else found >= self.budget.limit

    def line(self) -> str:
        """Return the figure as a row of a Markdown table, for the terminal and results.md."""
        floor = str(Spread.of(self.floors)) if self.floors else "-"
        ratio = str(Spread.of(self.ratios)) if self.floors else "-"
        return f"| {self.name} | {Spread.of(self.values)} {self.unit} | {floor} | {ratio} | {self._verdict()} |"

    def _verdict(self) -> str:
        if self.budget is None:
            return "-"
        unit = self.unit if self.budget.scale is Scale.VALUE else "of the floor"
        verdict = {True: "met", False: "missed", None: "no floor"}[self.is_met]
        return f"{self.budget.bound} {self.budget.limit:g} {unit}: {verdict}"


HEADER = "| figure | measured | floor | ratio | budget |\n|---|---|---|---|---|"


def options(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options of every benchmark: ``--rounds`` and ``--json``."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds of the measurement, by default {ROUNDS}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also save every round's figures to this file")
    return parser


def show(figures: Sequence[Figure], save_to: Path | None = None) -> None:
    """Print the figures as a Markdown table, median and range of the rounds, and save every round as JSON if asked."""
    print(HEADER)
    for figure in figures:
        print(figure.line(), flush=True)
    if save_to is not None:
        save_to.write_text(json.dumps(_saved(figures), indent=1) + "\n")


def percentile(values: Sequence[float], part: float) -> float:
    """Return the value that a ``part`` (0..1) of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]


def _saved(figures: Sequence[Figure]) -> dict[str, object]:
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg(),
        "figures": [
            {
                "name": figure.name,
                "unit": figure.unit,
                "values": list(figure.values),
                "floors": list(figure.floors),
                "ratios": figure.ratios,
                "budget": figure.budget and figure.budget._asdict(),
                "met": figure.is_met,
            }
            for figure in figures
        ],
    }


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
