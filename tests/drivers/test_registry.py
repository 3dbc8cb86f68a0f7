"""Drivers are loaded by name, and a wrong name suggests the right one."""

from __future__ import annotations

import importlib.metadata
import sys
from importlib.metadata import EntryPoint, EntryPoints

import pytest
from pydantic import TypeAdapter, ValidationError

from drivers import registry
from drivers.contract import DeviceKind
from drivers.errors import DriverConfigError
from drivers.registry import driver_names, load_driver


def added(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """Simulate an installed package with this entry point."""
    points = EntryPoints([EntryPoint(name=name, value=value, group=registry.ENTRY_POINTS)])
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: points.select(group=group))


@pytest.mark.parametrize("name", driver_names())
def test_the_name_of_a_driver_starts_with_its_kind(name: str) -> None:
    driver = load_driver(name)

    assert driver.info.name == name
    assert name.startswith(f"{driver.info.kind.value}.")
    assert driver.info.heartbeat_s > 0
    with pytest.raises(ValidationError, match=r"unexpected|extra"):
        TypeAdapter(driver.info.settings).validate_python({"port": "/dev/ttyUSB0", "no_such_setting": 1})


def test_the_built_in_drivers_are_registered() -> None:
    assert {"bow.link", "target.link"} <= set(driver_names())


@pytest.mark.parametrize(
    ("wrong", "right"), [("bow.lnik", "bow.link"), ("target-link", "target.link"), ("Bow.Link", "bow.link")]
)
def test_a_typing_error_suggests_the_nearest_name(wrong: str, right: str) -> None:
    with pytest.raises(DriverConfigError, match=f"unknown driver {wrong}") as raised:
        load_driver(wrong)
    assert f"Did you mean {right}?" in raised.value.hint


def test_an_unknown_name_lists_all_drivers() -> None:
    with pytest.raises(DriverConfigError) as raised:
        load_driver("xyz")
    assert all(name in raised.value.hint for name in driver_names())


def test_another_package_registers_a_driver_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    added(monkeypatch, "bow.another", "drivers.link.driver:BowLink")

    assert "bow.another" in driver_names()
    assert load_driver("bow.another").info.kind is DeviceKind.BOW


def test_a_driver_that_cannot_be_loaded_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    added(monkeypatch, "bow.broken", "no_such_package_of_ours:Driver")

    with pytest.raises(DriverConfigError, match="no_such_package_of_ours") as raised:
        load_driver("bow.broken")
    assert "Install" in raised.value.hint


def test_listing_drivers_imports_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("drivers.link.driver", "drivers.link.driver"):
        monkeypatch.delitem(sys.modules, module, raising=False)

    driver_names()

    assert "drivers.link.driver" not in sys.modules
