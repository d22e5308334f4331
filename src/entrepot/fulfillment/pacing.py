"""Whose turn it is at a provider that takes only so many calls: the most urgent shares first.

A share that cannot be handed over within moments does not try: its job comes back when its turn is
expected, so that a backlog costs nothing while it waits and is worked off in the order in which it
is owed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.database import clock, sql

# Shares whose turn comes this soon wait for the budget itself, at the door.
SOON = timedelta(seconds=4)

# By fulfillment_order_active; a backlog of thousands is counted in milliseconds.
_PLACES = """
    SELECT id, connection_id, place - 1
    FROM (
        SELECT
            id,
            connection_id,
            row_number() OVER (PARTITION BY connection_id ORDER BY submit_after, id) AS place
        FROM fulfillment_order
        WHERE status = 'open' AND NOT is_by_hand AND submit_after <= now()
            AND connection_id = ANY (%s)
    ) AS waiting
    WHERE id = ANY (%s)
"""
_BACKLOGS = """
    SELECT connection_id, count(*)
    FROM fulfillment_order
    WHERE status = 'open' AND NOT is_by_hand AND submit_after <= now()
        AND connection_id = ANY (%s)
    GROUP BY connection_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits for a provider, and when the last of it is expected to be handed over."""

    waiting: int
    ends_at: datetime


def later_turns(
    share_ids: Sequence[int], calls_per_second: Mapping[int, float]
) -> dict[int, datetime]:
    """When the turn of each of these shares is expected, of those whose turn is not now.

    `calls_per_second` is by connection, for those that limit calls. Read in the open scope.
    """
    if not calls_per_second:
        return {}
    now = clock.now()
    turns: dict[int, datetime] = {}
    for share_id, connection_id, ahead in sql.fetch(
        _PLACES, [list(calls_per_second), list(share_ids)]
    ):
        wait = timedelta(seconds=ahead / calls_per_second[connection_id])
        if wait > SOON:
            turns[share_id] = now + wait - SOON / 2
    return turns


def backlogs(calls_per_second: Mapping[int, float]) -> dict[int, Backlog]:
    """The backlogs of connections that limit calls, by connection; read in the open scope."""
    now = clock.now()
    return {
        connection_id: Backlog(
            waiting=waiting,
            ends_at=now + timedelta(seconds=waiting / calls_per_second[connection_id]),
        )
        for connection_id, waiting in sql.fetch(_BACKLOGS, [list(calls_per_second)])
    }
