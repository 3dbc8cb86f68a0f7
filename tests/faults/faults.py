"""How each fault is done, and undone."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from edge.common.postgres.connection import DATABASE_FAULTS
from tests.acceptance.killer import child_of
from tests.acceptance.simulated_range import descendants
from tests.faults.script import POSTGRES, Blow
from tests.faults.testbed import Field

CHILD_WITHIN_S = 30.0
DELAY_S = 0.15


async def strike(blow: Blow, field: Field) -> None:
    """Do it, keep it up for as long as it lasts, and take it back."""
    async with field.lock(blow.victim):
        match blow.kind:
            case "kill" | "stop" | "restart" if blow.victim == POSTGRES:
                await _strike_postgres(blow, field)
            case "kill":
                _signal([await _child(field, blow.victim)], signal.SIGKILL)
            case "restart":
                _signal([await _child(field, blow.victim)], signal.SIGTERM)
            case "stop":
                await _hold([await _child(field, blow.victim)], blow.lasts_s)
            case "cut":
                field.proxy.cut()
            case "half-close":
                field.proxy.half_close()
            case "freeze":
                field.proxy.freeze()
                await asyncio.sleep(blow.lasts_s)
                field.proxy.thaw()
            case "delay":
                field.proxy.delay_s = DELAY_S
                await asyncio.sleep(blow.lasts_s)
                field.proxy.delay_s = 0.0
            case "terminate backends":
                await _terminate_backends(field)
            case "full disk":
                await _fill(field.disk, blow.lasts_s)


async def _strike_postgres(blow: Blow, field: Field) -> None:
    if blow.kind == "restart":
        await field.stop_postgres()
        await asyncio.sleep(blow.lasts_s)
        await field.start_postgres()
    elif blow.kind == "stop":
        postmaster = field.postmaster()
        await _hold([postmaster, *descendants(postmaster)], blow.lasts_s)
    else:
        _signal([field.postmaster()], signal.SIGKILL)
        await field.start_postgres()


async def _terminate_backends(field: Field) -> None:
    with suppress(*DATABASE_FAULTS):  # nobody is there to be terminated: that blow goes into the void
        async with field.connection() as connection:
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where backend_type = 'client backend' and pid <> pg_backend_pid()"
            )


async def _fill(disk: Path | None, lasts_s: float) -> None:
    assert disk is not None
    ballast = disk / "ballast"
    try:
        with suppress(OSError), ballast.open("wb", buffering=0) as file:  # until there is no room left
            while file.write(bytes(4096)):
                pass
        await asyncio.sleep(lasts_s)
    finally:
        ballast.unlink(missing_ok=True)


async def _hold(pids: Iterable[int], lasts_s: float) -> None:
    held = list(pids)
    _signal(held, signal.SIGSTOP)
    try:
        await asyncio.sleep(lasts_s)
    finally:
        _signal(held, signal.SIGCONT)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


async def _child(field: Field, name: str) -> int:
    """The process of that name; one that is being started again is waited for."""
    async with asyncio.timeout(CHILD_WITHIN_S):
        while (pid := child_of(field.running, name)) is None:
            await asyncio.sleep(0.05)
    return pid
