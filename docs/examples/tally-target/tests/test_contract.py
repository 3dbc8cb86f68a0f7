"""The Tally target keeps the driver contract on its simulated device."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from archstats.drivers.contract_suite import Connection, DriverContract
from archstats.simulators import Stand

from tally_target.codec import Decoder, Hit
from tally_target.driver import TallySettings, TallyTarget

DEVICE = "target-1"


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """The simulated device in a process of its own."""
    stand = Stand.start(tmp_path_factory.mktemp("ports"), {DEVICE: TallyTarget.info.name})
    yield stand
    stand.stop()


class TestTallyTarget(DriverContract):
    """The contract suite on the simulated device."""

    @pytest.fixture
    def connection(self, stand: Stand) -> Connection:
        """The way to the device."""
        settings = TallySettings(port=stand.port(DEVICE))
        return Connection(
            info=TallyTarget.info,
            device_id=DEVICE,
            build=lambda clocks: TallyTarget(DEVICE, settings, clocks=clocks),
            freeze=stand.freeze,
            thaw=stand.thaw,
        )


def test_the_decoder_survives_damage() -> None:
    """Every line that cannot be used is counted, and the next line is read."""
    decoder = Decoder()
    messages = decoder.feed(b"H,1\xff\nnoise\n" + b"x" * 500 + b"\nH,1.5,\n")
    assert messages == [Hit(1.5, None)]
    assert (decoder.counters.bad_lines, decoder.counters.overlong, decoder.counters.lines) == (2, 1, 1)


def test_lines_may_arrive_in_pieces() -> None:
    """The decoder takes bytes in pieces of any size."""
    decoder = Decoder()
    assert [message for byte in b"H,-2,3.25\n" for message in decoder.feed(bytes((byte,)))] == [Hit(-2.0, 3.25)]
