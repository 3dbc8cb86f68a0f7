"""The processes of a simulated range: started, watched, started again when they die, stopped."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.common.config.errors import EX_CONFIG, ConfigError
from edge.common.postgres.database import backoff_s

STOP_WITHIN_S = 2.0
RESTART_AFTER_S = 0.3
"""At least so long; a child that dies again and again waits longer each time, and each its own time."""
LASTING_S = 10.0
"""A child that ran this long starts again with the shortest delay."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, and the file that takes what it says."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    stop_order: int = 1
    """Lower numbers are stopped first."""


class Children:
    """Keeps every program running until told to stop."""

    def __init__(self) -> None:
        self._running: dict[str, tuple[Program, asyncio.subprocess.Process]] = {}
        self._stopping = asyncio.Event()

    async def keep(self, program: Program) -> None:
        """Run a program for ever, again when it dies. Raises ConfigError when it says that its settings are at fault."""
        deaths = 0
        clock = asyncio.get_running_loop().time
        while True:
            started = clock()
            if self._stopping.is_set():
                return
            process = await self._start(program)
            if self._stopping.is_set():
                send(process, signal.SIGKILL)  # it came too late to be stopped in order
            status = await process.wait()
            self._running.pop(program.name, None)
            if status == EX_CONFIG and not self._stopping.is_set():
                raise ConfigError(
                    f"{program.name} cannot run: {last_line(program.log)}", hint=f"Its log is {program.log}"
                )
            deaths = 1 if clock() - started > LASTING_S else deaths + 1
            if not self._stopping.is_set():
                log.warning("%s ended (%s) and is started again; see %s", program.name, cause(status), program.log)
                await asyncio.sleep(RESTART_AFTER_S + backoff_s(deaths))

    async def stop(self) -> None:
        """End all of them in their order; whoever does not listen is killed."""
        self._stopping.set()
        orders = sorted({program.stop_order for program, _ in self._running.values()})
        for order in orders:
            group = [process for program, process in self._running.values() if program.stop_order == order]
            for process in group:
                send(process, signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_WITHIN_S):
                    await asyncio.gather(*(process.wait() for process in group))
            except TimeoutError:
                for process in group:
                    send(process, signal.SIGKILL)
                await asyncio.gather(*(process.wait() for process in group))

    async def _start(self, program: Program) -> asyncio.subprocess.Process:
        with program.log.open("ab") as sink:
            process = await asyncio.create_subprocess_exec(
                *program.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env={**program.environment, "ARCH_STATS_PARENT": str(os.getpid())},
                start_new_session=True,  # the terminal's Ctrl-C is for the parent, which stops the children in order
            )
        self._running[program.name] = (program, process)
        return process


def send(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Signal a process that may be gone by now."""
    if process.returncode is None:
        try:
            process.send_signal(number)
        except ProcessLookupError:
            return


def cause(status: int) -> str:
    """An exit status in words."""
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"


def last_line(path: Path) -> str:
    """The last thing a program said."""
    lines = path.read_text(errors="replace").strip().splitlines() if path.exists() else []
    return lines[-1] if lines else "it said nothing"
