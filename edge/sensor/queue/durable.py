"""The spool as seen from the event loop: a thread of its own does its work, one thing after the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from drivers.contract import ClockModel
from edge.common.process.logs import Transitions
from edge.sensor.queue.disk import SpoolDamaged, SpooledBatch, SpoolFile, SpoolRefused, SpoolSize
from edge.sensor.queue.inbox import Storable
from edge.sensor.queue.worker_thread import WorkerThread

_Result = TypeVar("_Result")
CLOSE_WITHIN_S = 0.5

log = logging.getLogger(__name__)


class Spool:
    """One device's spool. ``size`` is how much waits, ``trouble`` what is wrong with it, for people.

    A damaged file is told of until the daemon ends; a refusal until the spool works again.
    """

    def __init__(self, folder: Path, device_id: str, max_bytes: int) -> None:
        self.size = SpoolSize()
        self.damaged = 0
        """How many times the file was found damaged and moved aside."""
        self.looked = asyncio.Event()
        """Whether an earlier daemon left something is known, or cannot be known now."""
        self.mine = False
        """The file is this daemon's."""
        self._file = SpoolFile(folder, device_id, max_bytes)
        self._thread = WorkerThread("spool")
        self._closed = False
        self._told = Transitions(log, "spool")
        self._refused: str | None = None
        self._damage: str | None = None

    @property
    def trouble(self) -> str | None:
        """What hinders it now, else what became of a damaged file."""
        return self._refused or self._damage

    async def open_existing(self) -> list[ClockModel]:
        """Take hold of what an earlier daemon left; the clocks among it."""
        found = await self._do(self._file.open_existing)
        self.mine = found is not None
        self.looked.set()
        return found or []

    async def append(self, reports: Sequence[Storable], host_boot_id: UUID) -> bool:
        """Write reports to the disk; True when they are durable, False when nothing was written."""
        return await self._do(lambda: self._file.append(reports, host_boot_id)) is not None

    async def oldest(self, limit: int) -> SpooledBatch | None:
        """The oldest reports, which stay until :meth:`drop`; None when there are none or they cannot be read."""
        return await self._do(lambda: self._file.oldest(limit))

    async def drop(self, batch: SpooledBatch) -> bool:
        """Forget what is in the database; False when the file was found damaged, or refused."""
        return await self._do(lambda: self._file.drop(batch.through)) is not None

    async def close(self) -> None:
        """Let go of the file, within a bound; what waits stays in it. A second time nothing happens."""
        if self._closed:
            return
        self._closed = True
        answered = False
        try:
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self._thread.do(self._file.close)
            answered = True
        except TimeoutError:
            log.warning("the disk of the spool does not answer; it is left to the system")
        finally:
            self._thread.end(wait=answered)

    async def _do(self, work: Callable[[], _Result]) -> _Result | None:
        def and_measure() -> tuple[_Result, SpoolSize]:
            result = work()
            return result, self._file.size()

        try:
            result, self.size = await self._thread.do(and_measure)
        except SpoolRefused as fault:
            self._refused = str(fault)
            self._told.enter("refuses", f"{fault}; without it only what is in the database is acknowledged")
            return None
        except SpoolDamaged as fault:
            self.damaged += 1
            self.size = SpoolSize()
            self._damage = str(fault)
            log.error("%s", fault)  # noqa: TRY400 - the text is made for people
            return None
        self._refused = None
        if self._told.state is not None:
            self._told.enter("works")
        return result
