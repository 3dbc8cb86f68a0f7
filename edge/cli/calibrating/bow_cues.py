"""The cues of a bow's trials: keys that a technician presses, instants at a steady pace, or instants of a file."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drivers.clock.host import host_now
from drivers.clock.instant import Instant
from edge.cli.keyboard import Keyboard
from edge.common.bounds import storable_instant
from edge.common.config.errors import CommandError, UsageError
from edge.common.console import complain
from edge.common.text import clean
from edge.operator.calibration.bow_trials import REACH_S, Trial

REACH = timedelta(seconds=REACH_S)
MOST_POINTS = 10_000
"""Most instants of a file."""
LARGEST_BYTES = 4 << 20
"""Longest file."""
LONGEST_AHEAD = timedelta(days=1)
"""How far ahead an instant of a file may lie: one beyond is a mistake, and would be waited for."""


FORM = 'Write on each line {"engaged_at": "2026-05-01T12:00:00Z", "released_at": "2026-05-01T12:00:06Z"}.'


@dataclass(frozen=True, slots=True)
class PlannedTrial:
    """One line of a file: the instants of a nocking and a release."""

    engaged_at: datetime
    released_at: datetime


class KeyCues:
    """A technician presses Enter at each nocking and each release."""

    def __init__(self, keyboard: Keyboard) -> None:
        self._keyboard = keyboard

    async def next_trial(self, number: int, total: int, threshold: int) -> Trial:
        """Wait for both keys, and for the edges after the release. Raises CommandError when the technician types q."""
        since = host_now().at
        complain(f"Trial {number} of {total}, threshold {threshold}: nock the arrow, and press Enter at that instant.")
        engaged = await self._pressed()
        complain("Release it, and press Enter at that instant.")
        return await _completed(threshold, engaged, await self._pressed(), since)

    async def _pressed(self) -> Instant:
        while not self._keyboard.lines.empty():
            self._keyboard.lines.get_nowait()  # pressed before it was asked for
        line = await self._keyboard.next_line()
        if line is None or line.lower() == "q":
            raise CommandError(
                "stopped", hint="The trials so far are kept: the same command goes on with the next one."
            )
        return host_now()


class PacedCues:
    """A beep every few seconds: nock, release, nock ..."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s

    async def next_trial(self, number: int, total: int, threshold: int) -> Trial:
        """Wait for both beeps, and for the edges after the release."""
        since = host_now().at
        complain(f"Trial {number} of {total}, threshold {threshold}: nock at the beep, in {self._every_s:g} s.")
        await asyncio.sleep(self._every_s)
        _beep("Nock.")
        engaged = host_now()
        complain(f"Release at the beep, in {self._every_s:g} s.")
        await asyncio.sleep(self._every_s)
        _beep("Release.")
        return await _completed(threshold, engaged, host_now(), since)


class FileCues:
    """The instants of a file, at which other equipment or other people act. Those that are past are left out."""

    def __init__(self, planned: Sequence[PlannedTrial]) -> None:
        self._planned = sorted(planned, key=lambda one: one.engaged_at)
        self._next = 0
        self._last: Trial | None = None

    async def next_trial(self, number: int, total: int, threshold: int) -> Trial:
        """Wait until the next trial of the file is over. Edges between two trials belong to the nearer one.

        A trial whose beginning is past is left out, unless the one before it ended there, under the same threshold.
        """
        last, ready_at = self._last, host_now().at
        if last is not None and last.threshold == threshold:
            ready_at = last.until
        while self._next < len(self._planned):
            index, self._next = self._next, self._next + 1
            one = self._planned[index]
            since, until = one.engaged_at - REACH, one.released_at + REACH
            if index > 0:
                since = max(since, _between(self._planned[index - 1].released_at, one.engaged_at))
            if self._next < len(self._planned):
                until = min(until, _between(one.released_at, self._planned[self._next].engaged_at))
            if since < ready_at or one.engaged_at < host_now().at:
                continue
            complain(f"Trial {number} of {total}, threshold {threshold}, at {one.engaged_at.astimezone():%H:%M:%S}.")
            await _sleep_until(until)
            self._last = Trial(threshold, Instant(one.engaged_at), Instant(one.released_at), since, until)
            return self._last
        raise CommandError(
            f"the file has no instants left after {number - 1} of {total} trials",
            hint="Give one with later instants. The trials so far are kept.",
        )


def read_points(path: Path) -> list[PlannedTrial]:
    """The trials of a file: on each line a JSON object with ``engaged_at`` and ``released_at``, as ``truth`` prints.

    Raises UsageError with the number of the line.
    """
    try:
        with path.open("rb") as opened:
            data = opened.read(LARGEST_BYTES + 1)
        lines = data.decode("utf-8-sig").splitlines()
    except OSError as fault:
        raise UsageError(
            f"{path} cannot be read ({fault.strerror})", hint="Give the file of the trials' instants."
        ) from fault
    except UnicodeDecodeError as fault:
        raise UsageError(f"{path} is no text in UTF-8", hint=FORM) from fault
    if len(data) > LARGEST_BYTES:
        raise UsageError(f"{path} is too large for a list of instants", hint=FORM)
    planned = [_planned(path, number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not 0 < len(planned) <= MOST_POINTS:
        raise UsageError(f"{path} has {len(planned)} trials", hint=f"Give a file with 1 to {MOST_POINTS:,} lines.")
    return planned


def _planned(path: Path, number: int, line: str) -> PlannedTrial:
    try:
        value = json.loads(line)
        engaged, released = (_instant(value[name]) for name in ("engaged_at", "released_at"))
    except KeyError as fault:
        raise UsageError(f"line {number} of {path} has no {fault.args[0]}", hint=FORM) from fault
    except (ValueError, TypeError, RecursionError) as fault:
        raise UsageError(f"line {number} of {path} is no trial ({clean(str(fault), 80)})", hint=FORM) from fault
    if released <= engaged:
        raise UsageError(f"line {number} of {path}: released before it was nocked", hint="Correct the instants.")
    if released > datetime.now(UTC) + LONGEST_AHEAD:
        raise UsageError(
            f"line {number} of {path}: {released:%Y-%m-%d %H:%M} UTC is more than a day ahead",
            hint="Correct the instants.",
        )
    return PlannedTrial(engaged, released)


def _instant(text: object) -> datetime:
    if not isinstance(text, str):
        raise TypeError("an instant is a text")
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return storable_instant(at)


def _beep(text: str) -> None:
    sys.stderr.write("\a")
    complain(text)


async def _completed(threshold: int, engaged: Instant, released: Instant, since: datetime) -> Trial:
    until = released.at + REACH
    await _sleep_until(until)
    return Trial(threshold, engaged, released, since, until)


async def _sleep_until(at: datetime) -> None:
    await asyncio.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))


def _between(first: datetime, second: datetime) -> datetime:
    return first + (second - first) / 2
