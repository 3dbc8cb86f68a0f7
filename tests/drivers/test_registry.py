"""Drivers are found by name, and a wrong name is met with the right one."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from drivers import registry
from drivers.contract import DeviceKind
from drivers.errors import DriverConfigError
from drivers.registry import driver_names, load_driver


def added(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """As if a package with this entry point were installed."""
    points = EntryPoints([EntryPoint(name=name, value=value, group=registry.ENTRY_POINTS)])
    monkeypatch.setattr(registry, "entry_points", lambda group: points.select(group=group))


@pytest.mark.parametrize("name", driver_names())
def test_every_driver_is_what_its_name_says(name: str) -> None:
    driver = load_driver(name)

    assert driver.info.name == name
    assert name.startswith(f"{driver.info.kind.value}.")
    assert driver.info.heartbeat_s > 0
    assert driver.info.settings.model_config.get("extra") == "forbid"


def test_the_built_in_drivers_are_there() -> None:
    assert {"bow.link", "target.link"} <= set(driver_names())


@pytest.mark.parametrize(
    ("wrong", "right"), [("bow.lnik", "bow.link"), ("target-link", "target.link"), ("Bow.Link", "bow.link")]
)
def test_a_typing_error_is_met_with_the_nearest_name(wrong: str, right: str) -> None:
    with pytest.raises(DriverConfigError, match=f"no driver {wrong}") as told:
        load_driver(wrong)
    assert f"Did you mean {right}?" in told.value.hint


def test_a_name_like_no_other_lists_them_all() -> None:
    with pytest.raises(DriverConfigError) as told:
        load_driver("xyz")
    assert all(name in told.value.hint for name in driver_names())


def test_a_third_party_adds_a_driver_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    added(monkeypatch, "bow.another", "drivers.link.driver:BowLink")

    assert "bow.another" in driver_names()
    assert load_driver("bow.another").info.kind is DeviceKind.BOW


def test_a_third_partys_driver_that_does_not_load_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    added(monkeypatch, "bow.broken", "no_such_package_of_ours:Driver")

    with pytest.raises(DriverConfigError, match="no_such_package_of_ours") as told:
        load_driver("bow.broken")
    assert "Install" in told.value.hint


def test_naming_drivers_imports_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("drivers.link.driver", "drivers.link.driver"):
        monkeypatch.delitem(sys.modules, module, raising=False)

    driver_names()

    assert "drivers.link.driver" not in sys.modules
