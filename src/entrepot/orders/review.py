"""Decides, after facts have changed, what holds an order and whether work on it may start.

Rules 4 to 7 of the trade: released rather than only paid, the order's own mode, what others did,
suspected duplicates.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from entrepot.canon.orders import SourceState
from entrepot.database import sql
from entrepot.events import outbox
from entrepot.events.outbox import NewEvent
from entrepot.orders.holds import NewHold, let_go, lift_holds, open_holds
from entrepot.orders.policy import OrderPolicy
from entrepot.orders.states import HoldKind, OrderStatus

DUPLICATE_WINDOW = timedelta(minutes=30)
# How the hold on what is left of the money says how much that is.
COVERED = "covered:"
# How its reason begins where all that was paid went back.
REFUNDED_IN_FULL = "Refunded in full"
ENDS_BY_ITSELF = (
    HoldKind.SOURCE,
    HoldKind.STATE_UNKNOWN,
    HoldKind.DISPUTE,
    HoldKind.MODE_UNKNOWN,
    HoldKind.TOTALS,
)

_READ = """
    SELECT id, merchant_id, mode, connection_id, number, is_history, source_state, source_status,
        payment_method, payment_title, payment_word, is_on_terms, amount_due, amount_captured,
        amount_refunded, amount_disputed, released_at, released_by,
        released_at IS NOT DISTINCT FROM now() AS is_released_now, status
    FROM orders_order
    WHERE id = ANY (%s)
    ORDER BY id
    FOR UPDATE
"""
_RELEASE = """
    UPDATE orders_order AS o SET
        released_at = CASE WHEN batch.released_by <> '' THEN now() END,
        released_by = batch.released_by
    FROM {batch}
    WHERE o.id = batch.id
"""
_ENDING = """
    SELECT id, order_id, kind, about
    FROM orders_hold
    WHERE order_id = ANY (%s) AND lifted_at IS NULL AND kind = ANY (%s)
    ORDER BY id
"""
# Two look-ups, because no index serves an OR of both: by orders_customer and by orders_checkout. A
# customer is one merchant's; to say so again would offer the index of all that the merchant sold
# at that time, which a planner without statistics takes.
_TWINS = """
    WITH second AS MATERIALIZED (
        SELECT id, merchant_id, mode, customer_id, typed_address_id, lines_key, placed_at,
            checkout_reference, first_seen_at
        FROM orders_order
        WHERE id = ANY (%(ids)s) AND NOT is_history
    ), twin AS (
        SELECT second.id AS second_id, first.id, first.number, first.reference
        FROM second
        JOIN orders_order AS first
            ON first.customer_id = second.customer_id
            AND first.placed_at BETWEEN second.placed_at - %(window)s
                AND second.placed_at + %(window)s
            AND first.lines_key = second.lines_key
            AND first.typed_address_id IS NOT DISTINCT FROM second.typed_address_id
            AND first.mode = second.mode
            AND first.status <> 'cancelled'
            AND (first.first_seen_at, first.id) < (second.first_seen_at, second.id)
        UNION ALL
        SELECT second.id, first.id, first.number, first.reference
        FROM second
        JOIN orders_order AS first
            ON first.merchant_id = second.merchant_id
            AND first.checkout_reference = second.checkout_reference
            AND first.checkout_reference <> ''
            AND first.mode = second.mode
            AND first.status <> 'cancelled'
            AND (first.first_seen_at, first.id) < (second.first_seen_at, second.id)
        WHERE second.checkout_reference <> ''
    )
    SELECT DISTINCT ON (second.id)
        second.id, second.merchant_id, twin.id, twin.number, twin.reference
    FROM twin
    JOIN second ON second.id = twin.second_id
    ORDER BY second.id, twin.id
