"""Classes of database errors by SQLSTATE: whether a batch is retried, waits for a repair, or has a bad row. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

TRANSIENT_CLASSES: Final = frozenset({
    "08",  # connection exception
    "25",  # transaction state: read-only during a switch of servers, idle too long
    "28",  # wrong password, or no entry in pg_hba.conf
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
ROW_CLASSES: Final = frozenset({"22", "23"})
"""Data exception; integrity constraint violation."""
FOREIGN_KEY: Final = "23503"
"""A reading refers to its device only, and the device is registered anew at each connection."""


class ErrorClass(StrEnum):
    """The treatment of the rows that the database refused."""

    TRANSIENT = "transient"
    """The rows are good, and the same statement will succeed later."""
    BATCH = "batch"
    """The rows are good, but a schema, a permission or a trigger has to be repaired first."""
    ROW = "row"
    """One of the rows can never be stored."""


def classify(sqlstate: str | None) -> ErrorClass:
    """The class of an error; one without a SQLSTATE came from the connection, not from the server.

    An unknown SQLSTATE counts as BATCH: no row is quarantined that could have been stored.
    """
    if sqlstate is None or sqlstate[:2] in TRANSIENT_CLASSES:
        return ErrorClass.TRANSIENT
    if sqlstate[:2] in ROW_CLASSES and sqlstate != FOREIGN_KEY:
        return ErrorClass.ROW
    return ErrorClass.BATCH
