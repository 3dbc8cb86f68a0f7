"""Imported by each Python that starts under libfaketime, to sleep as long as it was told.

``time.sleep`` waits for an instant of CLOCK_MONOTONIC. libfaketime 0.9.10, which is Debian's, subtracts the faked wall clock
from it even when told to leave that clock alone, and the kernel refuses the result (libfaketime issue 426).
"""

from __future__ import annotations

import select
import time
from typing import SupportsIndex


def _sleep(seconds: float | SupportsIndex) -> None:
    select.select([], [], [], float(seconds))


time.sleep = _sleep
