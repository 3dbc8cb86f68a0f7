"""Diagnosis of GPIO pins that cannot be opened, with a hint that states what to do next."""

from __future__ import annotations

import errno
import getpass
from typing import Final

from drivers.errors import DeviceUnavailable, DriverConfigError, DriverError

CHIP_VARIABLE: Final = "ARCH_STATS_GPIO_CHIP"
INSTALL: Final = (
    "Install the extra gpio: `pip install 'archstats-edge[gpio]'`, in a clone `uv sync --extra gpio`; "
    "`archstats-sensor install` installs it on a hub."
)


def missing_extra(fault: ImportError, device: str) -> DriverConfigError:
    """The error to raise where the packages for GPIO are not installed."""
    return DriverConfigError(
        f"the package {fault.name or 'gpiozero'} for GPIO pins is not installed", device=device, hint=INSTALL
    )


def explain_chip(chip: str | None, device: str, fault: OSError) -> DriverError:
    """The error to raise for ``fault``, from opening the GPIO chip ``chip`` or from looking for one."""
    place = str(fault.filename or chip or "the GPIO chip")
    if fault.errno in (errno.EACCES, errno.EPERM):
        return _forbidden(place, device, fault.errno)
    if fault.errno == errno.ENOTUNIQ:
        return DeviceUnavailable(
            f"this machine has several GPIO chips: {_chip_list()}",
            device=device,
            hint=f"Set {CHIP_VARIABLE} to the one with your pins, for example gpiochip0; `gpioinfo` lists their lines.",
        )
    if fault.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        known = _chip_list()
        if known:
            return DeviceUnavailable(
                f"there is no GPIO chip {place}; this machine has {known}",
                device=device,
                hint=f"Correct {CHIP_VARIABLE}.",
            )
        return DeviceUnavailable(
            f"this machine has no GPIO chip: {place} does not exist",
            device=device,
            hint="Run the driver on the hub that the switch is soldered to, or with --simulate.",
        )
    return DeviceUnavailable(
        f"{place} cannot be opened: {fault.strerror or fault}",
        device=device,
        hint=f"Check {CHIP_VARIABLE}; `dmesg | tail` shows the kernel's messages.",
    )


def explain_line(number: int, chip_path: str, device: str, fault: Exception) -> DriverError:
    """The error to raise for ``fault``, from requesting line ``number`` of an open chip."""
    code = fault.errno if isinstance(fault, OSError) else None
    if code in (errno.EACCES, errno.EPERM):
        return _forbidden(chip_path, device, code)
    if code == errno.EBUSY:
        from drivers.transport.gpiod_pins import consumer_of

        holder = consumer_of(chip_path, number)
        return DeviceUnavailable(
            f"GPIO{number} of {chip_path} is in use by {holder or 'another program'}",
            device=device,
            hint="Stop that program, remove its overlay from /boot/firmware/config.txt, or use another pin; "
            "`gpioinfo` shows who uses which line.",
        )
    if isinstance(fault, ValueError) or code == errno.EINVAL:
        return DriverConfigError(
            f"{chip_path} has no line {number} that can be used as it is set",
            device=device,
            hint="Correct the number of the pin, or its bias; `gpioinfo` lists the lines of each chip.",
        )
    if code in (errno.ENXIO, errno.ENOTSUP):
        return DriverConfigError(
            f"GPIO{number} of {chip_path} reports no edges, or has no resistor inside the chip",
            device=device,
            hint="Use another pin, or a resistor outside and the bias floating.",
        )
    return DeviceUnavailable(
        f"GPIO{number} of {chip_path} cannot be opened: {fault}",
        device=device,
        hint="`dmesg | tail` shows the kernel's messages.",
    )


def pin_in_use(number: int, device: str) -> DeviceUnavailable:
    """The error to raise for a pin that this process uses already."""
    return DeviceUnavailable(
        f"GPIO{number} is in use by this program already",
        device=device,
        hint="Give each switch, gate and light a pin of its own.",
    )


def no_such_pin(number: int, device: str) -> DriverConfigError:
    """The error to raise for a number that no pin of the header has."""
    return DriverConfigError(
        f"there is no GPIO{number} on the header",
        device=device,
        hint="Use a number from 0 to 27: those of the chip, not those of the places on the header.",
    )


def fixed_pull(number: int, device: str) -> DriverConfigError:
    """The error to raise for a pin whose resistor is soldered to the board."""
    return DriverConfigError(
        f"GPIO{number} has a resistor to 3.3 V on the board", device=device, hint="Use the bias up, or another pin."
    )


def _forbidden(path: str, device: str, code: int | None) -> DeviceUnavailable:
    if code == errno.EPERM:  # not from the file mode, which gives EACCES
        return DeviceUnavailable(
            f"the unit does not allow the GPIO chip {path}",
            device=device,
            hint=f"Run `sudo systemctl edit archstats-sensor@{device}`, write `[Service]` and "
            "`DeviceAllow=char-gpiochip rw`, then restart it.",
        )
    return DeviceUnavailable(
        f"no permission for the GPIO chip {path}",
        device=device,
        hint=f"Run `sudo usermod -aG gpio {_me()}` and log in again; a service of an installed hub is in that group: "
        "run `archstats-sensor install` again, and check `ls -l /dev/gpiochip*`.",
    )


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        return "USER"


def _chip_list() -> str:
    from drivers.transport.gpiod_pins import chips

    return ", ".join(f"{path} ({label})" for path, label in chips().items())
