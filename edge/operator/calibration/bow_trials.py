"""Trials of a bow's threshold, and the choice that follows from them. Pure.

In a trial one arrow is nocked and released at two known instants, the *cues*. Each cue should be one edge of the bow; every
other edge is a false one, and a cue without an edge is a missed one.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from drivers.clock.instant import Instant
from edge.common.vocabulary import ReadingKind

REACH_S: Final = 1.0
"""Longest time between a cue and its edge, in either direction, and the part of a trial before the first and after the last cue."""
SPAN: Final = 5.0
"""Thresholds are tried from the present one divided by this to the present one times this."""
PER_THRESHOLD: Final = 2
"""Trials of one threshold."""
GREATEST_THRESHOLD: Final = 0xFFFF
P95: Final = 0.95


@dataclass(frozen=True, slots=True)
class Trial:
    """One nocking and release at cues, under one threshold."""

    threshold: int
    engaged: Instant
    """Cue of the nocking."""
    released: Instant
    """Cue of the release."""
    since: datetime
    """Edges from here on belong to the trial."""
    until: datetime
    """Edges up to here do."""

    def to_json(self) -> dict[str, object]:
        """The trial as JSON, for the run that goes on after an interruption."""
        boot = self.engaged.host_boot_id
        return {
            "threshold": self.threshold,
            "engaged_at": self.engaged.at.isoformat(),
            "released_at": self.released.at.isoformat(),
            "engaged_mono_ns": self.engaged.mono_ns,
            "released_mono_ns": self.released.mono_ns,
            "host_boot_id": None if boot is None else str(boot),
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Trial:
        """The trial that :meth:`to_json` wrote."""
        boot = UUID(str(value["host_boot_id"])) if value["host_boot_id"] else None

        def cue(name: str) -> Instant:
            mono = value[f"{name}_mono_ns"]
            return Instant(_at(value[f"{name}_at"]), mono if isinstance(mono, int) else None, boot)

        return cls(
            int(str(value["threshold"])), cue("engaged"), cue("released"), _at(value["since"]), _at(value["until"])
        )


@dataclass(frozen=True, slots=True)
class Edge:
    """A nocking or a release that the bow reported."""

    kind: ReadingKind
    instant: Instant


@dataclass(frozen=True, slots=True)
class TrialResult:
    """The edges of one trial, compared with its cues."""

    trial: Trial
    false_edges: int
    missed_edges: int
    engage_latency_s: float | None
    """The bow's stamp of the nocking minus the cue; None when it was missed."""
    release_latency_s: float | None
    """The same for the release."""

    @property
    def has_errors(self) -> bool:
        """Whether an edge was false or missed."""
        return self.false_edges + self.missed_edges > 0

    def to_json(self) -> dict[str, object]:
        """The result as JSON, as stored with the calibration."""
        return {
            "threshold": self.trial.threshold,
            "engaged_at": self.trial.engaged.at.isoformat(),
            "released_at": self.trial.released.at.isoformat(),
            "false_edges": self.false_edges,
            "missed_edges": self.missed_edges,
            "engage_latency_s": self.engage_latency_s,
            "release_latency_s": self.release_latency_s,
        }


@dataclass(frozen=True, slots=True)
class ThresholdErrors:
    """The errors of all trials under one threshold."""

    threshold: int
    trials: int
    false_edges: int
    missed_edges: int

    @property
    def is_free(self) -> bool:
        """Whether no edge was false or missed."""
        return self.false_edges + self.missed_edges == 0


@dataclass(frozen=True, slots=True)
class BowChoice:
    """The threshold that follows from trials, and the latency of releases in its error-free range."""

    threshold: int
    """Middle of the error-free range."""
    free_from: int
    """Lowest threshold of that range that was tried."""
    free_to: int
    """Highest threshold of that range that was tried."""
    releases: int
    """Releases in that range, from which the latency is."""
    latency_median_s: float
    latency_p95_s: float


def thresholds_between(low: int, high: int, count: int) -> list[int]:
    """``count`` different thresholds from ``low`` to ``high``, each by about the same factor above the one before; fewer where
    the range holds fewer whole numbers.
    """
    first, last = max(low, 1), max(high, 1)
    steps = max(count - 1, 1)
    tried = {low, high, *(round(first * (last / first) ** (step / steps)) for step in range(count))}
    return sorted(one for one in tried if low <= one <= high)


def spread(low: int, high: int, trials: int) -> list[int]:
    """The threshold of each trial, lowest first: two trials each, and more of the lowest ones where thresholds are few."""
    chosen = thresholds_between(low, high, max(trials // PER_THRESHOLD, 1))
    return sorted(chosen[number % len(chosen)] for number in range(trials))


def next_threshold(plan: Sequence[int], trials: Sequence[Trial]) -> int | None:
    """The lowest threshold that has fewer trials than planned; None when none has."""
    taken = [trial.threshold for trial in trials]
    return next((one for one in sorted(set(plan)) if taken.count(one) < plan.count(one)), None)


def judge(trial: Trial, edges: Sequence[Edge]) -> TrialResult:
    """Compare the edges of a trial with its cues: the nearest edge of the right kind belongs to a cue."""
    engage = _latency(trial.engaged, ReadingKind.ENGAGE, edges)
    release = _latency(trial.released, ReadingKind.RELEASE, edges)
    missed = (engage is None) + (release is None)
    return TrialResult(trial, len(edges) - (2 - missed), missed, engage, release)


def errors_by_threshold(results: Sequence[TrialResult]) -> list[ThresholdErrors]:
    """The errors of each threshold that was tried, lowest first."""
    by_threshold: dict[int, list[TrialResult]] = {}
    for result in results:
        by_threshold.setdefault(result.trial.threshold, []).append(result)
    return [
        ThresholdErrors(
            threshold, len(those), sum(one.false_edges for one in those), sum(one.missed_edges for one in those)
        )
        for threshold, those in sorted(by_threshold.items())
    ]


def choose(results: Sequence[TrialResult]) -> BowChoice | None:
    """The middle of the widest range of thresholds, one beside the other, that were all free of errors; None without any.

    Of two ranges of the same width it is the lower one.
    """
    best: list[int] = []
    present: list[int] = []
    for errors in errors_by_threshold(results):
        present = [*present, errors.threshold] if errors.is_free else []
        if present and (not best or present[-1] - present[0] > best[-1] - best[0]):
            best = present
    if not best:
        return None
    latencies = [
        one.release_latency_s
        for one in results
        if one.release_latency_s is not None and best[0] <= one.trial.threshold <= best[-1]
    ]
    return BowChoice(
        threshold=round((best[0] + best[-1]) / 2),
        free_from=best[0],
        free_to=best[-1],
        releases=len(latencies),
        latency_median_s=statistics.median(latencies),
        latency_p95_s=quantile(latencies, P95),
    )


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies, by linear interpolation between their ranks."""
    ordered = sorted(values)
    rank = share * (len(ordered) - 1)
    below = math.floor(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (rank - below)


def seconds_between(edge: Instant, cue: Instant) -> float:
    """The instant of an edge minus that of a cue, in seconds; by the monotonic clock where both have it."""
    if edge.mono_ns is not None and cue.mono_ns is not None and edge.host_boot_id == cue.host_boot_id:
        return (edge.mono_ns - cue.mono_ns) / 1e9
    return (edge.at - cue.at).total_seconds()


def _latency(cue: Instant, kind: ReadingKind, edges: Sequence[Edge]) -> float | None:
    distances = [seconds_between(edge.instant, cue) for edge in edges if edge.kind is kind]
    nearest = min(distances, key=abs, default=None)
    return None if nearest is None or abs(nearest) > REACH_S else nearest


def _at(value: object) -> datetime:
    return datetime.fromisoformat(str(value))