"""


def review_orders(
    order_ids: Sequence[int], *, policies: Mapping[int, OrderPolicy], new_ids: Sequence[int] = ()
) -> list[int]:
    """Hold, un-hold and release orders as their facts now say; inside the open scope.

    `policies` is by storefront connection. Returns the orders released by this call.
    """
    if not order_ids:
        return []
    orders = sql.fetch_dicts(_READ, [sorted(set(order_ids))])
    current = [order for order in orders if not order["is_history"]]
    holds = [hold for order in current for hold in _holds_of(order, policies)]
    lifted = let_go([order["id"] for order in current])
    open_holds(
        [
            *(hold for hold in holds if not _is_settled(hold, lifted)),
            *_duplicates(new_ids),
        ]
    )
    _lift_what_ended(current, policies)
    return _release(current, policies, frozenset(new_ids))


def _is_settled(hold: NewHold, lifted: set[tuple[int, str, str]]) -> bool:
    """Whether a person has answered it for good; a shop or a bank may stop an order again."""
    is_about_words = hold.kind in {HoldKind.MODE_UNKNOWN, HoldKind.STATE_UNKNOWN}
    return is_about_words and (hold.order_id, hold.kind, hold.about) in lifted


def _holds_of(order: dict[str, Any], policies: Mapping[int, OrderPolicy]) -> list[NewHold]:
    mine = {"merchant_id": order["merchant_id"], "order_id": order["id"]}
    holds = []
    if order["amount_disputed"] > 0:
        holds.append(NewHold(**mine, kind=HoldKind.DISPUTE, reason="The payment is disputed"))
    if order["status"] == OrderStatus.CANCELLED:
        return holds  # nothing of it is to be made, whatever else may be said of it
    state, word = order["source_state"], order["source_status"]
    if state == SourceState.ON_HOLD and not order["is_on_terms"]:
        holds.append(
            NewHold(**mine, kind=HoldKind.SOURCE, reason=f"The shop put it on hold ({word})")
        )
    if _failed_at_source(order, policies):
        reason = f"The shop says that it failed ({word})"
        holds.append(NewHold(**mine, kind=HoldKind.SOURCE, reason=reason))
    if state == SourceState.UNKNOWN:
        reason = f"The shop's state “{word}” is not mapped"
        holds.append(NewHold(**mine, kind=HoldKind.STATE_UNKNOWN, about=word, reason=reason))
    method = order["payment_method"]
    if not _takes_known_money(order, policies):
        reason = (
            f"Nobody has said yet whether payment method “{order['payment_title'] or method}”"
            " takes real money"
        )
        holds.append(NewHold(**mine, kind=HoldKind.MODE_UNKNOWN, about=method, reason=reason))
    return holds


def _duplicates(new_ids: Sequence[int]) -> list[NewHold]:
    if not new_ids:
        return []
    found = sql.fetch(_TWINS, {"ids": list(new_ids), "window": DUPLICATE_WINDOW})
    return [
        NewHold(
            merchant_id=merchant_id,
            order_id=order_id,
            kind=HoldKind.DUPLICATE_SUSPECTED,
            about=str(twin_id),
            reason=f"Looks like order {twin_number} again: same customer, address and lines",
            data={"twin_id": twin_id, "twin_number": twin_number, "twin_reference": reference},
        )
        for order_id, merchant_id, twin_id, twin_number, reference in found
    ]


def _lift_what_ended(orders: Sequence[dict[str, Any]], policies: Mapping[int, OrderPolicy]) -> None:
    over: dict[str, list[int]] = {}
    by_id = {order["id"]: order for order in orders}
    for hold_id, order_id, kind, about in sql.fetch(_ENDING, [list(by_id), list(ENDS_BY_ITSELF)]):
        reason = _why_over(by_id[order_id], kind, about, policies)
        if reason:
            over.setdefault(reason, []).append(hold_id)
    for reason, hold_ids in over.items():
        lift_holds(by="system", reason=reason, hold_ids=hold_ids)


def _why_over(
    order: dict[str, Any], kind: str, about: str, policies: Mapping[int, OrderPolicy]
) -> str:
    """Why a hold is over by itself, or "" while it is not."""
    state = order["source_state"]
    match kind:
        case HoldKind.SOURCE if state not in (SourceState.ON_HOLD, SourceState.FAILED):
            return "the shop let it go on"
        case HoldKind.STATE_UNKNOWN if state != SourceState.UNKNOWN:
            return "the shop's state is known now"
        case HoldKind.DISPUTE if order["amount_disputed"] <= 0:
            return "the dispute is over"
        case HoldKind.MODE_UNKNOWN if _takes_known_money(order, policies):
            return "it is known now whether the money is real"
        case HoldKind.TOTALS if about.startswith(COVERED):
            left = order["amount_captured"] - order["amount_refunded"]
            has_changed = Decimal(about.removeprefix(COVERED)) != left
            return "the money has changed since" if has_changed else ""
        case _:
            return ""


def _failed_at_source(order: dict[str, Any], policies: Mapping[int, OrderPolicy]) -> bool:
    """Whether the source takes a sale back that work may have begun on, without cancelling it."""
    return (
        order["source_state"] == SourceState.FAILED
        and order["released_at"] is not None
        and order["status"] == OrderStatus.OPEN
        and order["source_status"] not in policies[order["connection_id"]].release_states
    )


def _takes_known_money(order: dict[str, Any], policies: Mapping[int, OrderPolicy]) -> bool:
    policy, method = policies[order["connection_id"]], order["payment_method"]
    return not policy.holds_unknown_methods or not method or method in policy.real_methods


def _release(
    orders: list[dict[str, Any]], policies: Mapping[int, OrderPolicy], new_ids: Collection[int]
) -> list[int]:
    """Release what has a reason to; a new order may have been inserted as released already."""
    released, due = [], []
    for order in orders:
        is_fresh = order["is_released_now"] and order["id"] in new_ids
        if order["released_at"] is not None and not is_fresh:
            continue
        is_open = order["status"] == OrderStatus.OPEN
        reason = policies[order["connection_id"]].reason_to_release(order) if is_open else ""
        if reason:
            released.append((order, reason))
        if reason != order["released_by"]:
            due.append({"id": order["id"], "released_by": reason})
    if due:
        batch = sql.recordset(due, {"id": "bigint", "released_by": "text"})
        sql.run(_RELEASE.format(batch=batch.sql), [batch.parameter])
    outbox.record_many(
        NewEvent(
            name="order.released",
            merchant_id=order["merchant_id"],
            mode=order["mode"],
            order_id=order["id"],
            data={"by": reason},
        )
        for order, reason in released
    )
    return [order["id"] for order, _ in released]
