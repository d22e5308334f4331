"""Finds the order of a payment, and the payments that an order has been waiting for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from entrepot.database import sql
from entrepot.orders.search import normalized

SHORTEST_PAYMENT_ID = 6  # a shorter word names nothing: "1", "cash"

# Where a payment belongs: the hub's own checkout first, then ids that a shop's order carries, then
# what an earlier fact of the same payment was matched to.
_MATCH = """
    SELECT batch.n, coalesce(own.id, named.object_id, sibling.order_id) AS order_id
    FROM {batch}
    LEFT JOIN LATERAL (
        SELECT o.id FROM orders_order AS o
        WHERE batch.checkout_reference <> ''
            AND o.merchant_id = batch.merchant_id
            AND o.mode = batch.mode
            AND o.checkout_reference = batch.checkout_reference
        ORDER BY o.id LIMIT 1
    ) AS own ON true
    LEFT JOIN LATERAL (
        SELECT term.object_id FROM search_term AS term
        JOIN orders_order AS o ON o.id = term.object_id
        WHERE term.merchant_id = batch.merchant_id
            AND term.mode = batch.mode
            AND term.kind = 'order'
            AND term.term = ANY (batch.terms)
            AND o.transaction_ids && batch.ids
        ORDER BY term.object_id LIMIT 1
    ) AS named ON true
    LEFT JOIN LATERAL (
        SELECT entry.order_id FROM payments_entry AS entry
        WHERE entry.merchant_id = batch.merchant_id
            AND entry.mode = batch.mode
            AND entry.payment_external_id = batch.payment_external_id
            AND entry.order_id IS NOT NULL
        ORDER BY entry.id LIMIT 1
    ) AS sibling ON true
"""
# The few entries that wait, by payments_entry_unmatched, are read once and met by their names: a
# comparison of each with each order of a batch would read the whole ledger at times.
_WAITING = """
    WITH sold AS MATERIALIZED (
        SELECT order_id, merchant_id, mode, ids, checkout_reference
        FROM {batch}
    ), waiting AS MATERIALIZED (
        SELECT id, merchant_id, mode, payment_external_id, match_ids, checkout_reference
        FROM payments_entry
        WHERE order_id IS NULL AND merchant_id = ANY (ARRAY(SELECT DISTINCT merchant_id FROM sold))
    ), asked AS (
        SELECT order_id, merchant_id, mode, unnest(ids) AS name, false AS is_checkout
        FROM sold
        UNION ALL
        SELECT order_id, merchant_id, mode, checkout_reference, true
        FROM sold
        WHERE checkout_reference <> ''
    ), known AS (
        SELECT id, merchant_id, mode, false AS is_checkout,
            unnest(match_ids || payment_external_id) AS name
        FROM waiting
        UNION ALL
        SELECT id, merchant_id, mode, true, checkout_reference
        FROM waiting
    )
    SELECT DISTINCT known.id, asked.order_id
    FROM asked
    JOIN known USING (merchant_id, mode, name, is_checkout)
"""
_GIVE = """
    UPDATE payments_entry AS entry SET order_id = batch.order_id
    FROM {batch}
    WHERE entry.id = batch.id AND entry.order_id IS NULL
    RETURNING entry.id, entry.merchant_id, entry.mode, entry.kind, entry.order_id,
        entry.amount, entry.currency, entry.external_id, entry.cause,
        entry.checkout_reference
"""


def telling(ids: Iterable[str]) -> list[str]:
    """Those of some payment ids that are long enough to name one payment, each once."""
    return sorted({name for name in ids if len(name) >= SHORTEST_PAYMENT_ID})


def orders_of(rows: Sequence[Mapping[str, Any]]) -> list[int | None]:
    """The order of each ledger row, None where none is known."""
    if not rows:
        return []
    wanted = []
    for row in rows:
        ids = telling([row["payment_external_id"], row["external_id"], *row["match_ids"]])
        wanted.append(
            {
                "merchant_id": row["merchant_id"],
                "mode": row["mode"],
                "checkout_reference": row["checkout_reference"],
                "payment_external_id": row["payment_external_id"],
                "ids": ids,
                "terms": sorted(map(normalized, ids)),
            }
        )
    batch = sql.recordset(
        wanted,
        {
            "merchant_id": "bigint",
            "mode": "text",
            "checkout_reference": "text",
            "payment_external_id": "text",
            "ids": "text[]",
            "terms": "text[]",
        },
    )
    found = dict(sql.fetch(_MATCH.format(batch=batch.sql), [batch.parameter]))
    return [found.get(number) for number in range(len(wanted))]


def give_waiting(orders: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give unmatched entries to orders that now carry their ids; returns the entries given.

    Each order is {"order_id", "merchant_id", "mode", "ids", "checkout_reference"}, and locked.
    """
    rows = [{**order, "ids": telling(order["ids"])} for order in orders]
    rows = [row for row in rows if row["ids"] or row["checkout_reference"]]
    if not rows:
        return []
    batch = sql.recordset(
        rows,
        {
            "order_id": "bigint",
            "merchant_id": "bigint",
            "mode": "text",
            "ids": "text[]",
            "checkout_reference": "text",
        },
    )
    return give(sql.fetch(_WAITING.format(batch=batch.sql), [batch.parameter]))


def give(found: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Give entries to orders, as (entry id, order id); returns those that had none until now.

    The orders are locked.
    """
    if not found:
        return []
    pairs = sql.recordset(
        [{"id": entry_id, "order_id": order_id} for entry_id, order_id in found],
        {"id": "bigint", "order_id": "bigint"},
    )
    return sql.fetch_dicts(_GIVE.format(batch=pairs.sql), [pairs.parameter])
