"""The statements that apply order snapshots, one batch each; parameters only."""

from entrepot.orders import rows

KEY = {"merchant_id": "bigint", "account": "text", "mode": "text", "external_id": "text"}
LOCK = """
    SELECT o.id, o.merchant_id, o.account, o.mode, o.external_id, o.source_version, o.source_hash,
        o.source_read_at, o.source_state, o.birth_mark, o.is_history,
        o.address_id, o.typed_address_id, o.erased_at
    FROM {batch}
    JOIN orders_order AS o USING (merchant_id, account, mode, external_id)
    ORDER BY o.id
    FOR UPDATE OF o
"""
NEW_COLUMNS = rows.ORDER_COLUMNS | rows.OPENING_COLUMNS
_column_names = ", ".join(NEW_COLUMNS)
INSERT = f"""
    INSERT INTO orders_order ({_column_names}, released_at)
    SELECT {_column_names}, CASE WHEN released_by <> '' THEN now() END
    FROM {{batch}}
    ORDER BY merchant_id, account, mode, external_id
    ON CONFLICT (merchant_id, account, mode, external_id) DO NOTHING
    RETURNING id, merchant_id, account, mode, external_id
"""
# Identity, reference, history, and an address that a person accepted stay as they are.
KEPT = {
    "merchant_id",
    "mode",
    "account",
    "external_id",
    "connection_id",
    "reference",
    "is_history",
    "address_id",
    "checkout_reference",
    "is_on_terms",
}
# What is left of an erased customer stays as it is.
PERSONAL = {"customer_id", "typed_address_id", "billing_address_id", "customer_note"}
_sets = ",\n        ".join(
    f"{name} = CASE WHEN o.erased_at IS NULL THEN batch.{name} ELSE o.{name} END"
    if name in PERSONAL
    else f"{name} = batch.{name}"
    for name in rows.ORDER_COLUMNS
    if name not in KEPT
)
UPDATE = f"""
    UPDATE orders_order AS o SET
        {_sets},
        is_on_terms = o.is_on_terms OR batch.is_on_terms,
        address_id = CASE
            WHEN o.erased_at IS NULL AND o.address_id IS NOT DISTINCT FROM o.typed_address_id
                THEN batch.typed_address_id
            ELSE o.address_id
        END,
        updated_at = now()
    FROM {{batch}}
    WHERE o.id = batch.id
"""
LINES = f"""
    INSERT INTO orders_line AS known ({", ".join(rows.LINE_COLUMNS)})
    SELECT {", ".join(rows.LINE_COLUMNS)}
    FROM {{batch}}
    ORDER BY order_id, external_id
    ON CONFLICT (order_id, external_id) DO UPDATE SET
        position = excluded.position,
        sku = excluded.sku,
        title = excluded.title,
        quantity = greatest(excluded.quantity, known.units_shipped),
        unit_price = excluded.unit_price,
        discount = excluded.discount,
        total = excluded.total,
        is_shippable = excluded.is_shippable,
        image_url = excluded.image_url,
        properties = excluded.properties,
        units_refunded = greatest(excluded.units_refunded, known.units_refunded),
        units_elsewhere = greatest(excluded.units_elsewhere, known.units_elsewhere),
        removed_at = NULL
"""
REMOVE_LINES = """
    UPDATE orders_line AS line SET removed_at = now()
    FROM {batch}
    WHERE line.order_id = batch.order_id
        AND line.removed_at IS NULL
        AND NOT line.external_id = ANY (batch.kept)
"""
DELETED = """
    UPDATE orders_order SET
        source_state = 'deleted',
        source_cancelled_at = coalesce(source_cancelled_at, %s),
        source_read_at = greatest(source_read_at, %s),
        updated_at = now()
    WHERE merchant_id = %s AND account = %s AND external_id = %s AND source_state <> 'deleted'
    RETURNING id, mode
"""
READ_AGAIN = """
    UPDATE orders_order AS o SET source_read_at = greatest(o.source_read_at, batch.read_at)
    FROM {batch}
    WHERE o.id = batch.id
"""
TAXES = f"""
    INSERT INTO orders_tax_line ({", ".join(rows.TAX_COLUMNS)})
    SELECT {", ".join(rows.TAX_COLUMNS)}
    FROM {{batch}}
    ORDER BY n
"""
