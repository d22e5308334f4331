"""What the hub has recorded of a demo, as SQL; inside the merchant's scope.

`%(connections)s` are the connections of one run, so that earlier runs do not count.
"""

ORDERS = """
    SELECT o.id, o.connection_id, o.external_id, o.number, o.reference, o.status, o.is_held,
        o.payment_status, o.fulfillment_status, o.released_at IS NOT NULL AS is_released,
        o.checkout_reference, o.transaction_ids, o.currency, o.total::text AS total,
        o.first_seen_at
    FROM orders_order AS o
    WHERE o.connection_id = ANY (%(connections)s)
    ORDER BY o.id
"""
HOLDS = """
    SELECT h.order_id, h.kind, h.about, h.reason
    FROM orders_hold AS h
    JOIN orders_order AS o ON o.id = h.order_id
    WHERE h.lifted_at IS NULL AND o.connection_id = ANY (%(connections)s)
    ORDER BY h.id
"""
ATTEMPTS = """
    SELECT a.id, a.order_id, a.kind, a.status, a.reference, a.needs_person, a.message,
        a.ended_at, a.outcome ->> 'external_id' AS external_id
    FROM attempts_attempt AS a
    JOIN orders_order AS o ON o.id = a.order_id
    WHERE o.connection_id = ANY (%(connections)s)
    ORDER BY a.id
"""
SHIPMENTS = """
    SELECT s.order_id, s.written_back_at IS NOT NULL AS is_written_back, s.status,
        o.connection_id
    FROM fulfillment_shipment AS s
    JOIN orders_order AS o ON o.id = s.order_id
    WHERE o.connection_id = ANY (%(connections)s)
"""
MAILS = """
    SELECT m.order_id, m.kind, m.fact, m.status
    FROM notifications_mail AS m
    JOIN orders_order AS o ON o.id = m.order_id
    WHERE o.connection_id = ANY (%(connections)s)
"""
MAILBOX = """
    SELECT message_id, count(*)
    FROM notifications_sandbox_mail
    WHERE message_id <> ''
    GROUP BY message_id
    HAVING count(*) > 1
"""
PARKED = """
    SELECT work.message_id, message.connection_id, work.reason
    FROM inbox_work AS work
    JOIN inbox_message AS message ON message.id = work.message_id
    WHERE work.is_parked AND message.connection_id = ANY (%(connections)s)
    ORDER BY work.id
"""
