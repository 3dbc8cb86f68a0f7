"""The spool's file for tests: opened, closed and drained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.sensor.queue.disk import SpoolFile
from edge.sensor.queue.inbox import Storable

MB = 1 << 20


@contextmanager
def spool(folder: Path, max_bytes: int = MB) -> Iterator[SpoolFile]:
    file = SpoolFile(folder, "bow-1", max_bytes)
    try:
        yield file
    finally:
        file.close()


def drained(file: SpoolFile, limit: int = 100) -> list[Storable]:
    """All reports of the file, which is empty afterwards."""
    found: list[Storable] = []
    while batch := file.oldest(limit):
        found += batch.reports
        file.drop(batch.through)
    return found
