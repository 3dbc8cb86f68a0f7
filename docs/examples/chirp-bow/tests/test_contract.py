"""The Chirp bow clip keeps the driver contract on its simulated device."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from archstats.drivers.contract_suite import Connection, DriverContract
from archstats.simulators import Stand

from chirp_bow.codec import Decoder, Frame, Kind, encode
from chirp_bow.driver import ChirpBow, ChirpSettings

DEVICE = "bow-1"


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    stand = Stand.start(tmp_path_factory.mktemp("ports"), {DEVICE: ChirpBow.info.name})
    yield stand
    stand.stop()


class TestChirpBow(DriverContract):
    @pytest.fixture
    def connection(self, stand: Stand) -> Connection:
        settings = ChirpSettings(port=stand.port(DEVICE))
        return Connection(
            info=ChirpBow.info,
            device_id=DEVICE,
            build=lambda clocks: ChirpBow(DEVICE, settings, clocks=clocks),
            freeze=stand.freeze,
            thaw=stand.thaw,
        )


def test_the_decoder_finds_the_next_frame_after_noise() -> None:
    decoder = Decoder()
    noise = b"\xc5\x10\x00\x00\xff"
    assert decoder.feed(noise + encode(Frame(Kind.NOCKED))) == [Frame(Kind.NOCKED)]
    assert (decoder.counters.frames, decoder.counters.noise) == (1, len(noise))
