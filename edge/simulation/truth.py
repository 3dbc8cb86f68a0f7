"""``archstats-sensor truth``: the simulated range's own account, to hold a database against."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from edge.common.config.errors import UsageError
from edge.common.console import as_json, say
from simulators.world.range import FIXED_START_US, Release, World, truth_line

PIECE_US = 600_000_000
"""What is drawn at a time, so that the first lines come at once however much is asked for."""


def print_truth(
    *, seed: int, start: str | None, speed: float, since: str | None, until: str | None, lanes: int
) -> None:
    """One JSON line a release with ``since <= released_at < until``, in the order of release, each as soon as it is known.

    Raises Mistyped when an instant cannot be understood.
    """
    start_us = FIXED_START_US if start is None else microseconds("--start", start)
    since_us = start_us if since is None else microseconds("--since", since)
    until_us = round(datetime.now(UTC).timestamp() * 1_000_000) if until is None else microseconds("--until", until)
    for release in in_order(World(seed, start_us, speed), lanes, max(since_us, start_us), until_us):
        say(as_json(truth_line(release)))


def in_order(world: World, lanes: int, since_us: int, until_us: int) -> Iterator[Release]:
    """The releases of lanes 1 .. ``lanes``, drawn piece by piece."""
    for piece_us in range(since_us, until_us, PIECE_US):
        yield from world.all_releases(lanes, piece_us, min(piece_us + PIECE_US, until_us))


def microseconds(option: str, text: str) -> int:
    """An ISO 8601 instant as microseconds since the epoch; exact, where a float would not be."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as fault:
        raise UsageError(f"{option} {text} is no instant", hint="Write it like 2026-01-01T12:00:00Z") from fault
    if instant.tzinfo is None:
        raise UsageError(f"{option} {text} has no time zone", hint="Add Z or an offset: 2026-01-01T12:00:00Z")
    passed = instant - datetime(1970, 1, 1, tzinfo=UTC)
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds
