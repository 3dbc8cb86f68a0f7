"""How a sensor daemon is, in one line that a technician understands; ``systemctl status`` shows it."""

from __future__ import annotations

from edge.sensor.status import DeviceState, Status


def headline(device_id: str, port: str | None, status: Status, *, database_ok: bool, waiting: int) -> str:
    """The device first, then the database; ``waiting`` is how many readings are not in it yet."""
    place = f" on {port}" if port else ""
    match status.state:
        case DeviceState.READY:
            device = f"reading {device_id}{place}, {status.readings_total} readings"
        case DeviceState.STARTING:
            device = f"opening {device_id}{place}"
        case DeviceState.STOPPED:
            device = f"stopping {device_id}"
        case _:
            trouble = "; ".join(part for part in (status.error, status.hint) if part)
            device = f"{device_id}{place} is {_WORDS[status.state]} since {status.since:%H:%M:%S} UTC: {trouble}"
    if database_ok:
        return f"{device}, database ok"
    return f"{device}; waiting for the database, {waiting} readings wait here"


_WORDS = {
    DeviceState.WAITING: "not there",
    DeviceState.SILENT: "silent",
    DeviceState.LOST: "lost",
}
