"""Hypothesis strategies for all messages of the Arch-Stats link."""

from __future__ import annotations

from hypothesis import strategies as st

from drivers.link.codec import (
    MAX_EARLIER,
    Ack,
    Config,
    ConfigRead,
    EarlierBoot,
    Engage,
    Event,
    Heartbeat,
    Hello,
    HelloRequest,
    Landing,
    Log,
    Message,
    Nak,
    NodeCapability,
    Pin,
    Release,
    ReleaseCode,
    Tags,
    TimeRequest,
    TimeResponse,
)

U8 = st.integers(0, 0xFF)
U16 = st.integers(0, 0xFFFF)
U32 = st.integers(0, 0xFFFF_FFFF)
U64 = st.integers(0, 0xFFFF_FFFF_FFFF_FFFF)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60).map(lambda text: text.rstrip("\0"))
RSSI = st.none() | st.integers(-128, 126)
PERCENT = st.none() | st.integers(0, 100)
LENGTH = st.none() | st.integers(-0x7FFF_FFFF, 0x7FFF_FFFF).map(lambda hundredths: hundredths / 100)
TIME = st.none() | st.integers(0, 0xFFFF_FFFF_FFFF_FFFE)
TAG = st.binary(min_size=1, max_size=31).map(bytes.hex)

EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Engage, RSSI, st.none() | TAG),
    st.builds(Release, st.sampled_from(ReleaseCode), st.none() | TAG),
    st.builds(Landing, LENGTH, LENGTH, PERCENT, st.none() | TAG),
    st.builds(Tags, st.lists(TAG, max_size=40).map(tuple)),
    st.builds(Pin, LENGTH, LENGTH),
)
MESSAGES: st.SearchStrategy[Message] = EVENTS | st.one_of(
    st.builds(
        Hello,
        U8,
        U16.map(NodeCapability),
        TIME,
        TEXT,
        st.lists(st.builds(EarlierBoot, U32, U32, U32, U16, TIME, TIME), max_size=MAX_EARLIER).map(tuple),
    ),
    st.builds(Heartbeat, U32, PERCENT, RSSI, U16),
    st.builds(Log, U8, TEXT),
    st.builds(TimeRequest, U64),
    st.builds(TimeResponse, U64, U64),
    st.builds(Ack),
    st.builds(Nak, U8),
    st.builds(ConfigRead),
    st.builds(Config, U16, U16),
    st.builds(HelloRequest),
)
