"""The one headline state of an order: the first that applies, decided in the database.

Each state is a condition over the row `o` of orders_order, in the order of precedence. Lists
filter by the same conditions, so that a count and its rows cannot disagree.
"""

from collections.abc import Iterable
from enum import StrEnum

from entrepot.dashboard.wording import Chip
from entrepot.database import sql
from entrepot.fulfillment.losses import MADE_GOOD


class State(StrEnum):
    """Headline states in their order of precedence."""

    UNKNOWN = "unknown"
    OVERDUE = "overdue"
    HELD = "held"
    DELAYED = "delayed"
    CANCELLED = "cancelled"
    RETURNED = "returned"
    AWAITING_PAYMENT = "awaiting_payment"
    COOLING_OFF = "cooling_off"
    DELIVERED = "delivered"
    PRESUMED_DELIVERED = "presumed_delivered"
    SHIPPED = "shipped"
    PARTLY_SHIPPED = "partly_shipped"
    IN_PRODUCTION = "in_production"
    ACCEPTED = "accepted"
    CLOSED = "closed"  # nothing was to be shipped
    OPEN = "open"


KNOWN = frozenset(state.value for state in State)


CHIPS = {
    State.UNKNOWN: Chip("unknown", "q", "Unknown"),
    State.OVERDUE: Chip("bad", "stop", "Overdue"),
    State.HELD: Chip("warn", "hand", "Held"),
    State.DELAYED: Chip("warn", "truck", "Delayed"),
    State.CANCELLED: Chip("neutral", "x", "Cancelled"),
    State.RETURNED: Chip("neutral", "swap", "Returned"),
    State.AWAITING_PAYMENT: Chip("neutral", "clock", "Awaiting payment"),
    State.COOLING_OFF: Chip("info", "clock", "Cooling off"),
    State.DELIVERED: Chip("good", "check", "Delivered"),
    State.PRESUMED_DELIVERED: Chip("good", "clock", "Presumed delivered"),
    State.SHIPPED: Chip("info", "truck", "Shipped"),
    State.PARTLY_SHIPPED: Chip("info", "truck", "Partly shipped"),
    State.IN_PRODUCTION: Chip("info", "go", "In production"),
    State.ACCEPTED: Chip("info", "go", "Accepted"),
    State.CLOSED: Chip("neutral", "check", "Closed"),
    State.OPEN: Chip("neutral", "ring", "Open"),
}
# States whose rows carry a bar at the start.
BARRED = {State.UNKNOWN, State.OVERDUE, State.HELD, State.DELAYED}

