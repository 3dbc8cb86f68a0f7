"""The SQL of the assembler: news, sessions, readings, results, rebuild requests and the shares of the lanes."""

from edge.shots.store.context import SessionSnapshot, load_snapshot
from edge.shots.store.rebuilds import pending_rebuilds
from edge.shots.store.shares import release_share, share_of, take_share

__all__ = [
    "SessionSnapshot",
    "load_snapshot",
    "pending_rebuilds",
    "release_share",
    "share_of",
    "take_share",
]
