"""Errors of a driver and its device: four kinds, each with a hint that states what to do next."""

from __future__ import annotations


class DriverError(Exception):
    """Error at a device. ``device`` names it, ``hint`` states what to do next."""

    def __init__(self, message: str, *, device: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.device = device
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.device}: {self.message}. {self.hint}"


class DriverConfigError(DriverError):
    """The settings are wrong; a retry cannot help.

    Examples: a typing error in the driver's name; an unknown scheme in the port's URL.
    """


class DeviceUnavailable(DriverError):
    """The port cannot be opened now; a retry may succeed.

    Examples: the cable is unplugged; another program holds the port; the user has no permission.
    """


class DeviceLost(DriverError):
    """The line failed, or the device went silent, after it was opened.

    Examples: the cable was unplugged; three heartbeats are missing, then ``silent`` is True.
    """

    def __init__(self, message: str, *, device: str, hint: str, silent: bool = False) -> None:
        super().__init__(message, device=device, hint=hint)
        self.silent = silent


class ProtocolError(DriverError):
    """The device sends data that the driver does not understand.

    Examples: another protocol version; a bow node on a target's port.
    """
