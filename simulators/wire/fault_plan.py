"""The faults of a simulated line and device, and the chance of each: ``drop=0.05,corrupt=0.05,reboot=0.01``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from simulators.devices.chatter import Chatter, parse_chatter
from simulators.devices.contract import DeviceFault

CHATTER = "chatter"
"""Name of the fault that is no chance: see :class:`Chatter`."""


class Fault(StrEnum):
    """One kind of fault of the line that is drawn per frame; the fields of :class:`FaultPlan` describe them."""

    DROP = "drop"
    CORRUPT = "corrupt"
    DUPLICATE = "duplicate"
    DELAY = "delay"
    SPLIT = "split"
    MERGE = "merge"
    SILENCE = "silence"
    STUCK = "stuck"
    UNPLUG = "unplug"
    REBOOT = "reboot"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """The chance of each fault per frame: 0 is never, 1 is always; and the devices that chatter."""

    drop: float = 0.0
    """The frame is lost."""
    corrupt: float = 0.0
    """One to three bytes of the frame are changed."""
    duplicate: float = 0.0
    """The frame arrives twice."""
    delay: float = 0.0
    """The frame arrives up to 0.3 s late; later frames overtake it."""
    split: float = 0.0
    """The frame arrives in two pieces, up to 20 ms apart."""
    merge: float = 0.0
    """The frame arrives in one piece with the next frame, or 30 ms late."""
    silence: float = 0.0
    """This direction loses every byte for 0.3 to 2 s."""
    stuck: float = 0.0
    """One repeated byte replaces everything in this direction for 0.1 to 0.5 s."""
    unplug: float = 0.0
    """The cable is unplugged for 0.2 to 1.5 s: the port disappears and a new one takes its name. Frames to the hub only."""
    reboot: float = 0.0
    """The node reboots and senses nothing for 50 to 300 ms. Frames to the hub only."""
    text: float = 0.0
    """The node logs a text with zeros, escape sequences and bytes that are no UTF-8, and takes such a name. Frames to the hub only."""
    late: float = 0.0
    """The device's answer comes 0.6 to 1.5 s late. This fault and those below act on devices that know them; others ignore them."""
    leave: float = 0.0
    """The tag leaves the scanner's field for 0.2 to 1 s during a command."""
    missum: float = 0.0
    """An error of the scanner has the sum that a manual misprints."""
    miscrc: float = 0.0
    """The tag's own CRC is wrong, in a frame with the right sum."""
    garbage: float = 0.0
    """One to four bytes precede an answer."""
    chatter: Chatter | None = None
    """The device that chatters, and when. Its line has no other fault, so that everything it senses reaches the hub."""

    @property
    def is_empty(self) -> bool:
        """Whether the line has no faults."""
        return not any(self.chance(fault) for fault in (*Fault, *DeviceFault))

    @property
    def of_device(self) -> Mapping[DeviceFault, float]:
        """The faults of the device itself that happen, with their chances."""
        return {fault: self.chance(fault) for fault in DeviceFault if self.chance(fault)}

    def chance(self, fault: Fault | DeviceFault) -> float:
        """Return the chance of one fault."""
        chance: float = getattr(self, fault)
        return chance


NO_FAULTS = FaultPlan()


def parse_plan(text: str) -> FaultPlan:
    """Parse ``name=chance,name=chance,chatter=...``; an empty text is a line without faults.

    Raises ValueError with the wrong part and the correct form.
    """
    known = [*Fault, *DeviceFault, CHATTER]
    chances: dict[str, float] = {}
    chatter: Chatter | None = None
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, chance = (side.strip() for side in part.partition("="))
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"Did you mean {near[0]}?" if near else f"Choose from {', '.join(known)}."
            raise ValueError(f"unknown fault {name!r}. {hint}")
        if name in chances or (name == CHATTER and chatter is not None):
            raise ValueError(f"fault {name} is given twice. Give it once.")
        if name == CHATTER:
            chatter = parse_chatter(chance)
        else:
            chances[name] = _chance(name, chance)
    return FaultPlan(**chances, chatter=chatter)


def _chance(name: str, text: str) -> float:
    try:
        chance = float(text)
    except ValueError:
        chance = -1.0
    if not 0.0 <= chance <= 1.0:
        raise ValueError(f"fault {name} has no valid chance: {text!r}. Write a number from 0 to 1, like {name}=0.05.")
    return chance
