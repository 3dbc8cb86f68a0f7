"""Descriptors: the soft limit is raised at start, and exhaustion is noticed."""

from __future__ import annotations

import json
import resource
import subprocess
import sys

PROGRAM = """
import json, os, resource
from edge.common.process.descriptors import descriptor_limit, is_descriptor_free, raise_descriptor_limit
from edge.common.process.run import run_service
found = [descriptor_limit(), is_descriptor_free()]
async def work(stop):
    found.append(descriptor_limit())
run_service(work, name="test", is_small=True)
run_service(work, name="test")
found.append(raise_descriptor_limit())
lowest_free = os.dup(0)
os.close(lowest_free)
resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, 200))
found.append(is_descriptor_free())
print(json.dumps(found))
"""


def test_a_service_raises_its_limit_and_notices_exhaustion() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200)),
    )  # fmt: skip
    assert json.loads(done.stdout) == [100, True, 100, 200, 200, False]
