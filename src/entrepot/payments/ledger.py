"""The ledger: facts about money, each once, matched to their order and summed up.

Facts commute: whatever comes first, second or twice, the sums end the same. A payment is not an
order: one that belongs to no known order is kept unmatched, for a person, and never ships.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from entrepot.canon.payments import PaymentFact, PaymentFactKind
from entrepot.database import sql
from entrepot.events import outbox
from entrepot.events.outbox import NewEvent
from entrepot.orders import counters, locks
from entrepot.orders.holds import NewHold, lift_holds, open_holds
from entrepot.orders.states import HoldKind
from entrepot.payments.checkouts import is_ours
from entrepot.payments.matching import give_waiting, orders_of

EVENT_OF_KIND = {
    PaymentFactKind.PENDING: "payment.pending",
    PaymentFactKind.AUTHORIZED: "payment.authorized",
    PaymentFactKind.CAPTURED: "payment.captured",
    PaymentFactKind.FAILED: "payment.failed",
    PaymentFactKind.VOIDED: "payment.voided",
    PaymentFactKind.REFUND_PENDING: "payment.refund_pending",
    PaymentFactKind.REFUNDED: "payment.refunded",
    PaymentFactKind.REFUND_FAILED: "payment.refund_failed",
    PaymentFactKind.DISPUTED: "payment.disputed",
    PaymentFactKind.DISPUTE_WON: "payment.dispute_closed",
    PaymentFactKind.DISPUTE_LOST: "payment.dispute_closed",
    PaymentFactKind.REVIEW_OPENED: "payment.review_opened",
    PaymentFactKind.REVIEW_CLOSED: "payment.review_closed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingFact:
    """A fact with where it came from. `order_id` is known for what a shop says of its own order."""

    fact: PaymentFact
    merchant_id: int
    mode: str
    account: str
    connection_id: int
    is_from_gateway: bool
    message_id: int | None
    order_id: int | None = None


_COLUMNS = {
    "merchant_id": "bigint",
    "mode": "text",
    "account": "text",
    "connection_id": "bigint",
    "order_id": "bigint",
    "kind": "text",
    "external_id": "text",
    "payment_external_id": "text",
    "amount": "numeric",
    "currency": "text",
    "method": "text",
    "card_last4": "text",
    "reason": "text",
    "checkout_reference": "text",
    "match_ids": "text[]",
    "refunded_lines": "jsonb",
    "own_reference": "text",
    "is_from_gateway": "boolean",
    "happened_at": "timestamptz",
    "cause": "text",
}
_names = ", ".join(_COLUMNS)
_INSERT = f"""
    INSERT INTO payments_entry AS known ({_names}, counts, dismissed_by)
    SELECT {_names}, true, ''
    FROM {{batch}}
    ORDER BY merchant_id, account, mode, kind, external_id
    ON CONFLICT (merchant_id, account, mode, kind, external_id) DO UPDATE SET
        order_id = coalesce(known.order_id, excluded.order_id),
        cause = CASE WHEN known.cause = '' THEN excluded.cause ELSE known.cause END,
        refunded_lines = CASE
            WHEN known.refunded_lines = '[]'::jsonb THEN excluded.refunded_lines
            ELSE known.refunded_lines
        END
    RETURNING id, merchant_id, mode, kind, order_id, amount, currency, external_id, cause,
        checkout_reference, (xmax = 0) AS is_new
"""
_STRAY = """
    SELECT known.id
    FROM {batch}
    JOIN payments_entry AS known USING (merchant_id, account, mode, kind, external_id)
    WHERE known.order_id IS NULL AND batch.order_id IS NOT NULL
    ORDER BY merchant_id, account, mode, kind, external_id
    FOR UPDATE OF known
"""
# A gateway that reports the money itself is believed; the shop's word about it is kept beside.
_AUTHORITY = """
    UPDATE payments_entry AS entry SET counts = false
    WHERE entry.order_id = ANY (%s)
        AND NOT entry.is_from_gateway
        AND entry.counts
        AND EXISTS (
            SELECT FROM payments_entry AS gateway
            WHERE gateway.order_id = entry.order_id
                AND gateway.is_from_gateway
                AND gateway.kind = 'captured'
        )
