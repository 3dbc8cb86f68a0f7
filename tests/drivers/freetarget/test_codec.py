"""Bytes of a freETarget to messages: every dialect, every cut, every kind of damage."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drivers.freetarget.codec import (
    MAX_OBJECT,
    Columns,
    Command,
    Decoder,
    Dialect,
    Message,
    Miss,
    Notice,
    NoticeKind,
    Received,
    Refusal,
    Refused,
    Settings,
    Shot,
    Started,
    Unlocated,
    Version,
    encode_command,
    print_settings,
    print_shot,
    print_version,
    settings_rows,
    split_objects,
    status_of,
)

ICD_SHOT = (
    '{"shot":1, "miss":0, "name":"TARGET", "time":97, "x":-0.29, "y":0.88,  "r":0.92, "a":108.43, "N":0, "E":0, "S":0,'
    ' "W":0, "V_REF":1.87, "T":20.50, "VERSION":"3.05.6 November 28, 2021" }'
)
ICD_MISS = '("shot":2, "miss":1, "name":"TARGET", "time":149, "x":0}'
V6_SHOT = '{"shot":1, "session_type":1, "time":812, "time_to_go":100000, "x":10.00, "y":20.00}'
V6_MISS = '{"shot":3, "miss":1, "time":0, "time_to_go":1000}\n'
SIMULATOR_OF_THE_VENDOR = 'freETarget Simulator\r\n{"shot":4, "x":1.5,"y":-2,"r":2.5,"a":306.9}'

VALUES: dict[str, int | float] = {"SENSOR": 232.0, "Z_OFFSET": 13, "MIN_RING_TIME": 500}
DIALECTS = list(Dialect)


def shot_of(dialect: Dialect, number: int, x_mm: float, y_mm: float) -> bytes:
    return print_shot(dialect, Shot(number, x_mm, y_mm), time=812, version="1.2.3 May 1, 2026").encode()


def decoded(data: bytes | str) -> list[Message]:
    data = data.encode("latin-1") if isinstance(data, str) else data
    return [received.message for received in Decoder().feed(data, 0)]


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (ICD_SHOT, [Shot(1, -0.29, 0.88)]),
        (ICD_MISS, [Miss(2)]),
        (V6_SHOT, [Shot(1, 10.0, 20.0)]),
        (V6_MISS, [Miss(3)]),
        (V6_SHOT + V6_SHOT.replace('"shot":1', '"shot":2'), [Shot(1, 10.0, 20.0), Shot(2, 10.0, 20.0)]),
        (V6_SHOT.replace("}", ', "n":900, "e":812, "s":755, "w":640 }'), [Shot(1, 10.0, 20.0)]),
        (V6_SHOT.replace("}", ', "athelete":"A", "event":"", "target_name":"T"}'), [Shot(1, 10.0, 20.0)]),
        (V6_SHOT.replace("}", ', "real_x":99.10 , "real_y":3.00 }'), [Shot(1, 10.0, 20.0, is_remapped=True)]),
        (SIMULATOR_OF_THE_VENDOR, [Version("Simulator", is_greeting=True), Shot(4, 1.5, -2.0)]),
        ('{"shot":0, "miss": 1,"name":"BOSS", "x": 0, "y": 0}', [Miss(0)]),
        ('{"VERSION": "6.3.2 March 22, 2026"}', [Version("6.3.2 March 22, 2026")]),
        (
            '\r\nfreETarget "4.3.2 September 24, 2024"\r\n',
            [Version("4.3.2 September 24, 2024", is_greeting=True)],
        ),
        ('{"KEEP_ALIVE":7, "NAME":"FET-TARGET"}', [Notice(NoticeKind.KEEP_ALIVE)]),
        ('{"CONNECTED":12s, "NAME":"FET-TARGET"}', [Notice(NoticeKind.CONNECTED)]),
        ('{"BYE":0, "NAME":"FET-TARGET"}', [Notice(NoticeKind.BYE)]),
        ('{"HELLO WORLD"0, "NAME":"FET-TARGET"}', [Notice(NoticeKind.HELLO_WORLD)]),
        ("ESP-ROM:esp32s3-20210327\r\n", [Started()]),
        ('\r\n{ "Fault": "N" }\r\n{ "Fault": "W" }', [Notice(NoticeKind.FAULT)] * 2),
        ("\x1b[0;32mI (1234) freETarget: state: REDUCE\x1b[0m\r\n", []),
        ('Sensor NORTH failed{"KEEP_ALIVE":7}', [Unlocated(), Notice(NoticeKind.KEEP_ALIVE)]),
        ('{"VERSION":0}', [Command({"VERSION": 0})]),
        ('\r\n\r\nCannot decode: {"VFRSION":0}\r\n', [Refused(Refusal.UNKNOWN, '"VFRSION":0')]),
        ('\r\n\r\nCannot decode: {"FOO":1}. Use\r\n"ANGLE":\r\n"BYE":', [Refused(Refusal.UNKNOWN, '"FOO":1')]),
        ('\r\nInvalid input or locked: {"SENSOR":9}\r\n', [Refused(Refusal.LOCKED, '"SENSOR":9')]),
        ("Cannot decode: " + V6_SHOT, [Refused(Refusal.UNKNOWN, V6_SHOT[1:-1])]),
        ("?{}{ }", []),
    ],
)
def test_a_text_means(text: str, messages: list[Message]) -> None:
    assert decoded(text) == messages


@pytest.mark.parametrize("dialect", DIALECTS)
def test_settings_are_read_as_they_are_printed(dialect: Dialect) -> None:
    [message] = decoded(print_settings(dialect, "FET-DOC", "1.2.3 May 1, 2026", VALUES))

    assert isinstance(message, Settings)
    assert {key: message.values[key] for key in VALUES} == VALUES
    assert message.values["NAME"] == "FET-DOC"
    assert message.values["VERSION"] == "1.2.3 May 1, 2026"


def test_impacts_among_the_settings_cost_neither() -> None:
    """Firmware 6 prints its settings row by row for seconds, and impacts meanwhile."""
    text = print_settings(Dialect.V6, "FET-DOC", "1.2.3 May 1, 2026", VALUES)
    name, *rows = text[text.index('"NAME"') : text.rindex("}")].splitlines(keepends=True)
    second = V6_SHOT.replace('"shot":1', '"shot":2')
    for at in range(len(rows) + 1):
        stream = "{" + "".join([name, *rows[:at], V6_SHOT, *rows[at:]]) + "}" + second
        decoder = Decoder()
        found = [received.message for byte in stream.encode() for received in decoder.feed(bytes((byte,)), 0)]
        assert found == [Shot(1, 10.0, 20.0), *decoded(text), Shot(2, 10.0, 20.0)]
        assert (decoder.counters.truncated, decoder.counters.stray) == (0, 0)


def test_an_impact_that_a_column_cuts_off_is_noticed() -> None:
    """Firmware 6 prints in two columns. The left one cuts every text off after 50 characters, an impact as well."""
    settings = (Dialect.V6, "FET-DOC", "1.2.3 May 1, 2026", VALUES)
    [head], rows, tail = settings_rows(*settings)
    [whole] = decoded(print_settings(*settings))
    assert isinstance(whole, Settings)
    for at in range(len(rows) + 1):
        columns = Columns()
        columns.are_open = True
        printed = head + "".join(map(columns.put, [*rows[:at], V6_SHOT, *rows[at:]])) + status_of(columns, tail)
        impact, shown = decoded(printed)
        assert impact == (Shot(1, 10.0, 20.0) if at % 2 else Unlocated())
        assert isinstance(shown, Settings)
        assert {key: shown.values[key] for key in whole.values} == whole.values


def test_cut_settings_are_kept_within_bounds() -> None:
    decoder = Decoder()
    decoder.feed(b'{\r\n"NAME":"FET",\r\n' + V6_SHOT.encode() + b"x" * (MAX_OBJECT + 100), 0)
    assert decoder._cut is None
    assert decoder.counters.truncated == 1
    decoder.feed(b'{\r\n"NAME":"FET",\r\n' + V6_SHOT.encode(), 0)
    whole = print_settings(Dialect.V6, "FET-DOC", "1.2.3 May 1, 2026", VALUES).encode()
    [received] = decoder.feed(whole, 1)
    assert isinstance(received.message, Settings)
    assert decoder._cut is None


def test_a_command_is_read_as_it_is_encoded() -> None:
    data = encode_command({"SENSOR": 232.5, "LED_BRIGHT": 50})
    assert data == b'{"SENSOR":232.500,"LED_BRIGHT":50}'
    assert decoded(data) == [Command({"SENSOR": 232.5, "LED_BRIGHT": 50})]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_cut_gives_the_same_messages_and_arrivals(dialect: Dialect) -> None:
    version = print_version(dialect, "1.2.3 May 1, 2026").encode()
    shot, next_shot = shot_of(dialect, 41, -123.45, 0.07), shot_of(dialect, 42, 12.0, -600.99)
    stream = b'{"VERSION":0}' + version + shot + next_shot + b'{"KEEP_ALIVE":3, "NAME":"FET-TARGET"}'
    expected = Decoder().feed(stream, 0)
    assert Shot(41, -123.45, 0.07) in [received.message for received in expected]
    brace_at = [stream.index(shot) + shot.index(b"{"), stream.index(next_shot) + next_shot.index(b"{")]

    for cut in range(1, len(stream)):
        decoder = Decoder()
        found = decoder.feed(stream[:cut], 1) + decoder.feed(stream[cut:], 2)
        assert [received.message for received in found] == [received.message for received in expected]
        shots = [received for received in found if isinstance(received.message, Shot)]
        assert [received.at_ns for received in shots] == [1 if at < cut else 2 for at in brace_at]

    decoder = Decoder()
    bytewise = [received for at, byte in enumerate(stream) for received in decoder.feed(bytes((byte,)), at)]
    assert [received.message for received in bytewise] == [received.message for received in expected]
    assert [received.at_ns for received in bytewise if isinstance(received.message, Shot)] == brace_at


garbage = st.one_of(
    st.binary(max_size=60),
    st.lists(
        st.sampled_from([b"{", b"}", b'"shot"', b'"x":1', b",", b"\r\n", b"\xff\x00", b'"', b":"]), max_size=8
    ).map(b"".join),
)
lengths = st.integers(-99_999, 99_999).map(lambda hundredths: hundredths / 100)


@given(st.lists(st.tuples(st.sampled_from(DIALECTS), lengths, lengths, garbage), max_size=5), garbage)
@example([(Dialect.V6, 1.0, 2.0, b"{")], b"{")
def test_garbage_between_objects_loses_none(shots: list[tuple[Dialect, float, float, bytes]], last: bytes) -> None:
    texts = [shot_of(dialect, number, x, y) for number, (dialect, x, y, _) in enumerate(shots, 1)]
    stream = b"".join(noise + text for (*_, noise), text in zip(shots, texts, strict=True)) + last

    found = [message for message in decoded(stream) if isinstance(message, Shot)]

    assert found == [Shot(number, x, y) for number, (_, x, y, _) in enumerate(shots, 1)]


@given(st.sampled_from(DIALECTS), st.data())
def test_damage_loses_only_the_object_it_hits(dialect: Dialect, data: st.DataObject) -> None:
    objects = [shot_of(dialect, number, 10.0 * number, -7.25) for number in (1, 2, 3)]
    hit = bytearray(objects[1])
    for at in data.draw(st.lists(st.integers(0, len(hit) - 1), min_size=1, max_size=3)):
        hit[at] ^= data.draw(st.integers(1, 255))

    found = decoded(objects[0] + bytes(hit) + objects[2])

    kept = [message for message in found if isinstance(message, Shot)]
    assert kept[0] == Shot(1, 10.0, -7.25)
    assert kept[-1] == Shot(3, 30.0, -7.25)
    assert len(kept) <= 3 + bytes(hit).count(b"{")


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_any_bytes_are_taken_without_a_fault(pieces: list[bytes]) -> None:
    decoder = Decoder()
    for at, piece in enumerate(pieces):
        assert all(isinstance(received, Received) for received in decoder.feed(piece, at))
    assert decoder.counters.messages >= 0


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_impact_cut_off_at_any_byte_is_noticed(dialect: Dialect) -> None:
    text, intact = shot_of(dialect, 1, 1.25, 2.5), shot_of(dialect, 2, 3.0, 4.0)
    begin, end = text.index(b'"shot"') + len(b'"shot"'), text.index(b"}")

    for cut in range(begin, end):
        found = decoded(text[:cut] + intact)
        assert found == [Unlocated(), Shot(2, 3.0, 4.0)]


def test_an_impact_without_its_brace_is_noticed() -> None:
    assert decoded(V6_SHOT[1:] + V6_SHOT) == [Unlocated(), Shot(1, 10.0, 20.0)]


@pytest.mark.parametrize(
    "text",
    [
        V6_SHOT.replace("10.00", "1#.00"),
        V6_SHOT.replace("10.00", "nan"),
        V6_SHOT.replace("10.00", "10000.00"),
        V6_SHOT.replace('"x"', '"z"'),
        V6_SHOT.replace('"shot"', '"sh0t"'),
        V6_SHOT.replace('"shot":1', '"shot":-1'),
        V6_SHOT.replace('"session_type":1', '"miss":7'),
    ],
)
def test_a_damaged_impact_has_no_position(text: str) -> None:
    decoder = Decoder()
    assert [received.message for received in decoder.feed(text.encode(), 0)] == [Unlocated()]
    assert decoder.counters.damaged == 1


def test_each_loss_is_counted_under_its_cause() -> None:
    decoder = Decoder()
    decoder.feed(b"}" + b'{"FOO' + V6_SHOT.encode() + b'{"lower":1}' + b"log\r\n{" + b"x" * (MAX_OBJECT + 1), 0)

    counters = decoder.counters
    counted = (counters.stray, counters.truncated, counters.unknown, counters.lines, counters.overlong)
    assert counted == (1, 1, 1, 1, 1)
    assert counters.messages == 1


def test_a_stream_is_divided_at_closing_braces() -> None:
    assert split_objects(b'\r\n{"a":1}\r\n{"b"') == ([b'\r\n{"a":1}'], b'\r\n{"b"')
