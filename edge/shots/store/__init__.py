"""The SQL of the assembler: sessions, readings, shots, ends, orphans, corrections and rebuild requests."""

from edge.shots.store.context import SessionSnapshot, load_snapshot, read_watermarks
from edge.shots.store.rebuilds import AssemblyResult, pending_rebuilds, release_lock, take_over

__all__ = [
    "AssemblyResult",
    "SessionSnapshot",
    "load_snapshot",
    "pending_rebuilds",
    "read_watermarks",
    "release_lock",
    "take_over",
]
