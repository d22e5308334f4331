"""Which parcels failed to reach their customer, and of which the goods came by another parcel."""

from collections.abc import Iterable

from entrepot.canon.tracking import ParcelStatus
from entrepot.database import sql

FAILED = (ParcelStatus.LOST, ParcelStatus.RETURNING, ParcelStatus.RETURNED)
# Parcel `p` has failed, and of all that is in it as many pieces were sent again and have arrived. A
# replacement does not say for which parcel of its share it is: the pieces of all parcels of the
# sale that failed have to be covered, so that one replacement is not taken for two losses. What is
# sent again and fails is covered by what was sent later still. Where goods arrived damaged and
# others of the same line were lost, the replacement of the former counts for the latter.
MADE_GOOD = """coalesce((
    SELECT bool_and(pieces.brought >= pieces.failed)
    FROM fulfillment_shipment_item AS inside
    JOIN fulfillment_item AS item ON item.id = inside.fulfillment_item_id
    JOIN fulfillment_order AS share ON share.id = item.fulfillment_order_id
    CROSS JOIN LATERAL (
        SELECT
            coalesce(sum(piece.quantity) FILTER (
                WHERE parcels.has_failed AND (
                    other.id = share.id
                    OR (other.replaces_id IS NULL AND share.replaces_id IS NULL)
                )
            ), 0) AS failed,
            coalesce(sum(piece.quantity) FILTER (
                WHERE parcels.has_arrived
                    AND other.replaces_id IS NOT NULL AND other.share > share.share
            ), 0) AS brought
        FROM fulfillment_order AS other
        JOIN fulfillment_item AS same
            ON same.fulfillment_order_id = other.id
            AND same.line_id = item.line_id AND same.sku = item.sku
        JOIN fulfillment_shipment_item AS piece ON piece.fulfillment_item_id = same.id
        JOIN fulfillment_shipment AS shipment
            ON shipment.id = piece.shipment_id AND shipment.status = 'shipped'
        CROSS JOIN LATERAL (
            SELECT
                bool_and(status IN ('delivered', 'presumed_delivered')) AS has_arrived,
                bool_or(status IN ('lost', 'returning', 'returned')) AS has_failed
            FROM fulfillment_parcel
            WHERE shipment_id = shipment.id AND status <> 'voided'
        ) AS parcels
        WHERE other.order_id = p.order_id
    ) AS pieces
    WHERE inside.shipment_id = p.shipment_id
), false)"""
_MADE_GOOD = f"""
    SELECT p.id
    FROM fulfillment_parcel AS p
    WHERE p.id = ANY (%s) AND p.status IN ('lost', 'returning', 'returned') AND {MADE_GOOD}
"""  # noqa: S608 -- a constant


def made_good(parcel_ids: Iterable[int]) -> set[int]:
    """Of these parcels, those that failed and whose goods have come all the same; in a scope."""
    ids = list(parcel_ids)
    return {parcel_id for (parcel_id,) in sql.fetch(_MADE_GOOD, [ids])} if ids else set()
