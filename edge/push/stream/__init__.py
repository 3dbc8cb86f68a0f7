"""The stream of events: the reader of the feed, the hub, and its two transports."""

from edge.push.stream.client import Client
from edge.push.stream.frames import FeedState, Frame, GapReason, StreamEvent
from edge.push.stream.hub import Hub

__all__ = ["Client", "FeedState", "Frame", "GapReason", "Hub", "StreamEvent"]
