"""Replication of hubs to a central database: set up on the hub, subscribed at the centre, described on both.

``edge/schema/repeatable/replication.sql`` has the tables, keys and views of both sides.
"""

from edge.operator.replication.centre import Subscribed, subscribe, unsubscribe
from edge.operator.replication.hub import publish, unpublish
from edge.operator.replication.status import LinkState, ReplicationLink, replication_links

__all__ = [
    "LinkState",
    "ReplicationLink",
    "Subscribed",
    "publish",
    "replication_links",
    "subscribe",
    "unpublish",
    "unsubscribe",
]
