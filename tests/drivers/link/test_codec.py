"""The link codec: lossless encoding, and no wrong message from damaged bytes."""

from __future__ import annotations

import random
import struct
import zlib
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.link.codec import (
    MAX_BODY,
    VERSION,
    Ack,
    EarlierBoot,
    Engage,
    Event,
    Frame,
    Heartbeat,
    Hello,
    HelloRequest,
    Landing,
    LinkDecoder,
    Log,
    Message,
    MessageType,
    NakCode,
    NodeCapability,
    Pin,
    Release,
    ReleaseCode,
    Tags,
    TimeResponse,
    Unreadable,
    cobs,
    encode,
)
from tests.drivers.link.messages import EVENTS, MESSAGES, U16, U32, U64

LONGEST_HELD = cobs.longest(MAX_BODY)
TAG = "123456789abc4def8123456789abcdef"
BOOT = EarlierBoot(4711, 4710, 99, 2, 60_300_000, 300_000)
SAMPLES: list[Message] = [
    Engage(-55, TAG),
    Release(ReleaseCode.SHOT, TAG),
    Landing(531.24, -0.01, 97, TAG),
    Tags((TAG, "00" * 12)),
    Pin(None, 100.0),
    Heartbeat(7, 87, -60, 2),
    Hello(2, NodeCapability.ACKNOWLEDGES, None, "fw 1.0", (BOOT, replace(BOOT, before_us=None, blind_us=None))),
    TimeResponse(1 << 40, 5_000_000),
    Log(6, "started"),
    Ack(),
]


def framed(body: bytes) -> bytes:
    """A body as bytes on the wire, with the right CRC."""
    return cobs.encode(body + struct.pack(">I", zlib.crc32(body))) + b"\0"


def header(kind: int, *, version: int = VERSION, seq: int = 1) -> bytes:
    return struct.pack(">BBHIIQ", version, kind, 7, 42, seq, 1000)


def hello_with(boots: bytes) -> bytes:
    return header(MessageType.HELLO) + b"\x01\x00\x07" + bytes(8) + b"\x02fw" + boots


@given(st.binary(max_size=1200))
def test_cobs_decodes_its_own_encoding(data: bytes) -> None:
    encoded = cobs.encode(data)

    assert 0 not in encoded
    assert len(encoded) <= cobs.longest(len(data))
    assert cobs.decode(encoded) == data


def test_cobs_matches_the_paper_and_handles_full_blocks() -> None:
    assert cobs.encode(bytes.fromhex("0011220033 44")) == bytes.fromhex("01031122033344")
    assert cobs.encode(b"") == b"\x01"
    full = bytes(range(1, 255))
    assert cobs.encode(full) == b"\xff" + full
    assert cobs.encode(full + b"\0") == b"\xff" + full + b"\x01\x01"
    assert cobs.encode(full + b"\x05") == b"\xff" + full + b"\x02\x05"


@given(MESSAGES, U16, U32, st.integers(1, 0xFFFF_FFFF), U64)
def test_every_message_survives_encoding_and_decoding(
    message: Message, node: int, boot_id: int, seq: int, t_us: int
) -> None:
    wire = encode(message, node=node, boot_id=boot_id, seq=seq, t_us=t_us)

    assert wire.index(0) == len(wire) - 1
    assert LinkDecoder().feed(wire) == [Frame(node, boot_id, seq, t_us, message)]


