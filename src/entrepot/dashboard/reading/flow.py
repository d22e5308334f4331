"""The flow of a period's orders: how far each has come, and where it left the way; each once.

The stages and what left before the next one add up: an order is counted in exactly one of the
places where it can be, and in every stage up to there.
"""

from dataclasses import dataclass
from datetime import datetime

from entrepot.database import sql

STAGES = ("received", "verified", "ordered", "routed", "accepted", "shipped", "delivered")
TITLES = {
    "received": "Received",
    "verified": "Verified",
    "ordered": "Ordered",
    "routed": "Routed",
    "accepted": "Accepted",
    "shipped": "Shipped",
    "delivered": "Delivered",
}
FORMULAS = {
    "received": "orders first heard of, parked messages, and refused deliveries",
    "verified": "the same without refused deliveries",
    "ordered": "orders in the hub, first seen in the period, history left out",
    "routed": "at least one fulfillment order that is not cancelled",
    "accepted": "at least one fulfillment order accepted by its provider",
    "shipped": "first parcel left",
    "delivered": "every shippable unit delivered or presumed delivered",
}
# (place, stage after which it is left, role, word, stands still)
PLACES = (
    ("refused", "received", "bad", "refused", True),
    ("parked", "verified", "bad", "parked", True),
    ("held", "ordered", "warn", "held", True),
    ("unpaid", "ordered", "neutral", "unpaid", True),
    ("cancelled", "ordered", "neutral", "cancelled", False),
    ("nothing", "ordered", "neutral", "nothing to ship", False),
    ("unrouted", "ordered", "info", "being routed", False),
    ("unknown", "routed", "unknown", "unknown", True),
    ("stopped", "routed", "warn", "held", True),
    ("cooling_off", "routed", "info", "cooling off", False),
    ("submitting", "routed", "info", "being submitted", False),
    ("making", "accepted", "info", "in production", False),
    ("moving", "shipped", "info", "on their way", False),
    ("delivered", "delivered", "good", "delivered", False),
)

# A scalar subquery and not EXISTS: the planner would answer EXISTS by reading every share there is.
PLACE = """
    CASE
        WHEN o.fulfillment_status = 'delivered' THEN 'delivered'
        WHEN o.units_shipped > 0 THEN 'moving'
        WHEN o.status = 'cancelled' THEN 'cancelled'
        WHEN (
            SELECT true FROM fulfillment_order AS f
            WHERE f.order_id = o.id AND f.status IN ('accepted', 'cancelling', 'closed')
            LIMIT 1
        ) THEN 'making'
        WHEN (
            SELECT true FROM fulfillment_order AS f
            WHERE f.order_id = o.id AND f.status <> 'cancelled'
            LIMIT 1
        ) THEN CASE
            WHEN (
                SELECT true FROM attempts_attempt AS a
                WHERE a.order_id = o.id AND a.status = 'unknown'
                LIMIT 1
            ) THEN 'unknown'
            WHEN o.open_holds > 0 THEN 'stopped'
            WHEN (
                SELECT true FROM fulfillment_order AS f
                WHERE f.order_id = o.id AND f.status = 'open' AND f.submit_after > now()
                LIMIT 1
            ) THEN 'cooling_off'
            ELSE 'submitting'
        END
        WHEN o.open_holds > 0 THEN 'held'
        WHEN o.released_at IS NULL THEN 'unpaid'
        WHEN o.fulfillment_status IN ('not_required', 'shipped') THEN 'nothing'
        ELSE 'unrouted'
    END
"""
# By orders_first_seen.
_ORDERS = f"""
    SELECT {PLACE}, count(*)
    FROM orders_order AS o
    WHERE o.mode = %(mode)s AND o.first_seen_at >= %(since)s AND NOT o.is_history
    GROUP BY 1
"""  # noqa: S608 -- constants
_BEFORE = """
    SELECT
        (
            SELECT count(*)
            FROM inbox_work AS w
            JOIN inbox_message AS m ON m.id = w.message_id
            WHERE w.is_parked AND m.mode = %(mode)s AND m.received_at >= %(since)s
        ) AS parked,
        (
            SELECT count(*)
            FROM inbox_refusal AS r
            JOIN connections_connection AS c ON c.id = r.connection_id
            WHERE c.mode = %(mode)s AND r.at >= %(since)s
        ) AS refused
"""


@dataclass(frozen=True, slots=True)
class Drop:
    """What left the way before the next stage."""

    place: str
    role: str
    word: str
    number: int
    stands_still: bool


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage, how many reached it, and what left before the next one."""

    name: str
    title: str
    formula: str
    number: int
    drops: tuple[Drop, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """A period's flow."""

    since: datetime
    stages: tuple[Stage, ...]

    @property
    def received(self) -> int:
        """Everything first heard of."""
        return self.stages[0].number

    @property
    def delivered(self) -> int:
        """What arrived."""
        return self.stages[-1].number

    @property
    def standing(self) -> int:
        """What stands still."""
        return self._sum(stands_still=True)

    @property
    def ended(self) -> int:
        """What needs nothing more: cancelled, or nothing to ship."""
        return sum(
            drop.number
            for stage in self.stages
            for drop in stage.drops
            if drop.place in {"cancelled", "nothing"}
        )

    @property
    def under_way(self) -> int:
        """What moves by itself."""
        return self._sum(stands_still=False) - self.ended

    def _sum(self, *, stands_still: bool) -> int:
        return sum(
            drop.number
            for stage in self.stages
            for drop in stage.drops
            if drop.stands_still == stands_still
        )


def flow(mode: str, since: datetime) -> Flow:
    """The flow of what was first heard of since an instant."""
    parameters = {"mode": mode, "since": since}
    numbers: dict[str, int] = dict(sql.fetch(_ORDERS, parameters))
    numbers |= sql.fetch_dicts(_BEFORE, parameters)[0]
    return flow_of(since, numbers)


def flow_of(since: datetime, numbers: dict[str, int]) -> Flow:
    """Stages and drops from the numbers of each place; pure."""
    stages: list[Stage] = []
    left = sum(numbers.get(place, 0) for place, *_ in PLACES)
    for name in STAGES:
        drops = tuple(
            Drop(place, role, word, numbers.get(place, 0), stands_still)
            for place, stage, role, word, stands_still in PLACES
            if stage == name and place != "delivered" and numbers.get(place, 0)
        )
        stages.append(Stage(name, TITLES[name], FORMULAS[name], left, drops))
        left -= sum(drop.number for drop in drops)
    return Flow(since, tuple(stages))


def condition_of_place(place: str) -> str:
    """What a list filter for one place asks of the row `o`."""
    if place not in {row[0] for row in PLACES}:
        raise ValueError(f"no such place in the flow: {place!r}")
    return f"({PLACE}) = '{place}' AND NOT o.is_history"


def places_from(stage: str) -> list[str]:
    """The places of all orders that reached a stage."""
    reached = STAGES.index(stage)
    return [place for place, left, *_ in PLACES if STAGES.index(left) >= reached]
