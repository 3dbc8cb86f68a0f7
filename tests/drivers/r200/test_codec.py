"""Bytes of the readers to messages and back: the manuals' frames, every cut, every kind of damage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.r200.codec import (
    MAX_FRAME,
    MAX_PARAMS,
    Answer,
    Bank,
    BankData,
    Code,
    Decoder,
    Dialect,
    Done,
    Failure,
    FailureCode,
    Frame,
    FrameType,
    GetInfo,
    HostCommand,
    InfoKind,
    KillTag,
    Notice,
    PlainCommand,
    QueryIs,
    ReadBank,
    Select,
    SelectIs,
    SelectMode,
    SetIdleSleep,
    SetQuery,
    SetSelectMode,
    TagDone,
    TagError,
    TagId,
    TagOperation,
    WriteBank,
    answer_of,
    command_of,
    encode_answer,
    encode_command,
    pc_of,
    split_frames,
    tag_crc,
    words_of,
)
from tests.drivers.r200.vectors import ANSWERS, COMMANDS, EPC, ERRATA, SHORT, TAG, UUID

NASTY = bytes.fromhex("BB7EAADDFF00")
DIALECTS = list(Dialect)
EPCS = st.one_of(
    st.binary(min_size=16, max_size=16), st.lists(st.sampled_from(NASTY), min_size=16, max_size=16).map(bytes)
)


def answers_in(data: bytes, dialect: Dialect | None = None) -> list[Answer | None]:
    return [answer_of(frame) for frame in Decoder(dialect).feed(data)]


def dialect_of(data: bytes) -> Dialect:
    return Dialect.M100 if data[0] == Dialect.M100.header else Dialect.R200


@pytest.mark.parametrize(("text", "command"), COMMANDS)
def test_a_command_of_the_manuals(text: str, command: HostCommand) -> None:
    data = bytes.fromhex(text)

    assert encode_command(command, dialect_of(data)) == data
    assert [command_of(frame) for frame in Decoder().feed(data)] == [command]
    for dialect in Dialect:
        assert [command_of(frame) for frame in Decoder(dialect).feed(encode_command(command, dialect))] == [command]


@pytest.mark.parametrize(("text", "answer"), ANSWERS)
def test_an_answer_of_the_manuals(text: str, answer: Answer) -> None:
    data = bytes.fromhex(text)

    assert encode_answer(answer, dialect_of(data)) == data
    assert answers_in(data) == [answer]
    assert not isinstance(answer, Notice) or answer.is_intact
    for dialect in Dialect:
        assert answers_in(encode_answer(answer, dialect), dialect) == [answer]


@pytest.mark.parametrize(
    "command",
    [
        KillTag(0x12345678),
        SetQuery(0x1020),
        SetIdleSleep(0),
        WriteBank(Bank.EPC, 1, bytes(64)),
        *(PlainCommand(code) for code in (Code.SLEEP, Code.GET_SELECT, Code.GET_QUERY)),
    ],
)
def test_other_commands_round_trip(command: HostCommand) -> None:
    data = encode_command(command, Dialect.R200)

    assert [command_of(frame) for frame in Decoder().feed(data)] == [command]


@pytest.mark.parametrize(
    "answer",
    [
        Done(Code.SET_SELECT_MODE),
        QueryIs(0x1020),
        SelectIs(Select(Bank.TID, 3, 13, b"\xff\xf8", target=4, action=5, is_truncated=True)),
        TagDone(Code.KILL, TAG),
        Failure(0x99),
        *(Failure.of_tag(operation, error, TAG) for operation in TagOperation for error in TagError),
    ],
)
def test_other_answers_round_trip(answer: Answer) -> None:
    assert answers_in(encode_answer(answer, Dialect.R200)) == [answer]


def test_every_failure_has_a_name() -> None:
    named = {str(Failure(code)) for code in FailureCode}
    named |= {str(Failure.of_tag(operation, error, TAG)) for operation in TagOperation for error in TagError}

    assert len(named) == len(FailureCode) + len(TagOperation) * len(TagError)
    assert str(Failure(0xB4, TAG)) == "error B4: the tag refused the write (locked)"
    assert str(Failure(0xB7, TAG)) == "error B7: the tag refused the write (unknown reason)"
    assert str(Failure(0x16)) == "error 16: access denied"
    assert str(Failure(0x55)) == "error 55"
    assert (Failure(0xB4).cause, Failure(0xB4).operation, Failure(0xB4).tag_error) == (
        None,
        TagOperation.WRITE,
        TagError.LOCKED,
    )
    assert (Failure(0x15).cause, Failure(0x15).operation, Failure(0x15).tag_error) == (FailureCode.NO_TAG, None, None)


@pytest.mark.parametrize("text", ERRATA)
@pytest.mark.parametrize("cut", [0, 3, 7])
def test_a_frame_with_a_wrong_sum_costs_no_other(text: str, cut: int) -> None:
    decoder = Decoder()
    after = encode_answer(Notice.of(-55, 0x4000, UUID), Dialect.M100)
    stream = bytes.fromhex(text) + after
    frames = [*decoder.feed(stream[:cut]), *decoder.feed(stream[cut:])]

    assert [answer_of(frame) for frame in frames] == [Notice.of(-55, 0x4000, UUID)]
    assert decoder.counters.bad_sum == 1


@pytest.mark.parametrize("after", [Notice.of(-55, 0x4000, UUID), Failure(FailureCode.NO_TAG)])
@pytest.mark.parametrize("cut", [0, 3, 6, 9])
def test_a_frame_with_a_short_length_costs_no_other(after: Answer, cut: int) -> None:
    decoder = Decoder()
    stream = bytes.fromhex(SHORT) + encode_answer(after, Dialect.M100)
    frames = [*decoder.feed(stream[:cut]), *decoder.feed(stream[cut:]), *decoder.end_silence()]

    assert [answer_of(frame) for frame in frames] == [after]
    assert decoder.counters.skipped == len(bytes.fromhex(SHORT))


def test_a_wrong_end_drops_the_frame() -> None:
    decoder = Decoder()
    good = encode_answer(Done(Code.STOP), Dialect.M100)

    assert [answer_of(frame) for frame in decoder.feed(good[:-1] + b"\xdd" + good)] == [Done(Code.STOP)]
    assert (decoder.counters.bad_end, decoder.counters.frames, decoder.counters.skipped) == (1, 1, len(good))


def test_a_dialect_takes_no_frame_of_the_other() -> None:
    data = encode_answer(Done(Code.STOP), Dialect.M100) + encode_answer(Done(Code.SET_POWER), Dialect.R200)

    assert answers_in(data, Dialect.M100) == [Done(Code.STOP)]
    assert answers_in(data, Dialect.R200) == [Done(Code.SET_POWER)]
    assert answers_in(data) == [Done(Code.STOP), Done(Code.SET_POWER)]
    assert [frame.dialect for frame in Decoder().feed(data)] == [Dialect.M100, Dialect.R200]


@given(dialect=st.sampled_from(DIALECTS), epc=EPCS)
def test_any_epc_round_trips_at_every_split(dialect: Dialect, epc: bytes) -> None:
    notice = Notice.of(-61, pc_of(8), epc)
    data = BankData(TagId(pc_of(8), epc), epc[:2] + epc)
    stream = encode_answer(notice, dialect) + encode_answer(data, dialect)
    for cut in range(len(stream) + 1):
        decoder = Decoder(dialect)
        found = [answer_of(frame) for frame in (*decoder.feed(stream[:cut]), *decoder.feed(stream[cut:]))]
        assert found == [notice, data]
    write = WriteBank(Bank.EPC, 1, b"\x40\x00" + epc)
    assert [command_of(frame) for frame in Decoder().feed(encode_command(write, dialect))] == [write]


NOISE = st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([NASTY, b"\xbb\x00\x22\x00", b"\xaa\x01\xff"])))


@given(noise=NOISE, known=st.sampled_from([None, *Dialect]))
def test_noise_is_bounded_and_resynchronises(noise: list[bytes], known: Dialect | None) -> None:
    decoder, stream = Decoder(known), b"".join(noise)
    frames: list[Frame] = []
    for piece in noise:
        frames += decoder.feed(piece)
        assert len(decoder._held) < MAX_FRAME
    good = encode_answer(Notice.of(-40, 0x4000, UUID), known or Dialect.R200)
    frames += [*decoder.feed(good), *decoder.end_silence()]

    assert answer_of(frames[-1]) == Notice.of(-40, 0x4000, UUID)
    assert decoder._held == b""
    sizes = [len(frame.encode()) for frame in frames]
    assert decoder.counters.frames == len(frames)
    assert decoder.counters.skipped + sum(sizes) == len(stream + good), "each byte is one of a frame, or skipped"


@given(noise=NOISE)
def test_byte_by_byte_equals_at_once(noise: list[bytes]) -> None:
    stream = b"".join(noise) + bytes.fromhex("".join(text for text, _ in ANSWERS))
    whole, bytewise = Decoder(), Decoder()

    at_once = whole.feed(stream)
    assert [frame for byte in stream for frame in bytewise.feed(bytes((byte,)))] == at_once
    assert bytewise.counters == whole.counters


@given(noise=NOISE, cut=st.integers(0, 400))
def test_split_frames_loses_and_adds_nothing(noise: list[bytes], cut: int) -> None:
    stream = b"".join(noise) + bytes.fromhex("".join(text for text, _ in COMMANDS))
    first, rest = split_frames(stream[:cut])
    second, last = split_frames(rest + stream[cut:])

    assert b"".join((*first, *second, last)) == stream
    assert len(rest) < MAX_FRAME
    assert len(last) < MAX_FRAME


def test_split_frames_divides_at_the_frames() -> None:
    frames = [bytes.fromhex(text) for text in [*(text for text, _ in ANSWERS), *ERRATA]]
    garbage = bytes.fromhex("00 BB BB 7E")
    stream = b"".join(frames)

    assert split_frames(stream) == (frames, b"")
    assert split_frames(garbage + stream) == ([garbage, *frames], b"")
    assert split_frames(stream[:-1]) == (frames[:-1], frames[-1][:-1])
    assert split_frames(b"\xff\xbb") == ([b"\xff"], b"\xbb")


def test_a_damaged_length_holds_the_stream_for_one_frame() -> None:
    decoder = Decoder()
    good = encode_answer(Done(Code.STOP), Dialect.M100)
    damaged = bytearray(good)
    damaged[4] = MAX_PARAMS
    assert decoder.feed(bytes(damaged) + good) == []
    assert [answer_of(frame) for frame in decoder.end_silence()] == [Done(Code.STOP)]
    assert (decoder.counters.cut, decoder.counters.bad_length) == (1, 0)

    damaged[3] = 0xFF
    assert [answer_of(frame) for frame in decoder.feed(bytes(damaged) + good)] == [Done(Code.STOP)]
    assert decoder.counters.bad_length == 1
    with pytest.raises(ValueError, match="at most"):
        Frame(FrameType.COMMAND, Code.WRITE, bytes(MAX_PARAMS + 1)).encode()


@pytest.mark.parametrize(
    ("kind", "code", "params"),
    [
        (FrameType.NOTICE, Code.INVENTORY, "C9 34 00 30 75 1F EB"),
        (FrameType.NOTICE, Code.INVENTORY, "C9"),
        (FrameType.NOTICE, Code.STOP, "00"),
        (FrameType.ANSWER, Code.READ, "0E 34 00 12"),
        (FrameType.ANSWER, Code.READ, ""),
        (FrameType.ANSWER, Code.WRITE, "02 30 00"),
        (FrameType.ANSWER, Code.FAILURE, ""),
        (FrameType.ANSWER, Code.FAILURE, "16 02 30 00 00"),
        (FrameType.ANSWER, Code.GET_INFO, ""),
        (FrameType.ANSWER, Code.GET_INFO, "07 41"),
        (FrameType.ANSWER, Code.GET_REGION, "05"),
        (FrameType.ANSWER, Code.GET_POWER, "05"),
        (FrameType.ANSWER, Code.GET_MODEM, "05"),
        (FrameType.ANSWER, Code.GET_SELECT, "01 00 00 00 20 60 00 30"),
        (FrameType.ANSWER, 0x99, "00 00"),
        (FrameType.COMMAND, Code.STOP, "00"),
        (FrameType.COMMAND, 0x99, ""),
    ],
)
def test_wrong_parameters_are_no_answer(kind: FrameType, code: int, params: str) -> None:
    assert answer_of(Frame(kind, code, bytes.fromhex(params))) is None


@pytest.mark.parametrize(
    ("code", "params"),
    [
        (Code.INVENTORY, "00"),
        (Code.GET_INFO, "03"),
        (Code.MULTI_INVENTORY, "23 00 01"),
        (Code.SET_SELECT_MODE, "03"),
        (Code.READ, "00 00 00 00 01 00 01 00"),
        (Code.WRITE, "00 00 00 00 01 00 01 00 02 12 34"),
        (Code.LOCK, "00 00 00 00 00 C0"),
        (Code.SET_REGION, "05"),
        (Code.SET_MODEM, "00"),
        (Code.FAILURE, "00"),
        (0x99, ""),
    ],
)
def test_wrong_parameters_are_no_command(code: int, params: str) -> None:
    assert command_of(Frame(FrameType.COMMAND, code, bytes.fromhex(params))) is None


def test_an_answer_is_no_command() -> None:
    assert command_of(Frame(FrameType.ANSWER, Code.STOP)) is None


def test_a_write_holds_whole_words_only() -> None:
    for data in (bytes(3), bytes(66)):
        with pytest.raises(ValueError, match="whole words"):
            WriteBank(Bank.EPC, 1, data).pack()


def test_facts_of_gen2() -> None:
    assert tag_crc(0x3400, EPC) == 0x3A76
    assert (pc_of(8), words_of(0x4000), words_of(0x3400)) == (0x4000, 8, 6)
    assert not Notice(-55, 0x4000, UUID, 0x925D).is_intact
    assert SetSelectMode(SelectMode.NEVER).pack() == b"\x01"
    assert GetInfo(InfoKind.MAKER).pack() == b"\x02"
    assert ReadBank(Bank.TID, 0, 6).pack().hex() == "000000000200000006"
