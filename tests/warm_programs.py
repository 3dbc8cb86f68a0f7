"""The programs of this project in forks of an interpreter that has imported them already.

A start of its own costs a program half a second of processor, nearly all of it for imports. A fork is a process like any
other: it has its own environment, working directory, output and exit status, and enters by the same entry point. Tests of
the start itself, of signals and of lasting services start the installed program instead.

Run as ``python -m tests.warm_programs``, it reads one request per line and answers each with the exit status.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NoReturn, TypedDict

import edge.cli.commands
from edge.cli import programs
from tests.acceptance.simulated_range import BIN

ENTRIES: Final = {
    "archstats-sensor": programs.sensor,
    "archstats-shots": programs.shots,
    "archstats-push": programs.push,
}
MODULES: Final = (
    "edge.cli.main",
    "edge.cli.app",
    "edge.cli.daemons.sensor",
    "edge.cli.daemons.shots",
    "edge.cli.daemons.push",
)


class Request(TypedDict):
    """A program to run."""

    words: list[str]
    environment: dict[str, str]
    folder: str
    output: list[str]
    """Files for standard output and standard error."""
    within_s: float


class WarmPrograms:
    """Runs programs one after the other. Also usable while an event loop runs."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.warm_programs"],
            cwd=Path(__file__).parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip

    def run(
        self, *words: str, environment: Mapping[str, str], folder: Path, within_s: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end. A program that takes longer than ``within_s`` is ended by SIGALRM."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with tempfile.TemporaryDirectory() as made:
            output = [Path(made) / "stdout", Path(made) / "stderr"]
            request: Request = {
                "words": list(words),
                "environment": dict(environment),
                "folder": str(folder),
                "output": [str(path) for path in output],
                "within_s": within_s,
            }
            self._server.stdin.write(json.dumps(request) + "\n")
            self._server.stdin.flush()
            status = int(self._server.stdout.readline())
            stdout, stderr = (path.read_text() for path in output)
        return subprocess.CompletedProcess(words, status, stdout, stderr)

    def stop(self) -> None:
        """End the interpreter."""
        self._server.communicate(timeout=30)


def _run_here(request: Request) -> NoReturn:
    """Become the program."""
    signal.setitimer(signal.ITIMER_REAL, request["within_s"])
    for number, path in enumerate((os.devnull, *request["output"])):
        opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    program, *rest = request["words"]
    sys.argv = [str(BIN / program), *rest]
    status: object = 1
    try:
        ENTRIES[program]()
        status = 0
    except SystemExit as ended:
        status = ended.code or 0
    except BaseException:  # noqa: BLE001 - reported as an interpreter does
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else 1)


def main() -> None:
    """Serve requests until standard input ends."""
    for command in pkgutil.iter_modules(edge.cli.commands.__path__, "edge.cli.commands."):
        importlib.import_module(command.name)
    for name in MODULES:
        importlib.import_module(name)
    for line in sys.stdin:
        request: Request = json.loads(line)
        pid = os.fork()
        if not pid:
            _run_here(request)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
