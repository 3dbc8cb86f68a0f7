"""The checked settings of one device. Loads no validation: the running daemon keeps them."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.registry import DriverClass
from edge.common.config.settings import DeviceSettings
from edge.sensor.store import Device


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """Everything that ``run`` needs, checked before anything is opened."""

    device: Device
    driver: DriverClass
    settings: DeviceSettings