@given(st.lists(EVENTS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_frames_may_arrive_in_pieces_of_any_size(events: list[Event], chance: random.Random) -> None:
    wire = b"".join(encode(event, node=1, boot_id=9, seq=seq) for seq, event in enumerate(events, 1))
    cuts = sorted(chance.sample(range(len(wire) + 1), k=chance.randint(0, min(12, len(wire)))))
    decoder = LinkDecoder()

    frames = [frame for a, b in pairwise([0, *cuts, len(wire)]) for frame in decoder.feed(wire[a:b])]

    assert [frame.message for frame in frames] == events
    assert decoder.counters.frames == len(events)
    assert decoder.counters.damaged == 0


@given(st.lists(st.binary(max_size=700) | MESSAGES.map(lambda m: encode(m, node=1, seq=1)), max_size=20))
def test_the_decoder_never_raises_and_holds_one_frame_at_most(pieces: list[bytes]) -> None:
    decoder = LinkDecoder()

    for piece in pieces:
        decoder.feed(piece)
        assert decoder.held <= LONGEST_HELD


def test_the_next_frame_is_read_after_a_million_random_bytes() -> None:
    chance = random.Random(20260101)
    decoder = LinkDecoder()
    for _ in range(1000):
        assert decoder.feed(chance.randbytes(1000)) == []
        assert decoder.held <= LONGEST_HELD
    decoder.feed(b"\0")
    counted = decoder.counters.overlong
    for _ in range(500):  # without a zero: a line that is stuck, or another protocol
        assert decoder.feed(bytes(chance.choices(range(1, 256), k=1000))) == []
        assert decoder.held <= LONGEST_HELD

    [frame] = decoder.feed(b"\0" + encode(Ack(), node=1, boot_id=2, seq=3))

    assert frame.message == Ack()
    assert decoder.counters.damaged > 1000
    assert decoder.counters.overlong == counted + 1


@pytest.mark.parametrize("message", SAMPLES, ids=lambda message: message.type.name)
def test_a_changed_byte_never_yields_a_wrong_message(message: Message) -> None:
    before, after = encode(Ack(), node=1, boot_id=9, seq=1), encode(HelloRequest(), node=1)
    wire = encode(message, node=1, boot_id=9, seq=5, t_us=123_456_789)
    sent = [frame.message for frame in LinkDecoder().feed(before + wire + after)]

    for position in range(len(wire)):
        for wrong in range(256):
            if wrong == wire[position]:
                continue
            damaged = wire[:position] + bytes((wrong,)) + wire[position + 1 :]
            decoder = LinkDecoder()
            got = [frame.message for frame in decoder.feed(before + damaged + after)]
            # A changed end joins the frame with the next one: then both are lost, and nothing else.
            assert got in ([sent[0], sent[2]], [sent[0]]), (position, wrong)
            assert decoder.counters.damaged >= 1


@pytest.mark.parametrize("message", SAMPLES, ids=lambda message: message.type.name)
def test_a_truncated_frame_never_yields_a_wrong_message(message: Message) -> None:
    wire = encode(message, node=1, boot_id=9, seq=5, t_us=123_456_789)
    following = encode(HelloRequest(), node=1)

    for cut in range(1, len(wire) - 1):
        tail_lost = LinkDecoder().feed(wire[:cut] + b"\0" + following)
        head_lost = LinkDecoder().feed(wire[cut:] + following)
        assert [frame.message for frame in tail_lost] == [HelloRequest()]
        assert [frame.message for frame in head_lost] == [HelloRequest()]


def test_merged_frames_never_yield_a_wrong_message() -> None:
    wires = [encode(message, node=1, boot_id=9, seq=5, t_us=77) for message in SAMPLES]
    for one in wires:
        for other in wires:
            for cut in range(1, len(one)):
                assert LinkDecoder().feed(one[:cut] + other) == []


def test_zeros_between_frames_are_not_damage() -> None:
    decoder = LinkDecoder()

    frames = decoder.feed(b"\0\0" + encode(Ack(), node=1) + b"\0\0\0" + encode(Ack(), node=1))

    assert len(frames) == 2
    assert decoder.counters.damaged == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(header(MessageType.ACK, version=2), NakCode.UNSUPPORTED_VERSION, id="version"),
        pytest.param(header(0x7F) + b"what", NakCode.UNKNOWN_TYPE, id="type"),
        pytest.param(header(MessageType.ENGAGE), NakCode.BAD_PAYLOAD, id="nothing in it"),
        pytest.param(header(MessageType.ENGAGE) + b"\x05\x20" + bytes(32), NakCode.BAD_PAYLOAD, id="tag of 32 bytes"),
        pytest.param(header(MessageType.ENGAGE) + b"\x05\x04\x01\x02", NakCode.BAD_PAYLOAD, id="tag cut short"),
        pytest.param(header(MessageType.ENGAGE, seq=0) + b"\x05\x00", NakCode.BAD_PAYLOAD, id="event number 0"),
        pytest.param(header(MessageType.ACK) + b"\x00", NakCode.BAD_PAYLOAD, id="one byte too many"),
        pytest.param(header(MessageType.TAGS) + b"\x02\x01\xaa", NakCode.BAD_PAYLOAD, id="a tag is missing"),
        pytest.param(header(MessageType.TAGS) + b"\x01\x00", NakCode.BAD_PAYLOAD, id="an empty tag"),
        pytest.param(header(MessageType.TIME_RESP) + bytes(15), NakCode.BAD_PAYLOAD, id="half a clock"),
        pytest.param(header(MessageType.CONFIG) + bytes(3), NakCode.BAD_PAYLOAD, id="one and a half values"),
        pytest.param(header(MessageType.LOG), NakCode.BAD_PAYLOAD, id="log without a level"),
        pytest.param(header(MessageType.HELLO) + bytes(11) + b"\x05fw", NakCode.BAD_PAYLOAD, id="firmware cut short"),
        pytest.param(hello_with(b""), NakCode.BAD_PAYLOAD, id="no list of boots"),
        pytest.param(hello_with(b"\x02" + bytes(30)), NakCode.BAD_PAYLOAD, id="a boot is missing"),
        pytest.param(hello_with(b"\x09" + bytes(9 * 30)), NakCode.BAD_PAYLOAD, id="nine boots"),
    ],
)
def test_an_unreadable_frame_names_the_reason(body: bytes, code: NakCode) -> None:
    decoder = LinkDecoder()

    [frame] = decoder.feed(framed(body))

    assert isinstance(frame.message, Unreadable)
    assert frame.message.code is code
    assert (frame.node, frame.boot_id) == (7, 42)
    assert decoder.counters.frames == 0
    assert decoder.counters.damaged == 0


