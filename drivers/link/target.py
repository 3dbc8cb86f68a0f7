"""``target.link``: a target node, over the Arch-Stats link."""

from __future__ import annotations

from typing import ClassVar

from drivers.contract import Capability, DeviceKind, DriverInfo, Maturity
from drivers.link.codec import NodeKind
from drivers.link.driver import COMMANDS, HEARTBEAT_S, LinkNode, LinkSettings


class TargetLink(LinkNode):
    """Reports landings in its own frame, the tags in the butt, and calibration pins."""

    node_kind = NodeKind.TARGET
    info: ClassVar = DriverInfo(
        name="target.link",
        kind=DeviceKind.TARGET,
        summary="Target node over the Arch-Stats link",
        maturity=Maturity.EXPERIMENTAL,
        capabilities=frozenset({Capability.ACKNOWLEDGES, Capability.STAMPS_TIME, Capability.CONFIGURE}),
        commands=COMMANDS,
        heartbeat_s=HEARTBEAT_S,
        settings=LinkSettings,
    )
