"""Injection of each fault, and its end."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edge.common.postgres.connection import DATABASE_FAULTS
from tests.acceptance.killer import child_of
from tests.acceptance.simulated_range import descendants
from tests.edge.push.crowd import HALF_OPEN, Held, answer, hold
from tests.edge.push.push_process import HEALTH
from tests.faults.script import POSTGRES, PUSH, Fault, FaultKind
from tests.faults.testbed import LANES, Testbed
from tests.proxy import Proxy

CHILD_WITHIN_S = 30.0
CHATTER_WITHIN_S = 60.0
CALM_WITHIN_S = 90.0
DELAY_S = 0.15
CLOCK_WITHIN_S = 60.0
_CLOCK_REPORTED = """
select count(*) >= $1 from device_status where error like 'this machine''s clock is at least % behind%'
"""
CROWD = 300
"""Half-open requests, more than a process without descriptors can take."""
ANSWER_WITHIN_S = 10.0


async def inject(fault: Fault, testbed: Testbed) -> None:
    """Inject a fault, hold it for its duration, and end it."""
    async with testbed.lock(fault.victim):
        match fault.kind:
            case FaultKind.KILL | FaultKind.STOP | FaultKind.RESTART if fault.victim == POSTGRES:
                await _inject_postgres(fault, testbed)
            case FaultKind.KILL:
                _signal([await _child(testbed, fault.victim)], signal.SIGKILL)
            case FaultKind.RESTART:
                _signal([await _child(testbed, fault.victim)], signal.SIGTERM)
            case FaultKind.STOP:
                await _hold([await _child(testbed, fault.victim)], fault.duration_s)
            case FaultKind.CUT | FaultKind.HALF_CLOSE | FaultKind.FREEZE | FaultKind.DELAY:
                await _disturb(testbed.proxy, fault)
            case FaultKind.TERMINATE_BACKENDS:
                await _terminate_backends(testbed)
            case FaultKind.NO_DESCRIPTORS:
                port = testbed.running.port if fault.victim == PUSH else None
                if port is not None:  # a program that starts needs descriptors
                    await _until_it_answers(port, CHILD_WITHIN_S, "after its start")
                with without_descriptors(await _child(testbed, fault.victim)):
                    await (asyncio.sleep(fault.duration_s) if port is None else _crowd(port, fault.duration_s))
            case FaultKind.EARLIER_BOOT:
                await _watch_clock(testbed)
            case FaultKind.CHATTER:
                await _watch_chatter(testbed, fault)
            case FaultKind.FULL_DISK:
                await _fill(testbed.disk, fault.duration_s)


async def _disturb(proxy: Proxy, fault: Fault) -> None:
    if fault.kind is FaultKind.CUT:
        proxy.cut()
    elif fault.kind is FaultKind.HALF_CLOSE:
        proxy.half_close()
    elif fault.kind is FaultKind.FREEZE:
        proxy.freeze()
        await asyncio.sleep(fault.duration_s)
        proxy.thaw()
    else:
        proxy.delay_s = DELAY_S
        await asyncio.sleep(fault.duration_s)
        proxy.delay_s = 0.0


async def _inject_postgres(fault: Fault, testbed: Testbed) -> None:
    if fault.kind is FaultKind.RESTART:
        await testbed.stop_postgres()
        await asyncio.sleep(fault.duration_s)
        await testbed.start_postgres()
    elif fault.kind is FaultKind.STOP:
        postmaster = testbed.postmaster()
        await _hold([postmaster, *descendants(postmaster)], fault.duration_s)
    else:
        _signal([testbed.postmaster()], signal.SIGKILL)
        await testbed.start_postgres()


async def _watch_clock(testbed: Testbed) -> None:
    """Wait until every device of the lanes reports that the hub's clock stands before its last shutdown."""
    async with asyncio.timeout(CLOCK_WITHIN_S):
        while True:
            with suppress(*DATABASE_FAULTS):
                async with testbed.connection() as connection:
                    if await connection.fetchval(_CLOCK_REPORTED, 2 * LANES):
                        return
            await asyncio.sleep(0.2)


async def _terminate_backends(testbed: Testbed) -> None:
    with suppress(*DATABASE_FAULTS):  # without a server no backend exists
        async with testbed.connection() as connection:
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where backend_type = 'client backend' and pid <> pg_backend_pid()"
            )


async def _watch_chatter(testbed: Testbed, fault: Fault) -> None:
    """Wait until the device that chatters by itself is degraded, and until it is ready; the database may be away."""
    for degraded, within_s in ((True, CHATTER_WITHIN_S), (False, fault.duration_s + CALM_WITHIN_S)):
        async with asyncio.timeout(within_s):
            while await _is_degraded(testbed, fault.victim) is not degraded:
                await asyncio.sleep(0.2)


async def _is_degraded(testbed: Testbed, device: str) -> bool | None:
    """Whether the device is degraded; None when it is not ready, or nothing is known."""
    query = "select public_state(s) from device_status s where device_id = $1 and state = 'ready'"
    with suppress(*DATABASE_FAULTS):
        async with asyncio.timeout(2.0), testbed.connection() as connection:
            state = await connection.fetchval(query, device)
            return None if state is None else state == "degraded"
    return None


async def _fill(disk: Path | None, duration_s: float) -> None:
    assert disk is not None
    ballast = disk / "ballast"
    try:
        with suppress(OSError), ballast.open("wb", buffering=0) as file:  # until the disk is full
            while file.write(bytes(4096)):
                pass
        await asyncio.sleep(duration_s)
    finally:
        ballast.unlink(missing_ok=True)


@contextmanager
def without_descriptors(pid: int) -> Iterator[None]:
    """Leave a process no descriptor but those that it has open."""
    try:
        highest = max(int(one.name) for one in Path(f"/proc/{pid}/fd").iterdir())
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 1, limits[1]))
    except (OSError, ValueError):  # it has ended
        yield
        return
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)


async def _crowd(port: int, duration_s: float) -> None:
    """Let half-open requests take every connection of the live page, which still answers."""
    until = time.monotonic() + duration_s
    crowd: list[Held] = []
    try:
        for _ in range(CROWD):
            with suppress(OSError):  # it resets the connection
                crowd += await hold(port, HALF_OPEN, 1)
        await _until_it_answers(port, ANSWER_WITHIN_S, "while half-open requests lie there")
        await asyncio.sleep(max(0.0, until - time.monotonic()))
    finally:
        for one in crowd:
            one.close()


async def _until_it_answers(port: int, within_s: float, when: str) -> None:
    deadline = time.monotonic() + within_s
    while (await answer(port, HEALTH))[0] == 0:
        assert time.monotonic() < deadline, f"the live page does not answer within {within_s:g} s {when}"
        await asyncio.sleep(0.1)


async def _hold(pids: Iterable[int], duration_s: float) -> None:
    held = list(pids)
    _signal(held, signal.SIGSTOP)
    try:
        await asyncio.sleep(duration_s)
    finally:
        _signal(held, signal.SIGCONT)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


async def _child(testbed: Testbed, name: str) -> int:
    """Return the process id of a child, after waiting for a restarting one."""
    async with asyncio.timeout(CHILD_WITHIN_S):
        while (pid := child_of(testbed.running, name)) is None:
            await asyncio.sleep(0.05)
    return pid
