"""``archstats-sensor``, some of whose programs get a wall clock of their own: which ones, ``CLOCK_FOR`` says.

Run as ``python -m tests.acceptance.programs_with_own_clocks --simulate ...``. ``CLOCK`` holds their environment as JSON.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace

from edge.cli import main
from edge.simulation import simulate
from edge.simulation.processes import Program

_programs = simulate.programs


def _with_clocks(*arguments: object) -> list[Program]:
    clock, whose = json.loads(os.environ["CLOCK"]), os.environ["CLOCK_FOR"].split()
    changed = []
    for program in _programs(*arguments):  # type: ignore[arg-type]
        true = {key: value for key, value in program.environment.items() if key not in clock}
        changed.append(replace(program, environment={**true, **clock} if program.name in whose else true))
    return changed


if __name__ == "__main__":
    simulate.programs = _with_clocks  # type: ignore[assignment]
    main.main()
