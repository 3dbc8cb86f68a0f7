"""Tags in the field of a simulated scanner: those on its pad, those 30 cm away, and the power that each needs. Pure.

Default tags are known by name. Their TIDs are drawn from the seed and the device's birth: a range and its repetition have
the same tags, and a scanner that is started again has new ones, because an arrow in the database may have an earlier one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from simulators.devices.contract import TagState
from simulators.devices.gen2_tag import Gen2Tag, Lock, LockField
from simulators.world.draws import Draws
from simulators.world.quiver import Arrow

_TID_HEAD: Final = bytes.fromhex("e28068902000")
"""Class, maker, model and XTID of a TID with a serial number of 48 bits."""
_EPC_HEAD: Final = bytes.fromhex("e28068900000")
_SERIAL_BYTES: Final = 6
_PASSWORD: Final = 0x5AFE_C0DE
_USER_WORDS: Final = 4
_USER_SHARE: Final = 0.3
"""Share of blank tags with user memory: they set a bit of the PC themselves."""

_SPREAD_DB: Final = 0.5
_NEVER: Final = 0.001
"""Chance below which a tag never answers, and above the complement of which it always does."""
WRITE_MARGIN_DB: Final = 2.0
"""Power that a tag needs to write, above that at which every second inventory sees it."""
MOST_PLACED: Final = 20


class Place(StrEnum):
    """Distance of a tag from the scanner."""

    PAD = "pad"
    FAR = "far"
    """30 cm away."""


_THRESHOLD_DBM: Final = {Place.PAD: 10.0, Place.FAR: 21.0}
"""Power at which every second inventory sees a tag: 12 dBm see the one on the pad in 98 %, 19 dBm the far one in 2 %."""
_RSSI_DBM: Final = {Place.PAD: -52.0, Place.FAR: -68.0}
"""Signal strength at 20 dBm."""
_RSSI_AT_DBM: Final = 20.0


class DefaultTag(StrEnum):
    """Name of a default tag."""

    BLANK = "blank"
    """As from the factory: unlocked, memory of 128 bits with 96 bits in it. Each is a new tag."""
    PERMALOCKED = "permalocked"
    """The EPC is locked for ever."""
    PASSWORD = "password"  # noqa: S105 - a name
    """The EPC is locked by a password, which cannot be read without it."""
    SMALL = "small"
    """Memory of 96 bits."""
    PROGRAMMED = "programmed"
    """Holds the id of the first arrow of the lane's quiver."""


_NAMES: Final = frozenset(map(str, DefaultTag))


@dataclass(slots=True, eq=False)
class InField:
    """One tag in the field, at a place; ``name`` is that of the default tag."""

    tag: Gen2Tag
    name: str
    place: Place = Place.PAD
    away_us: tuple[int, int] = (0, 0)
    """Interval in which the tag is away for a moment."""

    def is_present(self, at_us: int) -> bool:
        """Whether the tag is alive and in its place."""
        return not self.tag.is_killed and not self.away_us[0] <= at_us < self.away_us[1]

    def chance(self, power_dbm: float) -> float:
        """Return the chance that the tag answers at this power."""
        chance = 1.0 / (1.0 + math.exp(-(power_dbm - _THRESHOLD_DBM[self.place]) / _SPREAD_DB))
        return 0.0 if chance < _NEVER else 1.0 if chance > 1.0 - _NEVER else chance

    def can_write(self, power_dbm: float) -> bool:
        """Whether the tag gets enough power to write."""
        return power_dbm >= _THRESHOLD_DBM[self.place] + WRITE_MARGIN_DB

    def rssi_dbm(self, power_dbm: float, noise_db: float) -> int:
        """Return the strength of the tag's answer."""
        return max(round(_RSSI_DBM[self.place] + power_dbm - _RSSI_AT_DBM + noise_db), -128)

    def state(self) -> TagState:
        """Return the tag as an operator sees it."""
        locks = [
            f"{place.name.lower()} {lock.name.lower()}"
            for place, lock in self.tag.locks.items()
            if lock is not Lock.OPEN and place is not LockField.TID
        ]
        tag = self.tag
        return TagState(
            self.name, self.place, tag.tid.hex(), tag.epc.hex(), f"{tag.pc:04x}", tag.epc_memory.hex(), ", ".join(locks)
        )


