"""What can go wrong between a driver and its device: four kinds, each with a hint that says what to do next."""

from __future__ import annotations


class DriverError(Exception):
    """Something went wrong at a device. ``device`` says which, ``hint`` what to do."""

    def __init__(self, message: str, *, device: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.device = device
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.device}: {self.message}. {self.hint}"


class DriverConfigError(DriverError):
    """The settings cannot work: an unknown driver, a port that can never be one. Trying again will not help.

    Example: the driver's name has a typing error; the port's URL has an unknown scheme.
    """


class DeviceUnavailable(DriverError):
    """The port cannot be opened now. It may come.

    Example: the cable is out; another program holds the port; the user may not read it.
    """


class DeviceLost(DriverError):
    """The line failed, or the device fell silent, after it had been opened.

    Example: the cable was pulled; three heartbeats are missing, then ``silent`` is True.
    """

    def __init__(self, message: str, *, device: str, hint: str, silent: bool = False) -> None:
        super().__init__(message, device=device, hint=hint)
        self.silent = silent


class ProtocolError(DriverError):
    """The device speaks, but not what the driver understands.

    Example: another protocol version; a bow node on a target's port.
    """
