"""Settings of a simulated R200 reader, and the commands that need no tag. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from drivers.r200 import codec as r200

POWER_CENTI_DBM: Final = (500, 2600)
"""Bounds of the transmit power in hundredths of a dBm: those of a reader with 26 dBm (datasheet V0.2)."""
MOST_IDLE_MINUTES: Final = 30
BAUDS: Final = (9_600, 19_200, 38_400, 57_600, 115_200)
"""Bit rates of the line; the last one after a reset."""
_EPC_BITS: Final = 0x20
"""First bit of the EPC in its bank."""
_TEXTS: Final = {
    r200.InfoKind.HARDWARE: "M100 simulator V1.00",
    r200.InfoKind.SOFTWARE: "V2.3.5 simulator",
    r200.InfoKind.MAKER: "MagicRF simulator",
}
_EVERY_TAG: Final = r200.Select(r200.Bank.EPC, _EPC_BITS, 0, b"")
_MODEM: Final = r200.ModemIs(2, 6, 0xB0)
_REFUSED: Final = r200.Failure(r200.FailureCode.BAD_COMMAND)


@dataclass(slots=True)
class ReaderSettings:
    """Everything that the reader forgets when it sleeps or is reset, as it is after that."""

    region: r200.Region = r200.Region.CN900
    power_centi_dbm: int = 2000
    query: int = 0x1020
    select_mode: r200.SelectMode = r200.SelectMode.NEVER
    select: r200.Select = _EVERY_TAG
    modem: r200.ModemIs = _MODEM
    idle_minutes: int = 0
    is_asleep: bool = False
    baud: int = BAUDS[-1]

    @property
    def power_dbm(self) -> float:
        """The transmit power."""
        return self.power_centi_dbm / 100

    def execute(self, command: r200.HostCommand) -> r200.Answer:
        """Execute a command that needs no tag, and return its answer."""
        done = r200.OK
        match command:
            case r200.PlainCommand(code):
                return self._get(code)
            case r200.GetInfo(kind):
                return r200.Info(kind, _TEXTS[kind])
            case r200.SetSelect(select):
                self.select, self.select_mode = select, r200.SelectMode.EXCEPT_INVENTORY
            case r200.SetSelectMode(mode):
                self.select_mode = mode
                return r200.Done(r200.Code.SET_SELECT)  # as in the manuals
            case r200.SetQuery(query):
                self.query = query
            case r200.SetRegion(region):
                self.region = region
            case r200.SetPower(centi_dbm):
                if not POWER_CENTI_DBM[0] <= centi_dbm <= POWER_CENTI_DBM[1]:
                    return _REFUSED
                self.power_centi_dbm = centi_dbm
            case r200.SetModem(mixer, amplifier, threshold):
                self.modem = r200.ModemIs(mixer, amplifier, threshold)
            case r200.SetIdleSleep(minutes):
                if minutes > MOST_IDLE_MINUTES:
                    return _REFUSED
                self.idle_minutes = done = minutes  # the answer repeats them
        return r200.Done(command.code, done)

    def _get(self, code: r200.Code) -> r200.Answer:
        match code:
            case r200.Code.GET_REGION:
                return r200.RegionIs(self.region)
            case r200.Code.GET_POWER:
                return r200.PowerIs(self.power_centi_dbm)
            case r200.Code.GET_QUERY:
                return r200.QueryIs(self.query)
            case r200.Code.GET_SELECT:
                return r200.SelectIs(self.select)
            case r200.Code.GET_MODEM:
                return self.modem
            case _:
                self.is_asleep = code is r200.Code.SLEEP
                return r200.Done(code)
