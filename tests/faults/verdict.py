"""Verdict on a chaos run: shots lost, duplicated or wrong, and parts that hang."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg

from tests.acceptance.simulated_range import Json, differences, same_instant


@dataclass
class Verdict:
    """Violations of the promises, one list per kind; all are empty in a clean run."""

    shots: int = 0
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    hung: list[str] = field(default_factory=list)
    feed: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether no promise was broken."""
        return not (self.lost or self.duplicated or self.wrong or self.hung or self.feed)

    def lines(self) -> list[str]:
        """The last lines of the table."""
        counts = (
            f"{self.shots} shots: {len(self.lost)} lost, {len(self.duplicated)} duplicated, {len(self.wrong)} wrong"
        )
        details = [*self.lost, *self.duplicated, *self.wrong, *self.hung, *self.feed]
        return [f"{counts}, {len(self.hung)} hung, {len(self.feed)} faults of the feed", *details]


def compare(rows: Sequence[asyncpg.Record], expected: Sequence[Json], verdict: Verdict) -> None:
    """Compare the stored shots with the truth, matched by lane and instant of release."""
    verdict.shots = len(expected)
    left = list(rows)
    for line in expected:
        name = f"lane {line['lane']} shot {line['shot']} of {line['released_at']}"
        own = [
            row
            for row in left
            if row["lane"] == line["lane"] and same_instant(row["arrow_disengage_time"], line["released_at"])
        ]
        if not own:
            verdict.lost.append(f"lost: {name}")
            continue
        left = [row for row in left if row not in own]
        verdict.duplicated += [f"duplicated: {name} as {row['id']}" for row in own[1:]]
        verdict.wrong += [f"wrong: {found}" for found in differences(own[:1], [line])]
    verdict.duplicated += [
        f"never shot: {row['id']} lane {row['lane']} {row['result']} {row['flags']} released"
        f" {row['arrow_disengage_time']} landed {row['arrow_landing_time']}"
        for row in left
    ]
