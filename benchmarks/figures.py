"""Results of a benchmark: the figure, its floor in the same run, their ratio and the design's budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One result of a benchmark."""

    name: str
    value: float
    unit: str
    budget: str = ""
    """Budget of the design, in words; empty if there is none."""
    floor: float | None = None
    """Cost of the same work without our code; None if nothing is comparable."""

    def line(self) -> str:
        """Return the figure as a row of a Markdown table, for the terminal and results.md."""
        ratio = f"{self.value / self.floor:.2f}" if self.floor else "-"
        floor = f"{self.floor:,.4g}" if self.floor is not None else "-"
        return f"| {self.name} | {self.value:,.4g} {self.unit} | {floor} | {ratio} | {self.budget or '-'} |"


HEADER = "| figure | measured | floor | ratio | budget |\n|---|---|---|---|---|"


def show(figures: Sequence[Figure]) -> None:
    """Print the figures as a Markdown table."""
    print(HEADER)
    for figure in figures:
        print(figure.line(), flush=True)


def percentile(values: Sequence[float], part: float) -> float:
    """Return the value that a ``part`` (0..1) of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]
