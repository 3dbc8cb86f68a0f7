"""The command that the driver of a daemon runs: its progress, its evidence and its outcome."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field, replace
from typing import Final

from drivers.contract import Progress
from edge.common.vocabulary import CommandState
from edge.sensor.command_rows import LONGEST_RESULT, ClaimedCommand, CommandRows, Outcome, Value, plain_values

PROGRESS_PAUSE_S: Final = 0.25
"""Shortest interval between two writes of progress; a later step replaces one that waits. A new phase and new evidence do not wait."""
MOST_AT_ONCE: Final = 50
"""Reports of one command that are written without that pause; a driver that reports more waits as all others."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class RunningCommand:
    """The command that the driver runs."""

    claimed: ClaimedCommand
    task: asyncio.Task[Outcome]
    ends_by: float
    """By the monotonic clock: deadline and the driver's time to end."""
    progress: Progress | None = None
    """The latest step that is not written yet."""
    wrote_at: float = field(default=float("-inf"))
    cancelled: bool = False
    unwritten: dict[str, Value | None] = field(default_factory=dict)
    """The evidence that is not written yet, of steps that were dropped too."""
    names: set[str] = field(default_factory=set)
    """The names of all evidence."""
    at_once: int = 0
    """Reports with a new phase or new evidence, which were written without a pause."""
    wrote_phase: str | None = None
    """Phase of the latest step that was written."""

    def add(self, progress: Progress) -> None:
        """Take the latest step, and keep the evidence of the one that it replaces."""
        self.progress = progress
        for name, value in plain_values(progress.values).items():
            if name in self.names or len(self.names) < LONGEST_RESULT:
                self.names.add(name)
                self.unwritten[name] = value

    @property
    def due_at(self) -> float:
        """When the latest step is to be written, by the monotonic clock."""
        return float("-inf") if self._is_news and self.at_once < MOST_AT_ONCE else self.wrote_at + PROGRESS_PAUSE_S

    @property
    def _is_news(self) -> bool:
        """Whether the latest step has another phase than the one that was written, or there is evidence to write."""
        return bool(self.unwritten) or (self.progress is not None and self.progress.phase != self.wrote_phase)

    async def write_progress(self, rows: CommandRows) -> None:
        """Write the latest step and all evidence; without the database both are written later."""
        if self.progress is None:
            return
        self.at_once += self._is_news
        progress, values, self.unwritten = self.progress, self.unwritten, {}
        self.progress, self.wrote_at, self.wrote_phase = None, time.monotonic(), progress.phase
        try:
            await rows.write_progress(self.claimed.number, progress, values)
        except BaseException:
            self._keep(progress, values)
            raise

    def _keep(self, progress: Progress, values: dict[str, Value | None]) -> None:
        """Take back what was not written; a step or a value that was reported meanwhile is the later one."""
        self.unwritten = values | self.unwritten
        if self.progress is None:
            self.progress = progress

    def with_evidence(self, outcome: Outcome) -> Outcome:
        """The outcome with the evidence that is not written yet."""
        return replace(outcome, values={**self.unwritten, **outcome.values}) if self.unwritten else outcome

    def outcome(self) -> Outcome | None:
        """The outcome of the command once it has ended; None before.

        A defect of a driver fails the command and does not end the daemon, which stores readings.
        """
        if not self.task.done():
            return None
        if self.task.cancelled():
            return Outcome(CommandState.CANCELLED)
        fault = self.task.exception()
        return self.task.result() if fault is None else _broken(self.claimed, fault)

    def not_ended(self) -> Outcome:
        """The outcome of a command that the driver did not end in time."""
        cause = "after it was cancelled" if self.cancelled else f"within {self.claimed.deadline_s:g} s"
        return Outcome(
            CommandState.FAILED,
            error=f"the driver did not end the command {cause}",
            hint="Restart the daemon of the device.",
        )


def _broken(claimed: ClaimedCommand, fault: BaseException) -> Outcome:
    log.error("command %d, %s: defect of the driver", claimed.number, claimed.command.name, exc_info=fault)
    return Outcome(
        CommandState.FAILED,
        error=f"defect of the driver: {type(fault).__name__}: {fault}",
        hint="Please report this as a bug, with the lines of the daemon's log.",
    )