"""
# What ended a dispute, a refund, an authorization or a wait is found by the same external id or
# payment, whichever came first. A bank that gives back what it had taken says so last: a dispute
# that was lost and won is won. What a shop calls the refund of a sale that nobody has paid yet
# (cash on delivery) gives back nothing: no more goes back than came in.
_SUMS = """
    SELECT
        o.id AS order_id,
        coalesce(sum(e.amount) FILTER (
            WHERE e.kind = 'captured'), 0) AS amount_captured,
        least(
            coalesce(sum(e.amount) FILTER (WHERE e.kind = 'captured'), 0),
            coalesce(sum(e.amount) FILTER (
                WHERE e.kind = 'refunded' AND NOT ended.refund_failed), 0)
        ) + coalesce(sum(e.amount) FILTER (
            WHERE e.kind = 'dispute_lost' AND NOT ended.dispute_won), 0) AS amount_refunded,
        coalesce(sum(e.amount) FILTER (
            WHERE e.kind = 'disputed' AND NOT ended.dispute_closed), 0) AS amount_disputed,
        coalesce(sum(e.amount) FILTER (
            WHERE e.kind = 'authorized' AND NOT ended.authorization_used), 0) AS amount_authorized,
        coalesce(sum(e.amount) FILTER (
            WHERE e.kind = 'pending' AND NOT ended.wait_over), 0) AS amount_pending
    FROM orders_order AS o
    LEFT JOIN payments_entry AS e
        ON e.order_id = o.id AND e.counts AND e.currency = o.currency
    LEFT JOIN LATERAL (
        SELECT
            coalesce(bool_or(x.kind = 'refund_failed' AND x.external_id = e.external_id), false)
                AS refund_failed,
            coalesce(bool_or(
                x.kind IN ('dispute_won', 'dispute_lost') AND x.external_id = e.external_id
            ), false) AS dispute_closed,
            coalesce(bool_or(x.kind = 'dispute_won' AND x.external_id = e.external_id), false)
                AS dispute_won,
            coalesce(bool_or(
                x.kind IN ('captured', 'voided')
                AND x.payment_external_id = e.payment_external_id
            ), false) AS authorization_used,
            coalesce(bool_or(
                x.kind IN ('captured', 'failed', 'voided')
                AND x.payment_external_id = e.payment_external_id
            ), false) AS wait_over
        FROM payments_entry AS x
        WHERE x.order_id = o.id
    ) AS ended ON true
    WHERE o.id = ANY (%s)
    GROUP BY o.id
"""
_STRANGERS = """
    SELECT DISTINCT o.id, o.merchant_id, o.currency, e.currency
    FROM payments_entry AS e
    JOIN orders_order AS o ON o.id = e.order_id
    WHERE e.order_id = ANY (%s) AND e.counts AND e.kind = 'captured' AND e.currency <> o.currency
"""
# What was captured counts in the order's currency only. By the index on order_id.
_RESOLD = """
    SELECT o.id
    FROM orders_order AS o
    LEFT JOIN payments_entry AS e
        ON e.order_id = o.id AND e.counts AND e.kind = 'captured' AND e.currency = o.currency
    WHERE o.id = ANY (%s)
    GROUP BY o.id
    HAVING o.amount_captured <> coalesce(sum(e.amount), 0)
"""


def record_facts(incoming: Sequence[IncomingFact]) -> list[int]:
    """Write facts inside the open scope; repeats change nothing.

    Returns the orders whose money changed, locked, sums and events done; the caller reviews them.
    """
    if not incoming:
        return []
    rows = _rows(incoming)
    locks.lock(int(row["order_id"]) for row in rows if row["order_id"] is not None)
    batch = sql.recordset(rows, _COLUMNS)
    stray = {row[0] for row in sql.fetch(_STRAY.format(batch=batch.sql), [batch.parameter])}
    written = sql.fetch_dicts(_INSERT.format(batch=batch.sql), [batch.parameter])
    # A fact that was known without its order is news for the order.
    new = [row for row in written if row["is_new"] or row["id"] in stray]
    changed = sorted({row["order_id"] for row in new if row["order_id"] is not None})
    sum_up(changed)
    outbox.record_many(event_of(row) for row in new if not _is_expected(row))
    hold_reviewed(new)
    return changed


def match_waiting(orders: Iterable[Mapping[str, Any]]) -> list[int]:
    """Give unmatched payments to orders that now carry their ids (see `matching.give_waiting`).

    An order that its source now sells in another currency has other sums as well.

    Returns the orders that gained or lost money.
    """
    orders = list(orders)
    matched = give_waiting(orders)
    resold = sql.fetch(_RESOLD, [[order["order_id"] for order in orders]]) if orders else []
    return take_in(matched, also=[order_id for (order_id,) in resold])


def take_in(
    given: Sequence[Mapping[str, Any]], *, also: Iterable[int] = (), reason: str = ""
) -> list[int]:
    """Count entries that were given to orders, whoever gave them, and say so in the journal.

    Returns the orders that they belong to, and those that were to be summed up `also`.
    """
    changed = sorted({row["order_id"] for row in given} | set(also))
    sum_up(changed)
    outbox.record_many(replace(event_of(row), reason=reason) for row in given)
    hold_reviewed(given)
    return changed


def sum_up(order_ids: Sequence[int]) -> None:
    """Bring the orders' money counters in line with their entries."""
    if not order_ids:
        return
    sql.run(_AUTHORITY, [list(order_ids)])
    counters.set_money(sql.fetch_dicts(_SUMS, [list(order_ids)]))
    open_holds(
        NewHold(
            merchant_id=merchant_id,
            order_id=order_id,
            kind=HoldKind.TOTALS,
            about=paid_in,
            reason=f"Paid in {paid_in}, sold in {sold_in}",
        )
        for order_id, merchant_id, sold_in, paid_in in sql.fetch(_STRANGERS, [list(order_ids)])
    )


