"""``archstats-sensor`` with a wall clock of their own for the programs that ``CLOCK_FOR`` lists.

Run as ``python -m tests.acceptance.programs_with_own_clocks --simulate ...``. ``CLOCK`` holds their environment as JSON.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from unittest.mock import patch

from edge.cli import main
from edge.simulation import processes, simulate


def _programs_with_clocks(*arguments: object) -> list[processes.Program]:
    clock, stepped = json.loads(os.environ["CLOCK"]), os.environ["CLOCK_FOR"].split()
    changed = []
    for program in processes.programs(*arguments):  # type: ignore[arg-type]
        true = {key: value for key, value in program.environment.items() if key not in clock}
        changed.append(replace(program, environment={**true, **clock} if program.name in stepped else true))
    return changed


if __name__ == "__main__":
    with patch.object(simulate, "programs", _programs_with_clocks):
        main.main()
