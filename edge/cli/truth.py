"""``archstats-sensor truth``: the simulated range's own account, to hold a database against."""

from __future__ import annotations

from datetime import UTC, datetime

from edge.cli.printing import as_json, say
from edge.common.errors import ConfigError
from simulators.world import FIXED_START_US, World, truth_line


def print_truth(
    *, seed: int, start: str | None, speed: float, since: str | None, until: str | None, lanes: int
) -> None:
    """One JSON line a release with ``since <= released_at < until``, in the order of release.

    Raises ConfigError when an instant cannot be understood.
    """
    start_us = FIXED_START_US if start is None else microseconds("--start", start)
    since_us = start_us if since is None else microseconds("--since", since)
    until_us = round(datetime.now(UTC).timestamp() * 1_000_000) if until is None else microseconds("--until", until)
    world = World(seed, start_us, speed)
    releases = [r for lane in range(1, lanes + 1) for r in world.releases(lane, since_us, until_us)]
    for release in sorted(releases, key=lambda r: (r.released_us, r.lane)):
        say(as_json(truth_line(release)))


def microseconds(option: str, text: str) -> int:
    """An ISO 8601 instant as microseconds since the epoch; exact, where a float would not be."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as fault:
        raise ConfigError(f"{option} {text} is no instant", hint="Write it like 2026-01-01T12:00:00Z") from fault
    if instant.tzinfo is None:
        raise ConfigError(f"{option} {text} has no time zone", hint="Add Z or an offset: 2026-01-01T12:00:00Z")
    passed = instant - datetime(1970, 1, 1, tzinfo=UTC)
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds
