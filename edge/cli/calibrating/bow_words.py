"""Lines about a bow's trials and its calibration, for people."""

from __future__ import annotations

from edge.operator.calibration.bow_trials import TrialResult
from edge.operator.calibration.records import Calibration


def trial_line(result: TrialResult) -> str:
    """One trial: its threshold, errors and latency."""
    latency = result.release_latency_s
    timing = "no release at the cue" if latency is None else f"release {round(latency * 1000):+d} ms after the cue"
    return f"threshold {result.trial.threshold:>5}: {result.false_edges} false, {result.missed_edges} missed edges; {timing}"


def bow_lines(calibration: Calibration) -> list[str]:
    """The calibration of a bow: errors by threshold, the error-free range, and the latency of its releases."""
    found = calibration.parameters
    errors: dict[int, list[int]] = {}
    for point in calibration.points:
        total = errors.setdefault(int(str(point["threshold"])), [0, 0, 0])
        for column, count in enumerate((1, point["false_edges"], point["missed_edges"])):
            total[column] += int(str(count))
    return [
        f"  threshold {found['threshold']}, the middle of {found['free_from']} to {found['free_to']}, which were free of errors",
        *(
            f"  {threshold:>5}: {trials} trials, {false} false edges, {missed} missed"
            for threshold, (trials, false, missed) in sorted(errors.items())
        ),
        (
            f"  release after its cue: median {_ms(found['release_latency_median_s'])}, "
            f"95 % within {_ms(found['release_latency_p95_s'])}, of {found['releases']} releases"
        ),
    ]


def _ms(seconds: object) -> str:
    return f"{round(float(str(seconds)) * 1000)} ms"
