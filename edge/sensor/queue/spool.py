"""The spool as the event loop uses it: a thread of its own does the blocking work, one step after the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from drivers.contract import ClockModel
from edge.common.process.logs import Transitions
from edge.sensor.queue.inbox import Storable
from edge.sensor.queue.spooled import SpoolDamaged, SpooledBatch, SpoolLock, SpoolRefused, SpoolSize
from edge.sensor.queue.worker_thread import WorkerThread

if TYPE_CHECKING:
    from edge.sensor.queue.disk import SpoolFile

_Result = TypeVar("_Result")
CLOSE_WITHIN_S: Final = 0.5

log = logging.getLogger(__name__)


class SpoolState(StrEnum):
    """The state of the spool, as logged."""

    WORKS = "works"
    REFUSES = "refuses"


class Spool:
    """One device's spool.

    A refusal of the disk is reported until the spool works again, a damaged file until the daemon ends.
    """

    def __init__(self, folder: Path, device_id: str, max_bytes: int) -> None:
        self.size = SpoolSize()
        self.damaged_files = 0
        """Files found damaged and moved aside."""
        self.examined = asyncio.Event()
        """Set once the rows of an earlier daemon are counted, or are known to be out of reach."""
        self.owned = False
        """This daemon holds the lock of the file."""
        self._lock = SpoolLock(folder, device_id)
        self._place = (folder, device_id, max_bytes)
        self._file: SpoolFile | None = None
        """None until it is needed: SQLite takes a megabyte."""
        self._thread = WorkerThread("spool")
        self._closed = False
        self._state_log = Transitions(log, "spool")
        self._refusal: str | None = None
        self._damage: str | None = None

    @property
    def error(self) -> str | None:
        """The refusal of the disk, else the name of the damaged file, for the operator."""
        return self._refusal or self._damage

    async def open_existing(self) -> list[ClockModel]:
        """Lock the file and count the rows of an earlier daemon; returns the newest clocks among them."""
        found = await self._do(self._open_existing)
        self.owned = found is not None
        self.examined.set()
        return found or []

    async def append(self, reports: Sequence[Storable]) -> bool:
        """Write reports to the disk; True when they are durable, False when nothing was written."""
        return await self._do(lambda: self._needed_file().append(reports)) is not None

    async def oldest(self, limit: int) -> SpooledBatch | None:
        """The oldest reports, which stay until :meth:`drop`; None when there are none or they cannot be read."""
        return await self._do(lambda: self._file.oldest(limit) if self._file else None)

    async def drop(self, batch: SpooledBatch) -> bool:
        """Remove a batch that is in the database; False when the file was found damaged, or the disk refused."""
        return await self._do(lambda: self._needed_file().drop(batch.through)) is not None

    async def close(self) -> None:
        """Close the file within :data:`CLOSE_WITHIN_S`; its rows stay. Further calls do nothing."""
        if self._closed:
            return
        self._closed = True
        answered = False
        try:
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self._thread.do(self._close_file)
            answered = True
        except TimeoutError:
            log.warning("the disk of the spool does not answer; the system closes the file when the process ends")
        finally:
            self._thread.end(wait=answered)

    def _open_existing(self) -> list[ClockModel]:
        folder, device_id, _ = self._place
        self._lock.take()
        if self._file is None and not (folder / f"{device_id}.spool").exists():
            return []
        return self._needed_file().open_existing()

    def _needed_file(self) -> SpoolFile:
        """The file; runs in the thread. Raises SpoolRefused where SQLite cannot be loaded now."""
        if self._file is None:
            try:
                from edge.sensor.queue.disk import SpoolFile
            except (ImportError, OSError, MemoryError) as fault:
                raise SpoolRefused(f"SQLite cannot be loaded ({fault}); check the disk and the free memory") from fault
            self._file = SpoolFile(*self._place, self._lock)
        return self._file

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
        self._lock.release()

    async def _do(self, work: Callable[[], _Result]) -> _Result | None:
        def work_and_measure() -> tuple[_Result, SpoolSize]:
            result = work()
            return result, self._file.size() if self._file else SpoolSize()

        try:
            result, self.size = await self._thread.do(work_and_measure)
        except SpoolRefused as fault:
            self._refusal = str(fault)
            self._state_log.enter(
                SpoolState.REFUSES, f"{fault}; until it works only readings in the database are acknowledged"
            )
            return None
        except SpoolDamaged as fault:
            self.damaged_files += 1
            self.size = SpoolSize()
            self._damage = str(fault)
            log.error("%s", fault)  # noqa: TRY400 - the text is complete, a traceback adds nothing
            return None
        self._refusal = None
        if self._state_log.state is not None:
            self._state_log.enter(SpoolState.WORKS)
        return result
