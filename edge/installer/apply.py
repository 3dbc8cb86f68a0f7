"""Apply the steps of a plan, one after the other."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from edge.common.config.errors import CommandError
from edge.common.private_files import is_exposed, make_secret_file
from edge.installer.steps import Link, MakeSecret, Remove, RemoveEmpty, Run, Step, Write

COMMAND_WITHIN_S = 900.0
"""Longest run of one command: the download of the packages over a slow line."""
RUN_AGAIN = "Remove the cause, then run the same command again: it continues."
UMASK = 0o022
"""Makes installed files readable for every user, independent of the caller's umask."""


def apply_steps(steps: Iterable[Step], prefix: Path, report: Callable[[str], None]) -> None:
    """Apply the steps beneath ``prefix``. Each is reported before it is applied; steps that change nothing are skipped.

    Raises CommandError with the message of the command or the system that failed. Earlier steps stay applied, and running
    the plan again continues.
    """
    before = os.umask(UMASK)
    try:
        for step in steps:
            if not needed(step, prefix):
                continue
            report(str(step))
            try:
                _apply(step, prefix, report)
            except OSError as fault:
                raise CommandError(f"{step} failed: {fault}", hint=RUN_AGAIN) from fault
    finally:
        os.umask(before)


def needed(step: Step, prefix: Path) -> bool:
    """Whether the step would change anything; a command always may."""
    match step:
        case Write(path, text, mode, once):
            there = beneath(prefix, path)
            if not there.is_file():
                return True
            return not once and (there.read_bytes() != text.encode() or there.stat().st_mode & 0o777 != mode)
        case MakeSecret(path):
            there = beneath(prefix, path)
            return not there.exists() or is_exposed(there)
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
    """The place of a hub's path on this machine."""
    return prefix / path.relative_to("/")


def _apply(step: Step, prefix: Path, report: Callable[[str], None]) -> None:
    match step:
        case Write(path, text, mode):
            _write(beneath(prefix, path), text, mode)
        case MakeSecret(path):
            make_secret_file(beneath(prefix, path))
        case Link(path, target):
            _link(beneath(prefix, path), target)
        case Remove(path):
            _remove(beneath(prefix, path))
        case RemoveEmpty(path):
            folder = beneath(prefix, path)
            if not any(folder.iterdir()):
                folder.rmdir()
        case Run():
            _run_or_clear(step, prefix, report)


def _write(path: Path, text: str, mode: int) -> None:
    """Replace the file as a whole: after a power failure the old file is still complete.

    The text is UTF-8 whatever the caller's locale, as systemd expects it, and never readable for more users than the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text.encode())
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
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


def _run_or_clear(step: Run, prefix: Path, report: Callable[[str], None]) -> None:
    try:
        _run(step, report)
    except BaseException:  # also after Ctrl-C
        if step.makes is not None:
            shutil.rmtree(beneath(prefix, step.makes), ignore_errors=True)
        raise


def _run(step: Run, report: Callable[[str], None]) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("POSTGRES_", "ARCH_STATS_", "VIRTUAL_ENV"))}
    environment |= step.environment
    try:
        done = subprocess.run(
            step.words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=COMMAND_WITHIN_S, check=False, cwd="/",
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as fault:
        output, status = str(fault), 1
    else:
        output, status = (done.stderr.strip() or done.stdout.strip()), done.returncode
    if status == 0:
        return
    if step.may_fail:
        report(f"        failed, continuing: {output}")
        return
    raise CommandError(
        f"{step.words[0]} failed ({step.purpose}): {output}",
        hint=RUN_AGAIN,
    )