def test_reserved_values_read_as_unknown() -> None:
    [beat] = LinkDecoder().feed(framed(header(MessageType.HEARTBEAT) + struct.pack(">IBbH", 1, 101, 127, 0)))
    [landing] = LinkDecoder().feed(framed(header(MessageType.LANDING) + struct.pack(">iiBB", -(1 << 31), 5, 200, 0)))
    [release] = LinkDecoder().feed(framed(header(MessageType.RELEASE) + b"\x09\x00"))

    assert beat.message == Heartbeat(1, None, None, 0)
    assert landing.message == Landing(None, 0.05, None, None)
    assert release.message == Release(ReleaseCode.SHOT, None)


@pytest.mark.parametrize(
    "message",
    [
        Engage(200, TAG),
        Engage(-50, "00" * 32),
        Landing(1e9, 0.0, None, None),
        Landing(float("nan"), 0.0, None, None),
        Landing(float("inf"), 0.0, None, None),
        Pin(0.0, -21_474_836.48),
        Engage(127, TAG),
        Heartbeat(1, 101, None, 0),
        Tags(("aa" * 16,) * 120),
        Tags(("",)),
        Log(6, "x" * 3000),
        Hello(1, NodeCapability(0), 0, "x" * 300),
        Hello(1, NodeCapability(0), 0, "", (BOOT,) * 9),
        Hello(1, NodeCapability(0), 0, "", (replace(BOOT, blind_us=(1 << 64) - 1),)),
    ],
)
def test_values_that_do_not_fit_are_refused_when_encoding(message: Message) -> None:
    with pytest.raises(ValueError):
        encode(message, node=1, seq=1)


def test_texts_lose_padding_and_show_bytes_that_are_no_utf8() -> None:
    hello, line = LinkDecoder().feed(
        encode(Hello(2, NodeCapability(0), None, "FW 1.0" + 10 * "\0"), node=1)
        + framed(header(MessageType.LOG) + b"\x04\x9b2J \xc3\xbc \xff\0\0")
    )
    assert isinstance(hello.message, Hello)
    assert hello.message.firmware == "FW 1.0"
    assert line.message == Log(4, "\\x9b2J ü \\xff")


def test_the_longest_body_passes_and_a_longer_one_does_not() -> None:
    room = MAX_BODY - 20 - 4 - 1
    decoder = LinkDecoder()

    [frame] = decoder.feed(encode(Log(6, "x" * room), node=1))
    assert frame.message == Log(6, "x" * room)

    too_long = header(MessageType.LOG) + b"\x06" + b"x" * (room + 1)
    assert decoder.feed(framed(too_long)) == []
    assert decoder.counters.overlong == 1
