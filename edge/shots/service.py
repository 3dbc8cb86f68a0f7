"""The assembler's process: connects, shares the lanes with other assemblers, and assembles when there is something new.

It assembles what new readings and changes touch, and every second the sessions that await data of their devices.
"""

from __future__ import annotations

import asyncio
import logging
import time
from enum import StrEnum

from edge.common.postgres.connection import Connection
from edge.common.postgres.database import Database, describe_error, wait_until_ready
from edge.common.postgres.feed import prune
from edge.common.postgres.listener import Listener
from edge.common.postgres.reconnect import reconnecting
from edge.common.process.logs import Transitions
from edge.common.process.progress import Tick
from edge.common.process.supervision import Supervision
from edge.shots.assembler import Assembler
from edge.shots.slow_sessions import SlowSessions
from edge.shots.store.shares import SHARES, LaneShares

PRUNE_EVERY_S = 3600.0
"""Interval between deletions of events past their retention: short enough that one deletion stays small."""
BALANCE_EVERY_S = 1.0
"""Interval between checks for assemblers that started or died, whose lanes are then divided anew."""

LAST_STEP_WITHIN_S = 1.0
"""Longest last computation after the request to stop; a restart does what is left of it."""

log = logging.getLogger(__name__)


class AssemblerState(StrEnum):
    """The state of the assembler's process, as logged and reported to systemd."""

    ACTIVE = "active"
    SHARING = "sharing the lanes"
    STANDING_BY = "standing by"
    INTERRUPTED = "interrupted"


async def run_shots(database: Database, stop: asyncio.Event, supervision: Supervision | None = None) -> None:
    """Turn readings into shots until ``stop`` is set. May be killed at any point and restarted with the same result.

    The last computation begins after the request to stop, so that the shots rest on all that was stored before it.
    """
    supervision = supervision or Supervision()
    listener = Listener(database, [f"{database.channel}_readings"], tick=supervision.loop("listener"))
    state_log = Transitions(log, "assembling")
    slow = SlowSessions(database)
    async with asyncio.TaskGroup() as tasks:
        work = tasks.create_task(_work(database, listener, slow, stop, state_log, supervision.loop("assembler")))
        background = [
            tasks.create_task(listener.run()),
            tasks.create_task(slow.run()),
            tasks.create_task(supervision.run(lambda: _headline(state_log))),
        ]
        await stop.wait()
        supervision.stopping()
        listener.ring()
        if state_log.state in (AssemblerState.ACTIVE, AssemblerState.SHARING):
            await asyncio.wait([work], timeout=LAST_STEP_WITHIN_S)
        for task in (work, *background):
            task.cancel()


def _headline(state_log: Transitions) -> str:
    match state_log.state:
        case AssemblerState.ACTIVE:
            return "assembling shots, database ok"
        case AssemblerState.SHARING:
            return "assembling the shots of a part of the lanes, database ok"
        case AssemblerState.STANDING_BY:
            return "standing by: other archstats-shots assemble all lanes of this database"
        case _:
            return "waiting for the database"


async def _work(
    database: Database,
    listener: Listener,
    slow: SlowSessions,
    stop: asyncio.Event,
    state_log: Transitions,
    tick: Tick,
) -> None:
    def on_fault(fault: Exception) -> None:
        state_log.enter(AssemblerState.INTERRUPTED, f"{describe_error(fault)}; resumes where it stopped")

    async for attempt in reconnecting(database, on_fault):
        with attempt:
            await wait_until_ready(database, stop=stop, tick=tick)
            connection = await attempt.connect()
            shares = LaneShares(connection)
            await shares.join()
            attempt.succeed()
            try:
                await _assemble(connection, shares, listener, slow, stop, state_log, tick)
            finally:
                slow.give_up()  # the locks of the shares end with the connection


async def _assemble(
    connection: Connection,
    shares: LaneShares,
    listener: Listener,
    slow: SlowSessions,
    stop: asyncio.Event,
    state_log: Transitions,
    tick: Tick,
) -> None:
    """Assemble until the request to stop, and then once more; or until the database fails.

    Another assembler then starts from the tables.
    """
    assembler: Assembler | None = None
    balanced_at = pruned_at = float("-inf")
    while True:
        tick()
        is_last = stop.is_set()
        if time.monotonic() >= balanced_at + BALANCE_EVERY_S:
            balanced_at = time.monotonic()
            if await shares.balance() or assembler is None:
                slow.keep(shares.held, shares.process)
                assembler = Assembler(connection, shares.held, tick, slow=slow)
                _log_shares(shares, state_log)
        if assembler is not None and shares.held:
            if is_last:
                assembler.recheck_all()
            notified = listener.payloads()
            slow.notify(notified)
            if is_last:
                last_apart = slow.request_last_step()
            await assembler.step(notified)
            if is_last:
                await last_apart
            if 0 in shares.held and time.monotonic() >= pruned_at + PRUNE_EVERY_S:
                pruned_at = time.monotonic()
                await prune(connection)
        if is_last:
            return
        due_s = assembler.next_due_s if assembler is not None and shares.held else BALANCE_EVERY_S
        await listener.wait(max(0.0, min(due_s, balanced_at + BALANCE_EVERY_S - time.monotonic())))


def _log_shares(shares: LaneShares, state_log: Transitions) -> None:
    if not shares.held:
        state_log.enter(AssemblerState.STANDING_BY, "other archstats-shots assemble all lanes of this database")
    elif len(shares.held) == SHARES:
        state_log.enter(AssemblerState.ACTIVE)
    else:
        lanes = ", ".join(str(share) for share in sorted(shares.held))
        state_log.enter(AssemblerState.SHARING, f"lanes whose number modulo {SHARES} is {lanes}")
