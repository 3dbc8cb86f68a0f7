"""Bytes heard at another bit rate than that of the sender."""

from __future__ import annotations

import pytest

from simulators.wire.bit_rate import heard

BYTES = bytes(range(256))


@pytest.mark.parametrize(
    ("data", "sent", "at", "found"),
    [
        (BYTES, 9_600, 9_600, BYTES),
        (b"", 9_600, 115_200, b""),
        (b"\xff", 9_600, 115_200, b"\x00"),
        (b"\x00", 115_200, 9_600, b"\xff"),
        (b"\x00", 9_600, 19_200, b"\x00"),
        (b"\xf0", 9_600, 19_200, b"\x00"),
        (b"\x55", 9_600, 19_200, b"\x66\xe6"),
        (b"\x00\x00", 19_200, 9_600, b"\x08"),
    ],
)
def test_each_bit_is_sampled_in_its_middle(data: bytes, sent: int, at: int, found: bytes) -> None:
    assert heard(data, sent, at) == found


@pytest.mark.parametrize("at", [9_600, 19_200, 38_400, 57_600])
def test_nothing_is_understood_at_another_rate(at: int) -> None:
    request = bytes.fromhex("bb0003000100047e")
    assert heard(request, 115_200, at) != request
    assert heard(request, at, 115_200) != request
    assert bytes.fromhex("bb0003") not in heard(request, at, 115_200)
