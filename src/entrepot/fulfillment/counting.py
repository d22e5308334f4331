"""Counts what has left and arrived, from shipments and parcels, and tells the orders' room."""

from collections.abc import Iterable, Sequence

from entrepot.access import scope
from entrepot.database import saving, sql
from entrepot.fulfillment.states import Status
from entrepot.orders import counters
from entrepot.routing.plan import Planned

# A replacement sends units again; the line's own units are counted once. They have arrived as well
# where they failed to and what was sent again for them has (losses.py). Of a kit, a unit has left
# when all of its parts have.
_LINES = """
    WITH pieces AS (
        SELECT
            item.line_id,
            item.sku,
            item.units_per_line,
            coalesce(sum(left_with.quantity) FILTER (WHERE is_sold), 0) AS shipped,
            coalesce(sum(left_with.quantity) FILTER (WHERE is_sold AND has_arrived), 0) AS arrived,
            coalesce(sum(left_with.quantity) FILTER (WHERE is_sold AND is_back), 0) AS back,
            coalesce(sum(left_with.quantity) FILTER (WHERE is_sold AND has_failed), 0) AS failed,
            coalesce(sum(left_with.quantity) FILTER (WHERE NOT is_sold AND has_arrived), 0)
                AS brought,
            bool_or(is_sold) AS is_sold,
            bool_or(is_sold AND share.status <> 'cancelled') AS is_alive
        FROM fulfillment_order AS share
        CROSS JOIN LATERAL (SELECT share.replaces_id IS NULL AS is_sold) AS whose
        JOIN fulfillment_item AS item ON item.fulfillment_order_id = share.id
        LEFT JOIN LATERAL (
            SELECT inside.quantity, parcels.has_arrived, parcels.is_back, parcels.has_failed
            FROM fulfillment_shipment_item AS inside
            JOIN fulfillment_shipment AS shipment
                ON shipment.id = inside.shipment_id AND shipment.status = 'shipped'
            LEFT JOIN LATERAL (
                SELECT
                    bool_and(status IN ('delivered', 'presumed_delivered')) AS has_arrived,
                    bool_and(status = 'returned') AS is_back,
                    bool_or(status IN ('lost', 'returning', 'returned')) AS has_failed
                FROM fulfillment_parcel
                WHERE shipment_id = shipment.id AND status <> 'voided'
            ) AS parcels ON true
            WHERE inside.fulfillment_item_id = item.id
        ) AS left_with ON true
        WHERE share.order_id = ANY (%(order_ids)s)
        GROUP BY item.line_id, item.sku, item.units_per_line
    ), sent AS (
        SELECT
            line_id, units_per_line, shipped, back, is_alive,
            arrived + least(failed, brought) AS arrived
        FROM pieces
        WHERE is_sold
    ), whole AS (
        SELECT
            line_id,
            min(div(shipped, units_per_line)) AS shipped,
            min(div(arrived, units_per_line)) AS delivered,
            min(div(back, units_per_line)) AS returned
        FROM sent
        WHERE is_alive OR shipped > 0
        GROUP BY line_id
    )
    SELECT
        line.id AS line_id,
        coalesce(whole.shipped, 0)::int AS units_shipped,
        coalesce(whole.delivered, 0)::int AS units_delivered,
        coalesce(whole.returned, 0)::int AS units_returned
    FROM orders_line AS line
    LEFT JOIN whole ON whole.line_id = line.id
    WHERE line.order_id = ANY (%(order_ids)s)
"""
_ITEMS = """
    UPDATE fulfillment_item AS item SET units_shipped = coalesce((
        SELECT sum(sent.quantity)
        FROM fulfillment_shipment_item AS sent
        JOIN fulfillment_shipment AS shipment
            ON shipment.id = sent.shipment_id AND shipment.status = 'shipped'
        WHERE sent.fulfillment_item_id = item.id
    ), 0)
    FROM fulfillment_order AS share
    WHERE share.id = item.fulfillment_order_id AND share.order_id = ANY (%s)
"""
_PRESUMED = """
    SELECT shipment.order_id, sum(item.quantity)::int AS units
    FROM fulfillment_shipment_item AS item
    JOIN fulfillment_shipment AS shipment ON shipment.id = item.shipment_id
    WHERE shipment.order_id = ANY (%s) AND EXISTS (
        SELECT FROM fulfillment_parcel AS parcel
        WHERE parcel.shipment_id = shipment.id AND parcel.status = 'presumed_delivered'
    )
    GROUP BY shipment.order_id
"""
# A unit of a kit has its share when each of its parts has one: a part whose share was cancelled
# leaves it open. Parts are known from the shares that were ever made; one without a live share is
# no part any more once a later decision has planned the line without it (an edit, another mapping).
# A cancelled share keeps what had left before; what a provider drops of a share is open again.
_LIVE_PIECES = """
            SELECT
                item.line_id, item.sku, max(item.units_per_line) AS per_line,
                sum(CASE WHEN share.status = 'cancelled'
                    THEN least(item.units_shipped, item.quantity)
                    ELSE item.quantity - item.units_cancelled END) AS pieces,
                max(share.decision_id) AS decision_id
            FROM fulfillment_item AS item
            JOIN fulfillment_order AS share ON share.id = item.fulfillment_order_id
            WHERE share.order_id = ANY (%s) AND share.replaces_id IS NULL
            GROUP BY item.line_id, item.sku
"""
_PLANNED = """
    UPDATE orders_line AS line SET units_planned = coalesce(whole.units, 0)
    FROM orders_line AS mine
    LEFT JOIN (
        SELECT line_id, min(div(pieces, per_line)) AS units
        FROM (
            SELECT *, max(decision_id) FILTER (WHERE pieces > 0) OVER (PARTITION BY line_id) AS last
            FROM ({pieces}) AS part
        ) AS part
        WHERE pieces > 0 OR last IS NULL OR decision_id >= last
        GROUP BY line_id
    ) AS whole ON whole.line_id = mine.id
    WHERE mine.id = line.id AND line.order_id = ANY (%s)
"""
_UNDONE = """
    SELECT o.id
    FROM orders_order AS o
    WHERE o.id = ANY (%s) AND (
        o.open_holds > 0
        OR EXISTS (
            SELECT FROM fulfillment_order AS share
            WHERE share.order_id = o.id AND share.status <> ALL (%s)
        )
        OR EXISTS (
            SELECT FROM orders_line AS line
            WHERE line.order_id = o.id AND line.units_planned < line.quantity
                - line.units_cancelled - line.units_nothing - line.units_elsewhere
        )
    )
"""


