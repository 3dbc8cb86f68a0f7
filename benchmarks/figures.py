"""What a benchmark found, as one line: the figure, its floor in the same run, their ratio, and what the design allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One result."""

    what: str
    value: float
    unit: str
    budget: str = ""
    """What the design allows, in words; empty where it says nothing."""
    floor: float | None = None
    """What the same work costs without us; None where there is nothing to compare with."""

    def line(self) -> str:
        """The figure for people, and for results.md."""
        ratio = f"{self.value / self.floor:.2f}" if self.floor else "-"
        floor = f"{self.floor:,.4g}" if self.floor is not None else "-"
        return f"| {self.what} | {self.value:,.4g} {self.unit} | {floor} | {ratio} | {self.budget or '-'} |"


HEADER = "| what | measured | floor | ratio | budget |\n|---|---|---|---|---|"


def show(figures: Sequence[Figure]) -> None:
    """Print them as a table of Markdown."""
    print(HEADER)
    for figure in figures:
        print(figure.line(), flush=True)


def percentile(values: Sequence[float], part: float) -> float:
    """The value that ``part`` (0..1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]
