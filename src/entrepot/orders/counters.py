"""Keeps the counters of orders and lines equal to the facts behind them, set-based.

Each function is called by the room that has just written a fact, in the same transaction and on
locked orders. The counters are recounted from rows, never added to, so that a repeat is harmless;
a row whose counters are right already is not written again. An order changes with its lines, also
where its own counters stay as they were: who asks what changed since is told.
"""

from collections.abc import Iterable, Mapping, Sequence

from entrepot.database import sql

# A line that was taken out, or units paid back, are cancelled as far as they have not left.
_LINE_UNITS = """
    UPDATE orders_line AS line SET
        units_nothing = counted.nothing,
        units_cancelled = counted.cancelled
    FROM (
        SELECT
            line.id,
            CASE
                WHEN line.is_shippable IS FALSE THEN line.quantity
                ELSE least(line.units_nothing, line.quantity)
            END AS nothing,
            least(
                line.quantity - least(line.units_shipped, line.quantity),
                CASE
                    WHEN line.removed_at IS NOT NULL THEN line.quantity
                    WHEN o.source_cancelled_at IS NOT NULL THEN line.quantity
                    ELSE greatest(line.units_withdrawn, line.units_refunded)
                END
            ) AS cancelled
        FROM orders_line AS line
        JOIN orders_order AS o ON o.id = line.order_id
        WHERE line.order_id = ANY (%s)
    ) AS counted
    WHERE line.id = counted.id
        AND (line.units_nothing, line.units_cancelled)
            IS DISTINCT FROM (counted.nothing, counted.cancelled)
    RETURNING line.order_id
"""
_ORDER_UNITS = """
    UPDATE orders_order AS o SET
        units_ordered = units.ordered,
        units_cancelled = units.cancelled,
        units_nothing = units.nothing,
        units_elsewhere = units.elsewhere,
        units_shipped = units.shipped,
        units_delivered = units.delivered,
        units_returned = units.returned,
        updated_at = now()
    FROM (
        SELECT
            order_id,
            sum(quantity) AS ordered,
            sum(units_cancelled) AS cancelled,
            sum(least(units_nothing, quantity - units_cancelled)) AS nothing,
            sum(least(units_elsewhere, quantity - units_cancelled)) AS elsewhere,
            sum(least(units_shipped, quantity)) AS shipped,
            sum(least(units_delivered, quantity)) AS delivered,
            sum(units_returned) AS returned
        FROM orders_line
        WHERE order_id = ANY (%(orders)s)
        GROUP BY order_id
    ) AS units
    WHERE o.id = units.order_id
        AND (
            o.id = ANY (%(touched)s)
            OR (
                o.units_ordered, o.units_cancelled, o.units_nothing, o.units_elsewhere,
                o.units_shipped, o.units_delivered, o.units_returned
            ) IS DISTINCT FROM (
                units.ordered, units.cancelled, units.nothing, units.elsewhere,
                units.shipped, units.delivered, units.returned
            )
        )
"""
_LINE_FACTS = {
    "line_id": "bigint",
    "units_shipped": "int",
    "units_delivered": "int",
    "units_returned": "int",
}
_SHIPPED = """
    UPDATE orders_line AS line SET
        units_shipped = batch.units_shipped,
        units_delivered = batch.units_delivered,
        units_returned = batch.units_returned
    FROM {batch}
    WHERE line.id = batch.line_id
        AND (line.units_shipped, line.units_delivered, line.units_returned)
            IS DISTINCT FROM (batch.units_shipped, batch.units_delivered, batch.units_returned)
    RETURNING line.order_id
"""
_PRESUMED = """
    UPDATE orders_order AS o SET
        units_presumed = batch.units,
        updated_at = now()
    FROM {batch}
    WHERE o.id = batch.order_id AND o.units_presumed <> batch.units
"""
_MONEY_COLUMNS = {
    "order_id": "bigint",
    "amount_pending": "numeric",
    "amount_authorized": "numeric",
    "amount_captured": "numeric",
    "amount_refunded": "numeric",
    "amount_disputed": "numeric",
}
_MONEY = """
    UPDATE orders_order AS o SET
        amount_pending = batch.amount_pending,
        amount_authorized = batch.amount_authorized,
        amount_captured = batch.amount_captured,
        amount_refunded = batch.amount_refunded,
        amount_disputed = batch.amount_disputed,
        updated_at = now()
    FROM {batch}
    WHERE o.id = batch.order_id
        AND (
            o.amount_pending, o.amount_authorized, o.amount_captured, o.amount_refunded,
            o.amount_disputed
        ) IS DISTINCT FROM (
            batch.amount_pending, batch.amount_authorized, batch.amount_captured,
            batch.amount_refunded, batch.amount_disputed
        )
"""
_HOLDS = """
    UPDATE orders_order AS o SET
        open_holds = (
            SELECT count(*) FROM orders_hold AS hold
            WHERE hold.order_id = o.id AND hold.lifted_at IS NULL
        ),
        updated_at = now()
    WHERE o.id = ANY (%s)
"""


def recount_units(order_ids: Sequence[int], *, touched: Iterable[int] = ()) -> None:
    """Bring lines' cancellations and the orders' unit counters in line with their facts.

    `touched` are those orders of whose lines the caller has changed a counter already.
    """
    if not order_ids:
        return
    changed = {order_id for (order_id,) in sql.fetch(_LINE_UNITS, [list(order_ids)])}
    sql.run(_ORDER_UNITS, {"orders": list(order_ids), "touched": sorted({*touched, *changed})})


def set_shipped(lines: Iterable[dict[str, object]], *, order_ids: Sequence[int]) -> None:
    """Take over what fulfillment counted per line: units shipped, delivered and returned."""
    batch = sql.recordset(lines, _LINE_FACTS)
    changed = sql.fetch(_SHIPPED.format(batch=batch.sql), [batch.parameter])
    recount_units(order_ids, touched=[order_id for (order_id,) in changed])


def set_presumed(units: Mapping[int, int], *, order_ids: Sequence[int]) -> None:
    """Take over by order how many of the delivered units are only presumed to be, else none."""
    batch = sql.recordset(
        [{"order_id": order_id, "units": units.get(order_id, 0)} for order_id in order_ids],
        {"order_id": "bigint", "units": "int"},
    )
    sql.run(_PRESUMED.format(batch=batch.sql), [batch.parameter])


def set_money(sums: Iterable[dict[str, object]]) -> None:
    """Take over what payments summed up per order."""
    batch = sql.recordset(sums, _MONEY_COLUMNS)
    sql.run(_MONEY.format(batch=batch.sql), [batch.parameter])


def recount_holds(order_ids: Sequence[int]) -> None:
    """Count the open holds of orders."""
    if order_ids:
        sql.run(_HOLDS, [list(order_ids)])
