"""Shares of the lanes, divided among the running assemblers by advisory locks.

Lane n belongs to share n mod 16. Each assembler holds one shared lock as a member, and the exclusive lock of each share that
it works on. The server ends both with the connection: when an assembler dies, its shares are free at once. A lock and the
rows written under it are of one connection, so no two assemblers write the same lane.

The thread of the slow sessions writes over a connection of its own, which may outlive the locks. So each of its transactions
first locks the shares' rows of ``assembly_progress`` (``for key share``), and then looks whether its assembler still holds the
shares. Who takes a share holds its lock first, and then demands that no other transaction locks the row. So of both one sees the other: the
thread writes nothing any more, or the share is not taken before the thread's transaction has ended. The rows' lock ends with
the transaction, and delays no write of a reading position.

A session that holds a lock although its user cannot be an assembler is ended (``end_foreign_lock_holders`` in the schema), and
counts as no member.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from enum import StrEnum

from edge.common.postgres.connection import Connection
from edge.common.postgres.roles import Role
from edge.common.process.logs import Transitions

SHARES = 16
"""Number of shares; as many assemblers can work on one database."""
SHARE_LOCKS = 0x53686F74
"""First key of the advisory locks of the shares (``Shot`` in ASCII); the second key is the share."""
MEMBER_LOCK = 0x53686F75
"""First key of the advisory lock that every assembler holds as a member."""

log = logging.getLogger(__name__)


class ForeignHolder(StrEnum):
    """The fate of a session that holds a lock of the lanes and is no assembler, as logged."""

    ENDED = "ended"
    KEPT = "not ended"


def share_of(lane: int) -> int:
    """The share of a lane."""
    return lane % SHARES


def fair_shares(members: Collection[int], own: int) -> frozenset[int]:
    """The shares of one of several assemblers, by the process ids of their connections. Pure.

    Neighbouring lanes go to different assemblers.
    """
    order = sorted({*members, own})
    return frozenset(share for share in range(SHARES) if share % len(order) == order.index(own))


class LaneShares:
    """The shares that one connection holds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.held: frozenset[int] = frozenset()
        self.process: int = connection.get_server_pid()
        """The process of the connection at the server, see :func:`writable_shares`."""
        self._foreign = Transitions(log, "sessions that hold the lock of a lane and are no assembler")

    async def join(self) -> None:
        """Become a member, so that the other assemblers leave a fair part of the lanes."""
        await self._end_foreign_holders()
        await self._connection.execute("select pg_advisory_lock_shared($1, 0)", MEMBER_LOCK)

    async def balance(self) -> bool:
        """Release the shares of others and take the own ones that are free; returns whether the held shares changed."""
        members = await _members(self._connection)
        wanted = fair_shares(members, self.process)
        former = self.held
        for share in sorted(former - wanted):
            await release_share(self._connection, share)
            self.held -= {share}
        if missing := sorted(wanted - former):
            self.held |= await _take(self._connection, missing)
            if wanted - self.held:
                await self._end_foreign_holders()  # the next call takes what becomes free
        return self.held != former

    async def _end_foreign_holders(self) -> None:
        for row in await self._connection.fetch("select * from end_foreign_lock_holders()"):
            holder = f"process {row['process']} of user {row['login']!r} ({row['application'] or 'unnamed'})"
            if row["has_ended"]:
                self._foreign.enter(ForeignHolder.ENDED, holder)
            else:
                end = f"sudo -u postgres psql -c 'select pg_terminate_backend({row['process']})'"
                self._foreign.enter(ForeignHolder.KEPT, f"{holder}. End it with `{end}`: its lanes are not assembled.")


async def has_assembler(connection: Connection) -> bool:
    """Whether an assembler is connected to this database."""
    return bool(await _members(connection))


async def _members(connection: Connection) -> list[int]:
    """The process ids of the assemblers' connections."""
    rows = await connection.fetch(
        """
        select l.pid from pg_locks l join pg_stat_activity a on a.pid = l.pid
        where l.locktype = 'advisory' and l.classid = $1::bigint::oid and l.objsubid = 2 and l.granted
            and l.database = (select oid from pg_database where datname = current_database())
            and pg_has_role(a.usesysid, $2, 'member')
        """,
        MEMBER_LOCK,
        Role.SHOTS.value,
    )
    return [row["pid"] for row in rows]


async def take_share(connection: Connection, share: int) -> bool:
    """Take the lock of one share if no assembler holds it, until :func:`release_share` or the end of the connection."""
    return bool(await _take(connection, [share]))


async def _take(connection: Connection, shares: Collection[int]) -> frozenset[int]:
    """Take the locks of those shares that no other assembler holds or still writes."""
    taken = await connection.fetch(
        "select share from unnest($1::int[]) as share where pg_try_advisory_lock($2, share)",
        sorted(shares),
        SHARE_LOCKS,
    )
    free = await connection.fetch(
        "select share from assembly_progress where share = any($1) for update skip locked",
        [row["share"] for row in taken],
    )
    held = frozenset(row["share"] for row in free)
    for row in taken:
        if row["share"] not in held:
            await release_share(connection, row["share"])
    return held


async def writable_shares(connection: Connection, holder: int, shares: Collection[int]) -> frozenset[int]:
    """Those of some shares that the server's process ``holder`` holds; no other takes them before the transaction ends."""
    await connection.execute(
        "select from assembly_progress where share = any($1) order by share for key share", sorted(shares)
    )
    rows = await connection.fetch(
        """
        select objid::bigint as share from pg_locks
        where locktype = 'advisory' and classid = $1::bigint::oid and objsubid = 2 and granted and pid = $2
            and database = (select oid from pg_database where datname = current_database())
        """,
        SHARE_LOCKS,
        holder,
    )
    return frozenset(row["share"] for row in rows).intersection(shares)


async def release_share(connection: Connection, share: int) -> None:
    """Let another assembler take the share."""
    await connection.execute("select pg_advisory_unlock($1, $2)", SHARE_LOCKS, share)


async def read_progress(connection: Connection, shares: Collection[int]) -> int:
    """The transaction id up to which the shots of the shares are complete."""
    found = await connection.fetchval(
        "select min(before_xid)::text::bigint from assembly_progress where share = any($1)", sorted(shares)
    )
    return int(found or 0)
