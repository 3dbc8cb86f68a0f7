"""Do what a plan says, one step after the other."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from edge.common.config.errors import CommandError
from edge.installer.steps import Link, Remove, RemoveEmpty, Run, Step, Write

COMMAND_WITHIN_S = 900.0
"""The longest is the download of the packages over a slow line."""
AGAIN = "Mend that, then run the same command again: it goes on"
UMASK = 0o022
"""What is installed can be read by everybody, whatever the caller's own habit."""


def perform(steps: Iterable[Step], prefix: Path, tell: Callable[[str], None]) -> None:
    """Take the steps beneath ``prefix``; each is told before it is taken, one that changes nothing is not.

    Raises Refused with what a command or the system said when it failed: what was done until then stays, and a
    repetition goes on.
    """
    before = os.umask(UMASK)
    try:
        for step in steps:
            if not needed(step, prefix):
                continue
            tell(str(step))
            try:
                _take(step, prefix, tell)
            except OSError as fault:
                raise CommandError(f"{step} failed: {fault}", hint=AGAIN) from fault
    finally:
        os.umask(before)


def needed(step: Step, prefix: Path) -> bool:
    """Whether the step would change anything; a command may."""
    match step:
        case Write(path, text, mode, once):
            there = beneath(prefix, path)
            if not there.is_file():
                return True
            return not once and (there.read_text() != text or there.stat().st_mode & 0o777 != mode)
        case Link(path, target):
            there = beneath(prefix, path)
            return not there.is_symlink() or str(there.readlink()) != target
        case Remove(path):
            return os.path.lexists(beneath(prefix, path))
        case RemoveEmpty(path):
            return beneath(prefix, path).is_dir()
        case Run():
            return True


def beneath(prefix: Path, path: Path) -> Path:
    """Where a path of the hub lies on this machine."""
    return prefix / path.relative_to("/")


def _take(step: Step, prefix: Path, tell: Callable[[str], None]) -> None:
    match step:
        case Write(path, text, mode):
            _write(beneath(prefix, path), text, mode)
        case Link(path, target):
            _link(beneath(prefix, path), target)
        case Remove(path):
            _remove(beneath(prefix, path))
        case RemoveEmpty(path):
            folder = beneath(prefix, path)
            if not any(folder.iterdir()):
                folder.rmdir()
        case Run():
            _run_or_clear(step, prefix, tell)


def _write(path: Path, text: str, mode: int) -> None:
    """The whole file or none: a machine that loses its power meanwhile has the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text)
    fresh.chmod(mode)
    fresh.replace(path)


def _link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _run_or_clear(step: Run, prefix: Path, tell: Callable[[str], None]) -> None:
    try:
        _run(step, tell)
    except BaseException:  # also when a person gives up
        if step.makes is not None:
            shutil.rmtree(beneath(prefix, step.makes), ignore_errors=True)
        raise


def _run(step: Run, tell: Callable[[str], None]) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("POSTGRES_", "ARCH_STATS_", "VIRTUAL_ENV"))}
    environment |= step.environment
    try:
        done = subprocess.run(
            step.words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=COMMAND_WITHIN_S, check=False, cwd="/",
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as fault:
        said, status = str(fault), 1
    else:
        said, status = (done.stderr.strip() or done.stdout.strip()), done.returncode
    if status == 0:
        return
    if step.may_fail:
        tell(f"        that failed and is left: {said}")
        return
    raise CommandError(
        f"{step.words[0]} failed ({step.purpose}): {said}",
        hint=AGAIN,
    )
