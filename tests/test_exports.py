"""The public names of the packages that load their modules at the first use of a name."""

from __future__ import annotations

from importlib import import_module

import pytest

LAZY = [
    "drivers",
    "drivers.link",
    "drivers.transport",
    "edge.common.postgres",
    "edge.common.postgres.embedded",
    "edge.common.process",
    "edge.installer",
    "edge.operator",
    "edge.push",
    "edge.sensor",
    "simulators",
]


@pytest.mark.parametrize("package", LAZY)
def test_every_public_name_resolves(package: str) -> None:
    module = import_module(package)
    assert sorted(module.__all__) == sorted(module._HOMES)
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match=r"has no attribute 'no_such_name'"):
        _ = module.no_such_name
