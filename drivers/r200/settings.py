"""Settings of the driver, and the values that the reader is set up with."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Final

from drivers.r200.codec import Region

BAUDS: Final = (115_200, 9_600, 19_200, 38_400, 57_600)
"""Bit rates that are tried, the usual ones first: boards come with 115,200, the chip's own default is 9,600."""
QUERY: Final = 0x1018
"""Parameters of Query: the manuals' default with Q 3. Eight slots make a short round; two tags seldom collide."""

MOST_DBM: Final = 30.0
"""Highest power that can be set: the strongest boards have less."""


class RegionName(StrEnum):
    """Region by its name in the settings."""

    CN900 = "cn900"
    CN800 = "cn800"
    US = "us"
    EU = "eu"
    KR = "kr"

    @property
    def region(self) -> Region:
        """The region's code."""
        return Region[self.name]


@dataclass(frozen=True, slots=True, kw_only=True)
class R200Settings:
    """Settings of the driver."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    port: str = field(
        metadata={"min_length": 1, "description": "Serial port, or socket://HOST:PORT of a serial server."}
    )
    region: RegionName = field(
        metadata={"description": "Radio region, which the law of the country decides: cn900, cn800, us, eu or kr."}
    )
    baud: int | None = field(
        default=None, metadata={"ge": 1_200, "le": 921_600, "description": "Bits per second; found out without it."}
    )
    power_dbm: float = field(
        default=15.0,
        metadata={"ge": 0, "le": MOST_DBM, "description": "Transmit power in dBm, until a calibration sets it."},
    )
    poll_ms: int = field(
        default=200, metadata={"ge": 50, "le": 1_000, "description": "Interval of inventories in milliseconds."}
    )
    rounds: int = field(
        default=1,
        metadata={"ge": 1, "le": 20, "description": "Rounds of an inventory; more than 1 find more of many tags."},
    )
    debounce_s: float = field(
        default=2.0,
        metadata={
            "ge": 0,
            "le": 3_600,
            "description": "Seconds after which a tag counts as scanned anew; 0 makes every read a reading.",
        },
    )