@dataclass(slots=True)
class Pad:
    """The pad of one scanner, and every tag that was ever on it."""

    seed: int
    device: str
    arrow: Arrow
    """Arrow whose id the tag ``programmed`` holds."""
    born_us: int
    """Instant from which the device senses."""
    tags: list[InField] = field(default_factory=list)
    """Tags in the field now."""
    _known: list[InField] = field(default_factory=list)

    def place(self, tags: Sequence[str], far: Sequence[str] = ()) -> None:
        """Replace the tags in the field by these: default names, or beginnings of a TID or an EPC of a tag that was there.

        Raises ValueError for an unknown or repeated tag, or too many; the tags in the field then stay.
        """
        if len(tags) + len(far) > MOST_PLACED:
            raise ValueError(f"there is no room for {len(tags) + len(far)} tags. Place at most {MOST_PLACED}.")
        known = list(self._known)
        found = [
            (self._find(text, known), place) for place, names in ((Place.PAD, tags), (Place.FAR, far)) for text in names
        ]
        if len({id(one) for one, _ in found}) < len(found):
            raise ValueError("a tag is given twice. Give each tag once; every `blank` is a new one.")
        for one, place in found:
            one.place = place
        self.tags = [one for one, _ in found]
        self._known = known

    def _find(self, text: str, known: list[InField]) -> InField:
        """The tag that ``text`` names; a new one is added to ``known``."""
        if text in _NAMES:
            made = [one for one in known if one.name == text]
            if not made or text == DefaultTag.BLANK:
                made = [InField(self._make(DefaultTag(text), len(known)), text)]
                known += made
            return made[0]
        begins = text.lower()
        matching = [one for one in known if begins and any(id_.startswith(begins) for id_ in _ids(one))]
        if len(matching) != 1:
            which = "matches several tags" if matching else "is no tag that was on this pad"
            names = ", ".join(DefaultTag)
            raise ValueError(f"{text!r} {which}. Write more of its TID or EPC, or one of: {names}.")
        return matching[0]

    def _make(self, name: DefaultTag, number: int) -> Gen2Tag:
        draws = Draws(self.seed, self.device, "serial", number, self.born_us)
        serial = bytes(draws.below(256) for _ in range(_SERIAL_BYTES - 1)) + bytes((number,))
        chance = Draws(self.seed, self.device, "user memory", number).uniform()
        has_user_memory = name is DefaultTag.BLANK and chance < _USER_SHARE
        tag = Gen2Tag(
            _TID_HEAD + serial,
            epc_capacity=6 if name is DefaultTag.SMALL else 8,
            user_words=_USER_WORDS if has_user_memory else 0,
            access_password=_PASSWORD if name is DefaultTag.PASSWORD else 0,
        )
        tag.program(self.arrow.id.bytes if name is DefaultTag.PROGRAMMED else _EPC_HEAD + serial)
        if name is DefaultTag.PERMALOCKED:
            tag.locks[LockField.EPC] = Lock.FOREVER
        if name is DefaultTag.PASSWORD:
            tag.locks |= {LockField.EPC: Lock.PASSWORD, LockField.ACCESS: Lock.PASSWORD}
        return tag


def arrow_in_hand(arrow: Arrow, seed: int) -> InField:
    """Return an arrow of the quiver, with its tag, held to the scanner."""
    draws = Draws(seed, arrow.tag, "tid")
    tag = Gen2Tag(_TID_HEAD + bytes(draws.below(256) for _ in range(_SERIAL_BYTES)))
    tag.program(arrow.id.bytes)
    return InField(tag, arrow.human_identifier)


def _ids(one: InField) -> Iterable[str]:
    return one.tag.tid.hex(), one.tag.epc.hex()
