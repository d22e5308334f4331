"""Years of work on orders as SQL: shares, parcels, attempts, promises, messages, the journal."""

# Two shares where an order has three lines: the last one goes to the second provider.
_SHARES = """
    FROM bench.sale AS s
    JOIN bench.merchant AS m ON m.id = s.merchant_id
    CROSS JOIN generate_series(0, CASE WHEN s.lines = 3 THEN 1 ELSE 0 END) AS share
    WHERE s.stage NOT IN ('unpaid', 'cancelled', 'held')
"""
_HAS_LEFT = "(s.stage IN ('shipped', 'done') OR (s.stage = 'partly' AND share = 1))"

DECISIONS = """
    INSERT INTO routing_decision (merchant_id, order_id, order_version, choices, decided_at)
    SELECT merchant_id, n, 1, '[{"reason": "only one can make it"}]', placed_at + interval '3 min'
    FROM bench.sale
    WHERE stage NOT IN ('unpaid', 'cancelled', 'held')
    ORDER BY n
"""
SHARES = f"""
    INSERT INTO fulfillment_order (
        id, merchant_id, mode, order_id, connection_id, share, status, planned_version,
        submit_after, external_id, provider_stage, details, cost, cost_currency, planned_at,
        accepted_at, ended_at
    )
    SELECT
        s.n * 2 + share, s.merchant_id, 'live', s.n, m.providers[1 + share], share + 1,
        CASE
            WHEN s.stage = 'cooling' THEN 'open' WHEN s.stage = 'unknown' THEN 'submitted'
            WHEN {_HAS_LEFT} THEN 'closed' ELSE 'accepted'
        END,
        1, s.placed_at + interval '30 minutes',
        CASE WHEN s.stage IN ('cooling', 'unknown') THEN ''
            ELSE 'ord_' || md5('ord' || s.n || '.' || share) END,
        CASE WHEN s.stage IN ('making', 'late', 'partly') THEN 'in_production'
            WHEN {_HAS_LEFT} THEN 'complete' ELSE '' END,
        '{{}}', round(s.goods / 3, 2), s.currency, s.placed_at + interval '3 minutes',
        CASE WHEN s.stage NOT IN ('cooling', 'unknown')
            THEN s.placed_at + interval '31 minutes' END,
        CASE WHEN {_HAS_LEFT} THEN s.placed_at + interval '2 days' END
    {_SHARES}
    ORDER BY s.n
"""
ITEMS = """
    INSERT INTO fulfillment_item (
        id, merchant_id, fulfillment_order_id, line_id, position, sku, quantity, provider_sku,
        attributes, assets, units_shipped
    )
    SELECT
        l.id, l.merchant_id, f.id, l.id, l.position, l.sku, l.quantity, 'GLOBAL-' || l.sku, '{}',
        '[]', l.units_shipped
    FROM orders_line AS l
    JOIN fulfillment_order AS f
        ON f.id = l.order_id * 2 + CASE WHEN l.position = 2 THEN 1 ELSE 0 END
    ORDER BY l.id
"""
SHIPMENTS = """
    INSERT INTO fulfillment_shipment (
        id, merchant_id, mode, order_id, fulfillment_order_id, external_id, number, status,
        carrier, shipped_at, written_back_at
    )
    SELECT
        id, merchant_id, 'live', order_id, id, 'shp_' || id, share, 'shipped', 'DHL', ended_at,
        ended_at + interval '1 minute'
    FROM fulfillment_order
    WHERE status = 'closed'
    ORDER BY id
"""
SHIPMENT_ITEMS = """
    INSERT INTO fulfillment_shipment_item (
        id, merchant_id, shipment_id, fulfillment_item_id, line_id, quantity
    )
    SELECT i.id, i.merchant_id, i.fulfillment_order_id, i.id, i.line_id, i.quantity
    FROM fulfillment_item AS i
    JOIN fulfillment_shipment AS h ON h.id = i.fulfillment_order_id
    ORDER BY i.id
"""
PARCELS = """
    INSERT INTO fulfillment_parcel (
        id, merchant_id, mode, order_id, shipment_id, number, tracking_number, carrier, status,
        status_at, carrier_connection_id, tracker_external_id, tracked_at, promised_at,
        delivered_at, added_at
    )
    SELECT
        h.id, h.merchant_id, 'live', h.order_id, h.id, h.number, 'NP' || (880000000 + h.id), 'DHL',
        CASE
            WHEN s.r BETWEEN 112 AND 116 AND s.stage = 'done' THEN 'returned'
            WHEN s.stage = 'done' AND s.r BETWEEN 62 AND 111 THEN 'presumed_delivered'
            WHEN s.stage = 'done' THEN 'delivered'
            WHEN s.r BETWEEN 137 AND 141 THEN 'exception' ELSE 'in_transit'
        END,
        h.shipped_at + interval '3 days', m.carrier, 'trk_' || h.id, h.shipped_at,
        h.shipped_at + interval '7 days',
        CASE s.stage WHEN 'done' THEN h.shipped_at + interval '3 days' END, h.shipped_at
    FROM fulfillment_shipment AS h
    JOIN bench.sale AS s ON s.n = h.order_id
    JOIN bench.merchant AS m ON m.id = h.merchant_id
    ORDER BY h.id
"""
SCANS = """
    INSERT INTO fulfillment_tracking_entry (
        merchant_id, parcel_id, status, happened_at, message, city, country
    )
    SELECT
        p.merchant_id, p.id, told.status, p.added_at + step * interval '20 hours',
        'Sendung bearbeitet', 'Lübeck', 'DE'
    FROM fulfillment_parcel AS p
    CROSS JOIN unnest(ARRAY['pre_transit', 'in_transit', 'out_for_delivery', 'delivered'])
        WITH ORDINALITY AS told (status, step)
    WHERE step <= CASE WHEN p.status = 'delivered' THEN 4 ELSE 2 END
    ORDER BY p.id, step
"""
ATTEMPTS = """
    INSERT INTO attempts_attempt (
        merchant_id, mode, kind, connection_id, order_id, subject_kind, subject_id, reference,
        idempotency_key, status, calls, request, outcome, intended_at, called_at, unknown_since,
        ended_at, next_ask_at
    )
    SELECT
        f.merchant_id, 'live', kind,
        CASE kind WHEN 'submit' THEN f.connection_id ELSE s.storefront END, f.order_id,
        CASE kind WHEN 'submit' THEN 'fulfillment_order' ELSE 'shipment' END, f.id,
        kind || '-' || f.id || '-1', md5(kind || f.id),
        CASE WHEN f.status = 'submitted' THEN 'unknown' ELSE 'accepted' END, 1, '{}', '{}',
        f.planned_at, f.planned_at,
        CASE WHEN f.status = 'submitted' THEN f.submit_after END,
        CASE WHEN f.status <> 'submitted' THEN f.submit_after END,
        CASE WHEN f.status = 'submitted' THEN %(now)s + interval '1 day' END
    FROM fulfillment_order AS f
    JOIN bench.sale AS s ON s.n = f.order_id
    CROSS JOIN unnest(ARRAY['submit', 'write_back']) AS kind
    WHERE f.status <> 'open' AND (kind = 'submit' OR f.status = 'closed')
    ORDER BY f.id
"""
PROMISES = """
    INSERT INTO obligations_obligation (
        merchant_id, mode, kind, order_id, subject_kind, subject_id, opened_at, due_at, cause,
        "end", ended_at, ended_by, reason
    )
    SELECT
        f.merchant_id, 'live', kind, f.order_id, 'fulfillment_order', f.id, f.planned_at,
        f.submit_after + CASE kind WHEN 'submit' THEN interval '15 min' ELSE interval '4 days' END,
        '', CASE WHEN is_met THEN 'met' ELSE '' END,
        CASE WHEN is_met THEN CASE kind WHEN 'submit' THEN f.submit_after
            ELSE f.submit_after + interval '2 days' END END,
        CASE WHEN is_met THEN 'system' ELSE '' END, ''
    FROM fulfillment_order AS f
    CROSS JOIN unnest(ARRAY['submit', 'ship']) AS kind
    CROSS JOIN LATERAL (
        SELECT CASE kind WHEN 'submit' THEN f.accepted_at IS NOT NULL ELSE f.status = 'closed' END
    ) AS told (is_met)
    WHERE kind = 'submit' OR f.status IN ('accepted', 'closed')
    ORDER BY f.id
"""
MAILS = """
    INSERT INTO notifications_mail (
        merchant_id, mode, order_id, kind, fact, facts, status, language, recipient_sealed,
        reason, subject, html, text, message_id, esp_message_id, send_after, created_at, sent_at
    )
    SELECT
        s.merchant_id, 'live', s.n, kind, kind, ARRAY[kind], 'delivered', 'de', '', '',
        'Deine Bestellung ' || (100000 + s.k), '', '', '<' || md5(kind || s.n) || '@bench.example>',
        '',
        s.placed_at, s.placed_at, s.placed_at + interval '1 minute'
    FROM bench.sale AS s
    CROSS JOIN unnest(ARRAY['confirmation', 'shipped']) AS kind
    WHERE s.stage <> 'unpaid' AND (kind = 'confirmation' OR s.stage IN ('shipped', 'done'))
    ORDER BY s.n
"""
# Bodies are kept for thirty days.
MESSAGES = """
    INSERT INTO inbox_message (
        id, merchant_id, connection_id, mode, source, topic, headers, body, size, fingerprint,
        is_hint, received_at
    )
    SELECT
        s.n * 2 + part, s.merchant_id, CASE part WHEN 0 THEN s.storefront ELSE s.gateway END,
        'live', CASE WHEN s.r < 900 THEN 'webhook' ELSE 'poll' END,
        CASE part WHEN 0 THEN 'order.created' ELSE 'charge.succeeded' END, '{"host": "hub"}',
        CASE WHEN s.age < interval '30 days'
            THEN decode(repeat(md5(s.n::text || part), 40), 'hex') END,
        4096, decode(md5(s.n || '.' || part), 'hex'), false, s.placed_at + interval '2 seconds'
    FROM bench.sale AS s
    CROSS JOIN generate_series(0, 1) AS part
    ORDER BY s.n
"""
SEEN = """
    INSERT INTO inbox_seen (merchant_id, connection_id, dedupe_hash, message_id, seen_at, repeats)
    SELECT merchant_id, connection_id, fingerprint, id, received_at, 0
    FROM inbox_message
    ORDER BY id
"""
OUTCOMES = """
    INSERT INTO inbox_outcome (merchant_id, message_id, outcome, reason, order_id, at)
    SELECT
        m.merchant_id, m.id,
        CASE WHEN s.r = 500 AND m.id %% 2 = 1 THEN 'ignored' ELSE 'applied' END, '', s.n,
        m.received_at
    FROM inbox_message AS m
    JOIN bench.sale AS s ON s.n = m.id / 2
    WHERE NOT (s.age < interval '5 days' AND s.r BETWEEN 503 AND 508)
    ORDER BY m.id
"""
PARKED = """
    INSERT INTO inbox_work (merchant_id, message_id, lane, tries, is_parked, reason)
    SELECT m.merchant_id, m.id, 'live', 3, true, 'totals do not add up'
    FROM inbox_message AS m
    JOIN bench.sale AS s ON s.n = m.id / 2
    WHERE s.age < interval '5 days' AND s.r BETWEEN 503 AND 508 AND m.id %% 2 = 0
"""
LETTERS = """
    INSERT INTO deadletters_dead_letter (
        merchant_id, task, arguments, order_id, error, detail, fingerprint, tries, is_quarantined,
        buried_at, status, ended_by, reason
    )
    SELECT
        merchant_id, 'fulfillment.submit', '{}', n, 'UnexpectedResponse', '', 'unexpected', 12,
        false, placed_at, CASE WHEN age < interval '3 days' THEN 'waiting' ELSE 'discarded' END,
        '', ''
    FROM bench.sale
    WHERE r = 502
"""
# The journal of each order: eight kinds, as far as it has come.
JOURNAL = """
    INSERT INTO event (
        id, at, merchant_id, mode, name, order_id, subject_kind, subject_id, actor, cause, reason,
        data
    )
    SELECT
        s.n * 10 + step, s.placed_at + after, s.merchant_id, 'live', name, s.n,
        CASE WHEN step < 4 OR step = 9 THEN 'order' ELSE 'fulfillment_order' END,
        CASE WHEN step < 4 OR step = 9 THEN s.n ELSE s.n * 2 END, 'inbox', 'inbox:' || s.n * 2, '',
        data::jsonb
    FROM bench.sale AS s
    CROSS JOIN (VALUES
        (1, interval '2 seconds', 'order.imported', '{"number": "1"}', 0),
        (2, interval '1 minute', 'payment.captured', '{"amount": "12.5", "currency": "EUR"}', 1),
        (3, interval '2 minutes', 'order.released', '{"by": "paid"}', 1),
        (4, interval '3 minutes', 'fulfillment_order.planned', '{"provider": 1}', 2),
        (5, interval '31 minutes', 'fulfillment_order.submitted', '{"reference": "a"}', 3),
        (6, interval '31 minutes', 'fulfillment_order.accepted', '{"reference": "b"}', 3),
        (7, interval '2 days', 'shipment.recorded', '{"units": {}}', 4),
        (8, interval '2 days', 'notification.sent', '{"kind": "shipped"}', 4),
        (9, interval '5 days', 'order.closed', '{}', 5)
    ) AS told (step, after, name, data, from_stage)
    WHERE from_stage <= CASE s.stage
        WHEN 'unpaid' THEN 0 WHEN 'cancelled' THEN 1 WHEN 'held' THEN 1 WHEN 'cooling' THEN 2
        WHEN 'done' THEN 5 WHEN 'shipped' THEN 4 ELSE 3 END
    ORDER BY s.n, step
"""
CALLS = """
    INSERT INTO connections_call_record (
        merchant_id, connection_id, at, method, url, status_code, outcome, duration_ms, request_id,
        sent, answered, cause
    )
    SELECT
        merchant_id, connection_id, coalesce(called_at, intended_at), 'POST',
        'https://provider.example/v4.0/orders', 200, 'ok', 180, '', '{}', '{}', ''
    FROM attempts_attempt
    WHERE intended_at > %(now)s - interval '14 days'
    ORDER BY id
"""
ROLLUPS = """
    INSERT INTO monitoring_rollup (merchant_id, mode, name, hour, currency, amount)
    SELECT
        s.merchant_id, 'live', told.name, date_trunc('hour', s.placed_at + after, 'UTC'),
        CASE told.name WHEN 'captured' THEN s.currency ELSE '' END,
        CASE told.name WHEN 'captured' THEN sum(s.total) ELSE count(*) END
    FROM bench.sale AS s
    CROSS JOIN (VALUES
        ('orders_imported', interval '0'), ('orders_released', interval '2 minutes'),
        ('captured', interval '1 minute'), ('submissions_accepted', interval '31 minutes'),
        ('shipments', interval '2 days'), ('parcels_delivered', interval '5 days')
    ) AS told (name, after)
    WHERE s.age > after
    GROUP BY 1, 3, 4, 5
"""
STATEMENTS = {
    "decisions": DECISIONS,
    "shares": SHARES,
    "items": ITEMS,
    "shipments": SHIPMENTS,
    "shipment items": SHIPMENT_ITEMS,
    "parcels": PARCELS,
    "scans": SCANS,
    "attempts": ATTEMPTS,
    "promises": PROMISES,
    "mails": MAILS,
    "messages": MESSAGES,
    "seen": SEEN,
    "outcomes": OUTCOMES,
    "parked": PARKED,
    "dead letters": LETTERS,
    "journal": JOURNAL,
    "calls": CALLS,
    "rollups": ROLLUPS,
}
