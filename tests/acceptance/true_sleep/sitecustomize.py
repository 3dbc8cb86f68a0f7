"""Repair of ``time.sleep`` for every Python that starts under libfaketime.

``time.sleep`` waits for an instant of CLOCK_MONOTONIC. libfaketime 0.9.10 (Debian) subtracts the faked wall clock from that
instant even with FAKETIME_DONT_FAKE_MONOTONIC, and the kernel refuses the result (libfaketime issue 426).
"""

from __future__ import annotations

import select
import time
from typing import SupportsIndex


def _sleep(seconds: float | SupportsIndex) -> None:
    select.select([], [], [], float(seconds))


time.sleep = _sleep
