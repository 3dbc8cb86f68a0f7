"""The device that reads and writes the tags of arrows, and the tag that is on it."""

from __future__ import annotations

import re
from typing import Final

from edge.common.config.errors import CommandError
from edge.common.postgres.connection import Connection
from edge.common.vocabulary import CommandState, DeviceKind, ErrorCode
from edge.operator.arrows.tags import InspectedTag
from edge.operator.commands import DeviceCommand, Follow, daemon_missing, require_done, run_to_end
from edge.operator.devices import DeviceSummary, find_device, list_devices, start_hint

INSPECT: Final = "inspect_tag"
"""Command that returns the only tag in the field; see the driver's page."""
WAIT_S: Final = 30.0
"""Longest wait for a tag on the scanner."""
MARGIN_S: Final = 15.0
"""Time for the reading of a tag that was put there at the last moment."""
USUAL_NAME: Final = "arrow-1"


def cause_and_remedy(command: DeviceCommand) -> tuple[str, str]:
    """The cause of a failure, without a full stop, and the remedy in sentences, empty for none.

    The first sentence of an error is the cause. The hint for commands in general, to read the settings, is left out.
    """
    cause, *remedies = _SENTENCE_END.split(command.error or "the scanner proved another EPC")
    hints = _SENTENCE_END.split(command.hint or "")
    remedies += [hint for hint in hints if "settings" not in hint and "carried" not in hint]
    return cause.removesuffix("."), " ".join(filter(None, remedies))


_SENTENCE_END: Final = re.compile(r"(?<=\.) (?=[A-Z])")


async def choose_scanner(connection: Connection, device_id: str | None = None) -> DeviceSummary:
    """The named scanner, or the only one. Raises CommandError when there is none, and at once when its daemon does not run."""
    if device_id is not None:
        scanner = await find_device(connection, device_id)
        if scanner.kind is not DeviceKind.ARROW:
            raise CommandError(
                f"{scanner.id} is no scanner of arrows: it is a {scanner.kind}",
                hint="Give the name of one: see `archstats-sensor devices list`.",
            )
    else:
        scanners = [one for one in await list_devices(connection) if one.kind is DeviceKind.ARROW]
        if not scanners:
            raise CommandError(
                "no scanner of arrows has ever run on this database",
                hint=f"{start_hint(USUAL_NAME)} Without a scanner, register arrows and program their tags elsewhere: "
                "see docs/arrows.md.",
            )
        if len(scanners) > 1:
            names = ", ".join(one.id for one in scanners)
            raise CommandError(f"there are several scanners: {names}", hint="Choose one with --device.")
        scanner = scanners[0]
    if not scanner.is_served:
        raise daemon_missing(scanner)
    return scanner


async def inspect_tag(
    connection: Connection, scanner_id: str, who: str, follow: Follow, wait_s: float = WAIT_S
) -> InspectedTag:
    """The only tag on the scanner; waits for one. Raises CommandError when there is none, or several."""
    command = await run_to_end(
        connection, scanner_id, INSPECT, {"wait_s": wait_s}, who, follow, deadline_s=wait_s + MARGIN_S
    )
    if command.state is CommandState.FAILED:
        cause, remedy = cause_and_remedy(command)
        raise CommandError(
            f"{scanner_id} found no tag to go on with: {cause}",
            hint=f"{remedy or 'Try again.'} Nothing was written.",
            code=ErrorCode.DEVICE_FAILED,
        )
    require_done(command)
    return InspectedTag.parse(command.result or {}, scanner_id)