def _rows(incoming: Sequence[IncomingFact]) -> list[dict[str, Any]]:
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for item in incoming:
        fact = item.fact
        key = (item.merchant_id, item.account, item.mode, fact.kind, fact.external_id)
        rows[key] = {
            "merchant_id": item.merchant_id,
            "mode": item.mode,
            "account": item.account,
            "connection_id": item.connection_id,
            # Of two tellings in a batch that make an order, one knows which order it became.
            "order_id": item.order_id or rows.get(key, {}).get("order_id"),
            "kind": fact.kind,
            "external_id": fact.external_id,
            "payment_external_id": fact.payment_external_id,
            "amount": fact.amount.amount,
            "currency": fact.amount.currency,
            "method": fact.method,
            "card_last4": fact.card_last4,
            "reason": fact.reason,
            "checkout_reference": fact.checkout_reference,
            "match_ids": fact.match_ids,
            "refunded_lines": [
                {"line": line.line_external_id, "quantity": line.quantity}
                for line in fact.refunded_lines
            ],
            "own_reference": fact.own_reference,
            "is_from_gateway": item.is_from_gateway,
            "happened_at": fact.happened_at,
            "cause": f"inbox:{item.message_id}" if item.message_id else "",
        }
    homeless = [row for row in rows.values() if row["order_id"] is None]
    for row, order_id in zip(homeless, orders_of(homeless), strict=True):
        row["order_id"] = order_id
    return list(rows.values())


def _is_expected(row: Mapping[str, Any]) -> bool:
    """Whether it is money for a checkout of ours whose order has still to come.

    A gateway tells of the money a moment before it tells that the checkout is complete; the fact
    is told with its order.
    """
    is_stray = row["order_id"] is None and row["kind"] == PaymentFactKind.CAPTURED
    return is_stray and is_ours(row["merchant_id"], row["checkout_reference"])


def event_of(row: Mapping[str, Any]) -> NewEvent:
    kind = PaymentFactKind(row["kind"])
    is_stray = row["order_id"] is None and kind is PaymentFactKind.CAPTURED
    return NewEvent(
        name="payment.unmatched" if is_stray else EVENT_OF_KIND[kind],
        merchant_id=row["merchant_id"],
        mode=row["mode"],
        order_id=row["order_id"],
        subject=("payment_entry", row["id"]),
        cause=row["cause"],
        data={
            "kind": kind,
            "amount": row["amount"],
            "currency": row["currency"],
            "external_id": row["external_id"],
        },
    )


def hold_reviewed(rows: Iterable[Mapping[str, Any]]) -> None:
    """A gateway's review of a payment holds its order until the review is closed."""
    closed: dict[str, list[int]] = defaultdict(list)
    opened = []
    for row in rows:
        if row["order_id"] is None:
            continue
        if row["kind"] == PaymentFactKind.REVIEW_CLOSED:
            closed[row["external_id"]].append(row["order_id"])
        if row["kind"] == PaymentFactKind.REVIEW_OPENED:
            opened.append(row)
    ended = _closed_reviews(opened)
    open_holds(
        NewHold(
            merchant_id=row["merchant_id"],
            order_id=row["order_id"],
            kind=HoldKind.REVIEW,
            about=row["external_id"],
            reason="The payment is under review for fraud",
        )
        for row in opened
        if row["external_id"] not in ended
    )
    for about, order_ids in closed.items():
        lift_holds(
            by="system",
            reason="the review was closed",
            order_ids=order_ids,
            kind=HoldKind.REVIEW,
            about=about,
        )


def _closed_reviews(opened: Sequence[Mapping[str, Any]]) -> set[str]:
    if not opened:
        return set()
    found = sql.fetch(
        """
        SELECT external_id FROM payments_entry
        WHERE kind = 'review_closed' AND order_id = ANY (%s) AND external_id = ANY (%s)
        """,
        [[row["order_id"] for row in opened], [row["external_id"] for row in opened]],
    )
    return {row[0] for row in found}