# As the index fulfillment_parcel_open has it.
UNENDED_PARCEL = "p.status NOT IN ('delivered', 'presumed_delivered', 'returned', 'voided')"
DELAYED_PARCEL = f"""(
    p.status IN ('delayed', 'exception')
    OR (p.status IN ('lost', 'returning') AND NOT {MADE_GOOD})
    OR (
        p.promised_at < now()
        AND p.status NOT IN
            ('delivered', 'presumed_delivered', 'returned', 'returning', 'voided', 'lost')
    )
)"""
# The indexes: attempts_attempt_order, obligations_order, fulfillment_parcel_order,
# fulfillment_order_key; the rest are columns of the order itself.
CONDITIONS: dict[State, str] = {
    State.UNKNOWN: (
        "EXISTS (SELECT FROM attempts_attempt AS a"
        " WHERE a.order_id = o.id AND a.status = 'unknown')"
    ),
    State.OVERDUE: (
        "EXISTS (SELECT FROM obligations_obligation AS b"
        " WHERE b.order_id = o.id AND b.\"end\" = '' AND b.due_at < now())"
    ),
    State.HELD: "o.open_holds > 0",
    State.DELAYED: (
        f"EXISTS (SELECT FROM fulfillment_parcel AS p WHERE p.order_id = o.id AND {DELAYED_PARCEL})"
    ),
    State.CANCELLED: "o.status = 'cancelled'",
    State.RETURNED: (
        "(o.units_returned > 0 AND o.units_returned >= o.units_shipped"
        " AND o.fulfillment_status <> 'delivered')"  # what came back was sent again
    ),
    State.AWAITING_PAYMENT: (
        "(o.released_at IS NULL AND o.status = 'open' AND o.units_shipped = 0 AND o.payment_status"
        " IN ('unpaid', 'pending', 'authorized', 'partially_paid'))"
    ),
    State.COOLING_OFF: (
        "EXISTS (SELECT FROM fulfillment_order AS f"
        " WHERE f.order_id = o.id AND f.status = 'open' AND f.submit_after > now())"
    ),
    State.DELIVERED: "(o.fulfillment_status = 'delivered' AND o.units_presumed = 0)",
    State.PRESUMED_DELIVERED: "o.fulfillment_status = 'delivered'",
    State.SHIPPED: "o.fulfillment_status = 'shipped'",
    State.PARTLY_SHIPPED: "o.fulfillment_status = 'partially_shipped'",
    State.IN_PRODUCTION: (
        "EXISTS (SELECT FROM fulfillment_order AS f WHERE f.order_id = o.id"
        " AND f.status IN ('accepted', 'cancelling') AND f.provider_stage = 'in_production')"
    ),
    State.ACCEPTED: (
        "EXISTS (SELECT FROM fulfillment_order AS f"
        " WHERE f.order_id = o.id AND f.status IN ('accepted', 'cancelling'))"
    ),
    State.CLOSED: "o.status = 'closed'",
    State.OPEN: "true",
}
# Rows worth looking at for a state, where a small index knows them: a filter starts from these, as
# an array, so that the planner looks each up instead of reading all orders for a few of them.
CANDIDATES: dict[State, str] = {
    State.UNKNOWN: (
        "o.id = ANY (ARRAY(SELECT a.order_id FROM attempts_attempt AS a"
        " WHERE a.status = 'unknown'))"
    ),
    State.OVERDUE: (
        "o.id = ANY (ARRAY(SELECT b.order_id FROM obligations_obligation AS b"
        " WHERE b.\"end\" = '' AND b.due_at < now()))"
    ),
    State.DELAYED: (
        "o.id = ANY (ARRAY(SELECT p.order_id FROM fulfillment_parcel AS p"  # noqa: S608 -- constants
        f" WHERE {UNENDED_PARCEL} AND {DELAYED_PARCEL}))"
    ),
    State.COOLING_OFF: (
        "o.id = ANY (ARRAY(SELECT f.order_id FROM fulfillment_order AS f"
        " WHERE f.status = 'open' AND f.submit_after > now()))"
    ),
    State.IN_PRODUCTION: (
        "o.id = ANY (ARRAY(SELECT f.order_id FROM fulfillment_order AS f"
        " WHERE f.status IN ('accepted', 'cancelling') AND f.provider_stage = 'in_production'))"
    ),
    State.ACCEPTED: (
        "o.id = ANY (ARRAY(SELECT f.order_id FROM fulfillment_order AS f"
        " WHERE f.status IN ('accepted', 'cancelling')))"
    ),
}
EXPRESSION = (
    "CASE "
    + " ".join(f"WHEN {condition} THEN '{state}'" for state, condition in CONDITIONS.items())
    + " END"
)
_STATES_OF = f"SELECT o.id, {EXPRESSION} FROM orders_order AS o WHERE o.id = ANY (%(ids)s)"  # noqa: S608 -- constants


def condition_of(state: State) -> str:
    """What a filter for one state asks of `o`: its condition, and none of those before it."""
    asked = [CANDIDATES.get(state, CONDITIONS[state])]
    for earlier, condition in CONDITIONS.items():
        if earlier == state:
            break
        asked.append(f"NOT {condition}")
    return " AND ".join(asked)


def states_of(order_ids: Iterable[int]) -> dict[int, State]:
    """The headline states of a page of orders, by id."""
    rows = sql.fetch(_STATES_OF, {"ids": list(order_ids)})
    return {order_id: State(state) for order_id, state in rows}
