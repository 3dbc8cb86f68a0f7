"""``bow.link``: a bow node behind a USB receiver, over the Arch-Stats link."""

from __future__ import annotations

from typing import ClassVar

from drivers.contract import Capability, DeviceKind, DriverInfo, Maturity
from drivers.link.codec import NodeKind
from drivers.link.driver import COMMANDS, HEARTBEAT_S, LinkNode, LinkSettings


class BowLink(LinkNode):
    """Reports engage and release, with the arrow's tag."""

    node_kind = NodeKind.BOW
    info: ClassVar = DriverInfo(
        name="bow.link",
        kind=DeviceKind.BOW,
        summary="Bow node over the Arch-Stats link",
        maturity=Maturity.EXPERIMENTAL,
        capabilities=frozenset({Capability.ACKNOWLEDGES, Capability.STAMPS_TIME, Capability.CONFIGURE}),
        commands=COMMANDS,
        heartbeat_s=HEARTBEAT_S,
        settings=LinkSettings,
    )
