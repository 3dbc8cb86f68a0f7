"""What a database's refusal says about the rows that were sent: three classes, by SQLSTATE. Pure."""

from __future__ import annotations

from enum import StrEnum

TRANSIENT_CLASSES = frozenset({
    "08",  # connection exception
    "25",  # transaction state: read-only during a switch of servers, idle too long
    "28",  # wrong password, or no entry for us in pg_hba.conf
    "3D",  # the database does not exist (yet, or during a restore)
    "40",  # serialization failure, deadlock
    "53",  # disk full, out of memory, too many connections
    "55",  # lock not available, object in use
    "57",  # shutting down, starting up, statement cancelled
    "58",  # the server's own I/O failed
    "F0",  # the server's configuration
    "XX",  # the server's own bug or damaged data
})  # fmt: skip
"""Class codes of PostgreSQL's appendix "Error codes"."""
ROW_CLASSES = frozenset({"22", "23"})
"""Data exception; integrity constraint violation."""
FOREIGN_KEY = "23503"
"""Nothing in a reading but its device refers to another table, and the device is registered anew at each connection."""


class Verdict(StrEnum):
    """What is to be done with the rows that were refused."""

    TRANSIENT = "transient"
    """They are good. The same will pass later."""
    BATCH = "batch"
    """They are good, but what was sent cannot pass as it is: the schema, a right or a trigger has to be mended first."""
    ROW = "row"
    """One of them can never be stored."""


def verdict_on(sqlstate: str | None) -> Verdict:
    """The class of a refusal; without a SQLSTATE it came from the line, not from the server.

    What is not known is BATCH: nothing is set aside that could have been stored.
    """
    if sqlstate is None or sqlstate[:2] in TRANSIENT_CLASSES:
        return Verdict.TRANSIENT
    if sqlstate[:2] in ROW_CLASSES and sqlstate != FOREIGN_KEY:
        return Verdict.ROW
    return Verdict.BATCH
