"""Commands of a freETarget: ``read_config`` and ``configure``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from drivers.contract import Command, CommandResult, Progress, ReportProgress
from drivers.errors import DriverError
from drivers.freetarget.codec import Refusal, Refused, encode_command
from drivers.freetarget.session import ASK_SETTINGS, PRINTING_NS, FreeTargetSession
from drivers.freetarget.settings import differing, wanted_settings

READ_CONFIG: Final = "read_config"
CONFIGURE: Final = "configure"
COMMANDS: Final = frozenset({READ_CONFIG, CONFIGURE})
"""``read_config``; ``configure`` with some of the target's settings by their keys. Both return all that the target shows."""
ANSWER_S: Final = PRINTING_NS / 1e9 + 3.0
"""Deadline for the settings, once they are asked for."""
ATTEMPTS: Final = 2
"""Attempts of a command: noise may change it, and an impact may break into the printing of the settings."""

Transmit = Callable[[], None]
"""Sends the session's command that is due."""


class SettingsCommands:
    """The commands of one target; one runs at a time."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()
        self._news: asyncio.Future[None] | None = None

    async def run(
        self, command: Command, session: FreeTargetSession, transmit: Transmit, report: ReportProgress
    ) -> CommandResult:
        """Run a command. A cancelled one leaves those settings unchanged that were not sent yet."""
        if command.name not in COMMANDS:
            return CommandResult(
                ok=False, error=f"unknown command {command.name}; the commands are {', '.join(sorted(COMMANDS))}"
            )
        async with self._one_at_a_time:
            wanted = wanted_settings(command.arguments, session.settings) if command.name == CONFIGURE else {}
            if isinstance(wanted, str):
                return CommandResult(ok=False, error=wanted)
            error: str | None = None
            left = list(wanted)
            for _ in range(ATTEMPTS):
                changes = [encode_command({key: wanted[key]}) for key in left]
                error = await self._exchange(changes, session, transmit, report)
                left = differing(wanted, session.settings)
                if error is None and left:
                    error = f"the target kept other values of {', '.join(left)}"
                if error is None or session.refusals:
                    break
        return CommandResult(ok=error is None, values=session.settings, error=error)

    def on_news(self) -> None:
        """Messages arrived: a running command looks at the session."""
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def fail(self, fault: DriverError) -> None:
        """The line is closed: a running command raises ``fault``."""
        if self._news is not None and not self._news.done():
            self._news.set_exception(fault)

    async def _exchange(
        self, changes: list[bytes], session: FreeTargetSession, transmit: Transmit, report: ReportProgress
    ) -> str | None:
        """Send the changes and read the settings; the error message, or None."""
        commands = (*changes, ASK_SETTINGS)
        session.refusals.clear()
        before, end_s = session.settings_read, time.monotonic() + ANSWER_S + len(changes)
        if changes:
            report(Progress(f"sending {len(changes)} settings" if len(changes) > 1 else "sending the setting"))
        session.request(*commands)
        report(Progress("waiting for the target to print its settings"))
        try:
            while time.monotonic() < end_s:
                await self._wait(session, transmit, end_s)
                for refused in session.refusals:
                    if refused.sent_as in commands:
                        return _refusal(refused)
                if session.settings_read > before:
                    session.refusals.clear()  # of commands that noise on the line changed
                    return None
        finally:
            session.withdraw(*commands)
        return f"the target did not print its settings within {ANSWER_S:g} s; try again while no arrow lands"

    async def _wait(self, session: FreeTargetSession, transmit: Transmit, end_s: float) -> None:
        """Wait for messages, at most until ``end_s``, and meanwhile send what is due."""
        transmit()
        self._news = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait((self._news,), timeout=max(min(session.due_ns / 1e9, end_s) - time.monotonic(), 0.001))
            if self._news.done():
                self._news.result()
        finally:
            self._news = None


def _refusal(refused: Refused) -> str:
    if refused.reason is Refusal.LOCKED:
        return f"the target refused {{{refused.command}}}: its settings are locked. Unlock it with its own program"
    return f"the target does not know {{{refused.command}}}"
