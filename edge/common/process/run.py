"""Runs one service process: event loop, signals, parent process and exit status."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
from collections.abc import Awaitable, Callable

from edge.common.config.errors import EX_CONFIG, ConfigError
from edge.common.process import logs
from edge.common.process.descriptors import raise_descriptor_limit

_PR_SET_PDEATHSIG = 1
"""Option of prctl(2): the signal that this process gets when its parent ends."""
ECHO_S = 0.5
"""Time within which a second signal counts as the first one, forwarded by a wrapper of this process."""


def run_service(
    main: Callable[[asyncio.Event], Awaitable[None]], *, name: str, dev_mode: bool = False, is_small: bool = False
) -> int:
    """Run ``main`` until it returns; SIGTERM and SIGINT set its event, a second one ends the process at once.

    ``is_small`` runs asyncio's own event loop instead of uvloop, which takes 2.4 MB. Returns the exit status: 0, or 78 after a ConfigError, which is printed as one line on stderr.
    """
    logs.configure(dev_mode, name)
    if not is_small:
        raise_descriptor_limit()
    faulthandler.enable()  # the watchdog ends a hung process by SIGABRT: the log then shows where it hung
    if not _tie_to_parent():
        logs.complain(name, "not started: the process named in ARCH_STATS_PARENT is no longer its parent")
        return 0
    try:
        with asyncio.Runner(loop_factory=None if is_small else _fast_loop) as runner:
            runner.run(_with_signals(main))
    except ConfigError as fault:
        return _report(name, fault)
    except BaseExceptionGroup as group:
        alone = only_config_error(group)
        if alone is None:
            raise
        return _report(name, alone)
    return 0


def _fast_loop() -> asyncio.AbstractEventLoop:
    import uvloop  # imported here: a sensor daemon runs without it

    return uvloop.new_event_loop()


def only_config_error(group: BaseExceptionGroup[BaseException]) -> ConfigError | None:
    """The first ConfigError of a group that holds nothing else; None when it holds something else."""
    configuration, rest = group.split(ConfigError)
    if configuration is None or rest is not None:
        return None
    first = configuration.exceptions[0]
    return only_config_error(first) if isinstance(first, BaseExceptionGroup) else first


async def _with_signals(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    first_at = 0.0

    def on_signal(number: signal.Signals) -> None:
        nonlocal first_at
        if not stop.is_set():
            first_at = loop.time()
            stop.set()
        elif loop.time() - first_at > ECHO_S:
            os._exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    await main(stop)


def _tie_to_parent() -> bool:
    """Ask the kernel for SIGTERM when the parent named in the environment dies; False when it has ended already."""
    parent = os.environ.get("ARCH_STATS_PARENT")
    if not parent:
        return True
    import ctypes  # imported here: it takes a third of a megabyte, which a unit of systemd does not need

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    return str(os.getppid()) == parent


def _report(name: str, fault: ConfigError) -> int:
    logs.complain(name, f"{fault.message}. {fault.hint}")
    return EX_CONFIG
