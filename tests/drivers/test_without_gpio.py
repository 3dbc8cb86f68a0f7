"""A machine without the extra ``gpio`` runs everything but pins."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.test_project import ROOT

CODE = """
import importlib, pathlib, sys
sys.modules["gpiozero"] = sys.modules["gpiod"] = None
at_pins = ("drivers.transport.gpio", "drivers.transport.gpiod_pins", "drivers.transport.simulated_pins", "simulators.pins")
for room in ("drivers", "simulators", "edge/sensor", "edge/simulation", "edge/cli"):
    for path in sorted(pathlib.Path(room).rglob("*.py")):
        name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        if not path.name == "__main__.py" and not name.startswith("drivers.contract_suite"):
            if name not in at_pins and not name.startswith("simulators.pins."):
                importlib.import_module(name)
print(len([name for name in sys.modules if name.startswith("edge")]))
"""


@pytest.mark.long
def test_everything_but_pins_imports_without_the_packages() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50
