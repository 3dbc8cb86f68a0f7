"""The Gong target keeps the driver contract on its simulated device."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from archstats.drivers import Reading, StreamStart
from archstats.drivers.contract_suite import Connection, DriverContract
from archstats.simulators import Stand

from gong_target.codec import Ask, Beat, Decoder, Hit, Identity, Message, Stored, encode
from gong_target.driver import GongSettings, GongTarget
from gong_target.simulator import GongNode, Place

DEVICE = "target-1"


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """The simulated device in a process of its own."""
    stand = Stand.start(tmp_path_factory.mktemp("ports"), {DEVICE: GongTarget.info.name})
    yield stand
    stand.stop()


class TestGongTarget(DriverContract):
    """The contract suite on the simulated device."""

    @pytest.fixture
    def connection(self, stand: Stand) -> Connection:
        """The way to the device."""
        settings = GongSettings(port=stand.port(DEVICE))
        return Connection(
            info=GongTarget.info,
            device_id=DEVICE,
            build=lambda clocks: GongTarget(DEVICE, settings, clocks=clocks),
            freeze=stand.freeze,
            thaw=stand.thaw,
        )


def test_the_decoder_survives_damage() -> None:
    """Every line that cannot be used is counted, and the next line is read."""
    decoder = Decoder()
    messages = decoder.feed(b"HIT 1\xff\nnoise\n" + b"x" * 500 + b"\nHIT 3 7 - 1.5 -\n")
    assert messages == [Hit(3, 7, None, 1.5, None)]
    assert (decoder.counters.bad_lines, decoder.counters.overlong, decoder.counters.lines) == (2, 1, 1)


@pytest.mark.parametrize(
    "message",
    [
        Ask(),
        Identity("G-1", 2, 9, 3, "1.0", is_simulated=False),
        Hit(2, 9, 40, -2.0, None),
        Stored(2, 9),
        Beat(2, 9, 1),
    ],
)
def test_messages_are_read_as_sent(message: Message) -> None:
    """The decoder takes bytes in pieces of any size."""
    decoder = Decoder()
    assert [read for byte in encode(message) for read in decoder.feed(bytes((byte,)))] == [message]


def test_kept_hits_survive_a_reboot_without_age() -> None:
    """An acknowledgement, and nothing else, makes the simulated device forget a hit."""
    node = GongNode("G-1", 0)
    node.sense(Place(1.0, 2.0), 100)
    node.reboot(1_000, 500)
    assert encode(Hit(1, 1, None, 1.0, 2.0)) in node.poll(2_000)
    node.receive(encode(Stored(1, 1)), 3_000)
    assert node.poll(900_000) == []


def test_a_reboot_starts_a_stream_with_its_identity() -> None:
    """A hit of an unknown boot waits for the identity; hits of an earlier boot need no start of their own."""
    driver = GongTarget(DEVICE, GongSettings(port="/dev/null"))
    driver._start(Identity("G-1", 1, 100, 0, "1.0", is_simulated=True), 10**9)
    driver._process(
        [
            Hit(2, 1, 5, 0.0, 0.0),
            Identity("G-1", 2, 100, 7, "1.0", is_simulated=True),
            Hit(1, 7, None, 0.0, 0.0),
            Hit(2, 1, 9, 0.0, 0.0),
        ],
        2 * 10**9,
    )
    first, start, old, new = driver._reports
    assert isinstance(first, StreamStart)
    assert isinstance(start, StreamStart)
    assert isinstance(old, Reading)
    assert isinstance(new, Reading)
    assert (start.previous_stream_id, start.previous_last_seq) == (first.stream_id, 7)
    assert (old.stream_id, new.stream_id) == (first.stream_id, start.stream_id)
    assert (old.stamp.uncertainty_s, new.stamp.mono_ns) == (None, 2 * 10**9 - 9_000_000)