def undone_of(merchant_id: int, order_ids: Iterable[int]) -> set[int]:
    """Of these orders, those with something left to do: a share, units without one, or a hold.

    Nothing is locked. Whoever plans or changes an order locks it, and whoever changes it tells of
    it: what is read here holds until somebody tells again.
    """
    with scope.merchant(merchant_id):
        found = sql.fetch(_UNDONE, [list(order_ids), [Status.CANCELLED, Status.CLOSED]])
    return {order_id for (order_id,) in found}


def recount(order_ids: Sequence[int]) -> None:
    """Bring units shipped, delivered and returned of locked orders in line with their parcels."""
    if not order_ids:
        return
    saving.flush()
    ids = list(order_ids)
    sql.run(_ITEMS, [ids])
    counters.set_shipped(sql.fetch_dicts(_LINES, {"order_ids": ids}), order_ids=ids)
    counters.set_presumed(dict(sql.fetch(_PRESUMED, [ids])), order_ids=ids)
    recount_planned(ids)


def recount_planned(order_ids: Sequence[int]) -> None:
    """Bring the units that have a share in line with the shares that are not cancelled."""
    if order_ids:
        saving.flush()
        sql.run(_PLANNED.format(pieces=_LIVE_PIECES), [list(order_ids), list(order_ids)])


def planned_of(order_ids: Sequence[int]) -> dict[int, list[Planned]]:
    """What live shares of orders hold, by line; replacements do not count."""
    found: dict[int, list[Planned]] = {}
    saving.flush()
    for line_id, sku, per_line, pieces, _ in sql.fetch(_LIVE_PIECES, [list(order_ids)]):
        planned = Planned(sku=sku, pieces=int(pieces), units=int(pieces) // per_line)
        found.setdefault(line_id, []).append(planned)
    return found
