"""Work in a forked child, so that the modules it loads take no memory in this process, which runs for months."""

from __future__ import annotations

import os
import pickle
import select
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn, TypeVar

from edge.common.config.errors import ConfigError

WITHIN_S: Final = 20.0
"""Longest wait for the child; less than systemd allows for the start of a service."""
_PIECE_BYTES: Final = 1 << 16

_Result = TypeVar("_Result")


def in_child(work: Callable[[], _Result]) -> Callable[[], _Result]:
    """Start ``work`` in a child; the returned function waits for its result, which is called once.

    The result must be picklable. Raises the ConfigError that ``work`` raises. Where the child cannot be started, ends
    without a result, takes longer than :data:`WITHIN_S` or returns a value that cannot be rebuilt here, the work is done
    here instead: that only costs memory.
    """
    if threading.active_count() > 1:  # a lock that another thread holds would stay locked in the child
        return work
    reading, writing = os.pipe()
    try:
        child = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        return work
    if child == 0:
        _work_and_exit(work, writing)
    os.close(writing)

    def result() -> _Result:
        output = _output_of(child, reading)
        try:
            kind, value = pickle.loads(output)  # noqa: S301 - this process's own child wrote it
        except (pickle.UnpicklingError, EOFError, ImportError, AttributeError, TypeError, ValueError):
            return work()  # the last three may come from a driver's own class of settings
        if kind == "faults":
            raise ConfigError.merge([ConfigError(message, hint=hint) for message, hint in value])
        done: _Result = value
        return done

    return result


def _work_and_exit(work: Callable[[], _Result], writing: int) -> NoReturn:
    """Write the pickled result; the process's own exit handlers and buffers belong to the parent."""
    with suppress(BaseException):  # the parent repeats the work and reports
        try:
            output = pickle.dumps(("result", work()))
        except ConfigError as fault:
            output = pickle.dumps(("faults", [(part.message, part.hint) for part in fault.parts]))
        while output:
            output = output[os.write(writing, output) :]
    os._exit(0)


def _output_of(child: int, reading: int) -> bytes:
    """All bytes that the child writes; the child is gone afterwards."""
    output, deadline = b"", time.monotonic() + WITHIN_S
    try:
        while select.select([reading], [], [], max(deadline - time.monotonic(), 0.0))[0]:
            if not (piece := os.read(reading, _PIECE_BYTES)):
                break
            output += piece
        else:
            os.kill(child, signal.SIGKILL)
    finally:
        os.close(reading)
        os.waitpid(child, 0)
    return output
