"""Edges, levels, lights and the driver of a nock switch through the real character device of a user-mode kernel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.test_project import ROOT

pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]
HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
KERNEL = CACHE / "archstats" / "gpio-kernel" / "linux"
WITHIN_S = 150.0


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The facts that the guest writes."""
    if not KERNEL.exists():
        pytest.skip(f"there is no user-mode kernel: run {(HERE / 'build_kernel.sh').relative_to(ROOT)} once")
    result = tmp_path_factory.mktemp("guest") / "result.json"
    options = [
        "mem=256M", "root=/dev/root", "rootfstype=hostfs", "rw", f"init={HERE / 'boot.sh'}", "con=null", "con0=fd:0,fd:1",
        "quiet", f"PYTHON={sys.executable}", f"ROOT={ROOT}", "GUEST=tests.gpio.guest", f"RESULT={result}",
    ]  # fmt: skip
    done = subprocess.run(
        [KERNEL, *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    assert result.exists(), done.stdout + done.stderr
    facts: dict[str, Any] = json.loads(result.read_text())
    return facts


def test_every_edge_arrives_with_its_direction(seen: dict[str, Any]) -> None:
    pin = seen["pin"]
    assert (pin["edges"], pin["right"], pin["missed"]) == (200, 200, 0)
    assert pin["looks"] > 0
    assert pin["stamped_between"] == 200


def test_a_burst_ends_with_the_level_of_its_last_edge(seen: dict[str, Any]) -> None:
    assert seen["burst"] == {"some": True, "ends_high": True}


def test_refused_lines_are_explained(seen: dict[str, Any]) -> None:
    refusals = seen["refusals"]
    assert "GPIO27 of /dev/gpiochip0 is in use by some-program. Stop that program" in refusals["busy"]
    assert "there is no GPIO chip /dev/gpiochip7; this machine has /dev/gpiochip0 (" in refusals["no_chip"]
    assert "no permission for the GPIO chip /dev/gpiochip0. Run `sudo usermod -aG gpio " in refusals["forbidden"]
    assert refusals["freed"] == ""


def test_the_lights_show_the_state_at_their_lines(seen: dict[str, Any]) -> None:
    """Green while ready, red with an arrow, blinking red without contact, and dark at the stop."""
    assert seen["lights"]["levels"] == [[1, 0], [0, 1], [0, 0], [0, 1], [0, 0], [0, 0]]


def test_the_driver_reports_every_nocking_and_release(seen: dict[str, Any]) -> None:
    driver = seen["driver"]
    assert (driver["readings"], driver["right"], driver["source"]) == (200, True, "hardware")
    assert driver["stamped_outside"] == []  # the first edge, before the contact bounces
    assert driver["counters"]["edges_missed"] == 0
