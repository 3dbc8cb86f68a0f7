"""Joining the events of one read changes neither their bytes nor their order, and no write is without bound."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.common.postgres.feed import FeedCursor
from edge.push.stream.batch import LARGEST_PIECE, joined
from edge.push.stream.client import Client
from edge.push.stream.frames import Form, Frame
from edge.push.stream.hub import Hub
from tests.edge.push.fake_transport import FakeTransport

EPOCH = "feedbeef"
sizes = st.lists(st.tuples(st.sampled_from([None, 1, 2]), st.integers(0, LARGEST_PIECE)), max_size=20)


def frames(of: list[tuple[int | None, int]]) -> list[Frame]:
    return [Frame(place(number), lane, "t", b"x" * size) for number, (lane, size) in enumerate(of, start=1)]


def place(number: int) -> FeedCursor:
    return FeedCursor(EPOCH, number, number)


@given(sizes, st.sampled_from(Form), st.sampled_from([None, 1]))
def test_pieces_are_the_frames_in_their_order(of: list[tuple[int | None, int]], form: Form, lane: int | None) -> None:
    wanted = [frame for frame in frames(of) if frame.concerns(lane)]
    pieces = joined(frames(of), form, lane)
    assert b"".join(data for data, _ in pieces) == b"".join(frame.encoded(form) for frame in wanted)
    assert all(len(data) < 2 * LARGEST_PIECE + 200 for data, _ in pieces)
    assert [piece.place for piece in pieces[-1:]] == [frame.place for frame in wanted[-1:]]


def test_one_read_of_the_feed_is_one_write_for_each_client() -> None:
    hub = Hub()
    hub.begin(place(0))
    peers = [FakeTransport() for _ in range(3)]
    for peer, lane in zip(peers, (None, 1, 2), strict=True):
        client = Client(peer, lane=lane, form=Form.MESSAGE)
        hub.join(client)
        hub.attach(client, None)
    beats = len(peers[0].writes)
    read = frames([(1, 10), (2, 20), (1, 30)])
    hub.publish(read, place(3))
    everything, one, two = [peer.writes[beats:] for peer in peers]
    assert everything == [b"".join(frame.message for frame in read)]
    assert one == [read[0].message + read[2].message]
    assert two == [read[1].message]


@pytest.mark.parametrize("full_after", [1, 2, 3])
def test_a_client_falls_behind_within_a_read_at_an_exact_place(full_after: int) -> None:
    hub = Hub()
    hub.begin(place(0))
    peer = FakeTransport(full_after=full_after + 1)  # the first write is the heartbeat
    client = Client(peer, lane=None, form=Form.MESSAGE)
    hub.join(client)
    hub.attach(client, None)
    read = frames([(1, LARGEST_PIECE)] * 5)
    hub.publish(read, place(5))
    assert peer.writes[1:-1] == [frame.message for frame in read[:full_after]]
    assert f'"resume_from": "{place(full_after)}"'.encode() in peer.writes[-1]
    assert (client.slow, client.over, client.place, hub.clients) == (True, True, place(full_after), 0)
    assert hub.counters.clients_slow == 1
