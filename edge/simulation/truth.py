"""``archstats-sensor truth``: prints the true shots of a simulated range, for comparison with a database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from edge.common.bounds import EARLIEST, LATEST
from edge.common.config.errors import UsageError
from edge.common.console import as_json, say
from simulators.world.instants import from_iso
from simulators.world.range import FIXED_START_US, Release, World, truth_line

PIECE_US = 600_000_000
"""Length of the interval that is drawn at a time, so that the first lines are printed at once."""
MIN_US, MAX_US = from_iso(EARLIEST.isoformat()), from_iso(LATEST.isoformat())


def print_truth(
    *, seed: int, start: str | None, speed: float, since: str | None, until: str | None, lanes: int
) -> None:
    """Print one JSON line per release with ``since <= released_at < until``, in order of release.

    Raises UsageError when an instant cannot be parsed.
    """
    start_us = FIXED_START_US if start is None else microseconds("--start", start)
    since_us = start_us if since is None else microseconds("--since", since)
    until_us = round(datetime.now(UTC).timestamp() * 1_000_000) if until is None else microseconds("--until", until)
    for release in in_order(World(seed, start_us, speed), lanes, max(since_us, start_us), until_us):
        say(as_json(truth_line(release)))


def in_order(world: World, lanes: int, since_us: int, until_us: int) -> Iterator[Release]:
    """The releases of lanes 1 .. ``lanes`` in order of release, drawn piece by piece."""
    for piece_us in range(since_us, until_us, PIECE_US):
        yield from world.all_releases(lanes, piece_us, min(piece_us + PIECE_US, until_us))


def microseconds(option: str, text: str) -> int:
    """Parse an option's ISO 8601 instant into microseconds since the epoch. Raises UsageError."""
    try:
        at_us = from_iso(text)
    except ValueError as error:
        raise UsageError(
            f"{option} {text} is not an instant with a time zone", hint="Write it like 2026-01-01T12:00:00Z."
        ) from error
    if not MIN_US <= at_us <= MAX_US:
        raise UsageError(
            f"{option} {text} does not lie between {EARLIEST:%Y} and {LATEST:%Y} in UTC", hint="Correct the year."
        )
    return at_us
