"""Years of orders as SQL: what was sold, to whom, and how far each sale has come.

Every value follows from the number of the sale, so that two databases of one size are equal. The
business is the same at every size, a thousand orders a day over several merchants; only its past is
longer. What stands open today is therefore as much at 100,000 orders as at 1,000,000.
"""

# u(n, k) is the k-th random number of a sale, in [0, 1).
RANDOM = """
    CREATE FUNCTION bench.u(n bigint, k integer) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (hashint8extended(n, k) & 2147483647) / 2147483648.0
"""
# Merchants of unequal size; `low` and `high` are their part of all sales.
MERCHANTS = """
    CREATE UNLOGGED TABLE bench.merchant (
        id bigint, low double precision, high double precision, storefronts bigint[],
        gateway bigint, providers bigint[], carrier bigint, currency text, language text,
        first_customer bigint, customers bigint
    )
"""
# Lines of one to three SKUs; few SKUs sell most.
LINES = """
    CREATE UNLOGGED TABLE bench.line AS
    SELECT
        n * 4 + position AS id, n, position,
        1 + floor(2000 * power(bench.u(n * 4 + position, 1), 3))::int AS sku,
        (ARRAY[1, 1, 2, 3])[1 + floor(4 * bench.u(n * 4 + position, 2))::int] AS quantity
    FROM generate_series(1, %(orders)s::bigint) AS n,
        generate_series(0, floor(3 * bench.u(n, 3))::int) AS position
"""
SALES = """
    CREATE UNLOGGED TABLE bench.sale AS
    WITH drawn AS (
        SELECT
            n, m.id AS merchant_id, m.currency AS usual, m.storefronts, m.gateway,
            m.first_customer, m.customers,
            row_number() OVER (PARTITION BY m.id ORDER BY n) AS k,
            floor(1000 * bench.u(n, 5))::int AS r,
            %(now)s - (%(orders)s - n + bench.u(n, 6)) * interval '1 day' / %(per_day)s AS placed_at
        FROM generate_series(1, %(orders)s::bigint) AS n
        JOIN bench.merchant AS m ON bench.u(n, 4) >= m.low AND bench.u(n, 4) < m.high
    ), bought AS (
        SELECT
            n, count(*)::int AS lines, sum(quantity)::int AS units,
            sum(quantity) FILTER (WHERE position = 0)::int AS first_units,
            sum(quantity * (500 + sku * 37 %% 9000) / 100.0)::numeric(18, 4) AS goods
        FROM bench.line
        GROUP BY n
    )
    SELECT
        d.n, d.merchant_id, d.k, d.r, d.placed_at, b.lines, b.units, b.first_units, b.goods,
        b.goods + 4.9 AS total,
        d.storefronts[1 + floor(cardinality(d.storefronts) * bench.u(d.n, 7) * 0.999)::int]
            AS storefront,
        d.gateway,
        CASE WHEN d.r %% 25 = 0 THEN 'USD' WHEN d.r %% 40 = 1 THEN 'JPY' ELSE d.usual END
            AS currency,
        d.first_customer + d.k * 7919 %% d.customers AS customer,
        %(now)s - d.placed_at AS age,
        CASE
            WHEN d.r < 1 THEN 'unpaid'
            WHEN d.r < 10 AND %(now)s - d.placed_at < interval '20 days' THEN 'unpaid'
            WHEN d.r < 20 THEN 'cancelled'
            WHEN d.r < 30 AND %(now)s - d.placed_at < interval '3 days' THEN 'held'
            WHEN d.n %% 20000 = 7 THEN 'held'
            WHEN d.r < 32 AND %(now)s - d.placed_at < interval '1 day' THEN 'unknown'
            WHEN d.r BETWEEN 32 AND 41 AND %(now)s - d.placed_at
                BETWEEN interval '4 days' AND interval '14 days' THEN 'late'
            WHEN %(now)s - d.placed_at < interval '30 minutes' THEN 'cooling'
            WHEN %(now)s - d.placed_at < interval '2 days' THEN 'making'
            WHEN d.r BETWEEN 42 AND 61 AND b.lines > 1
                AND %(now)s - d.placed_at < interval '6 days' THEN 'partly'
            WHEN %(now)s - d.placed_at < interval '6 days' THEN 'shipped'
            ELSE 'done'
        END AS stage
    FROM drawn AS d
    JOIN bought AS b USING (n)
"""
SALES_KEY = "ALTER TABLE bench.sale ADD PRIMARY KEY (n)"
CUSTOMERS = """
    INSERT INTO customers_customer (
        id, merchant_id, identity, email_sealed, email_hash, name, phone, company, language,
        first_seen_at
    )
    SELECT
        c.id, c.merchant_id, 'email:' || c.email_hash, c.email_sealed, c.email_hash, c.name,
        '+49 171 555 ' || lpad((c.id %% 10000)::text, 4, '0'), '', m.language,
        %(now)s - interval '1 day' * bench.u(c.id, 9) * 700
    FROM bench.customer AS c
    JOIN bench.merchant AS m ON m.id = c.merchant_id
    ORDER BY c.id
"""
# One address each; IS and KW are rare, so that a filter for them has to look far.
ADDRESSES = """
    INSERT INTO customers_postal_address (
        id, merchant_id, content_hash, name, line1, postal_code, city, country
    )
    SELECT
        c.id, c.merchant_id, md5(c.id::text), c.name,
        'Große Möwengasse ' || (1 + c.id %% 190), lpad((c.id %% 99999)::text, 5, '0'),
        (ARRAY['Lübeck', 'Kraków', 'São Paulo', '東京', 'Malmö', 'Zürich', 'الكويت'])
            [1 + c.id %% 7],
        CASE
            WHEN u < 0.45 THEN 'DE' WHEN u < 0.62 THEN 'AT' WHEN u < 0.76 THEN 'FR'
            WHEN u < 0.87 THEN 'GB' WHEN u < 0.95 THEN 'US' WHEN u < 0.999 THEN 'JP'
            WHEN u < 0.9995 THEN 'KW' ELSE 'IS'
        END
    FROM (SELECT *, bench.u(id, 10) AS u FROM bench.customer) AS c
    ORDER BY c.id
"""
ORDERS = """
    INSERT INTO orders_order (
        id, merchant_id, mode, account, external_id, connection_id, number, reference, placed_at,
        first_seen_at, updated_at, source_state, source_status, source_version, source_hash,
        source_read_at, source_message_id, source_cancelled_at, currency, total_lines,
        total_discount, total_shipping, total_fees, total_tax, total, computed_total, customer_id,
        address_id, typed_address_id, billing_address_id, shipping_title, payment_word,
        payment_method, payment_title, transaction_ids, lines_key, discounts, fees, released_at,
        released_by, units_ordered, units_cancelled, units_shipped, units_delivered,
        units_presumed, units_returned, amount_due, amount_captured, amount_refunded, open_holds
    )
    SELECT
        s.n, s.merchant_id, 'live', c.account, (100000 + s.k)::text, s.storefront,
        (100000 + s.k)::text, upper(substr(md5(s.n::text), 1, 16)), s.placed_at,
        s.placed_at + interval '2 seconds', s.placed_at + interval '5 days',
        CASE s.stage WHEN 'unpaid' THEN 'pending' WHEN 'cancelled' THEN 'cancelled'
            WHEN 'done' THEN 'completed' ELSE 'processing' END,
        CASE s.stage WHEN 'unpaid' THEN 'pending' WHEN 'cancelled' THEN 'cancelled'
            WHEN 'done' THEN 'completed' ELSE 'processing' END,
        1, md5(s.n::text), s.placed_at, s.n * 2,
        CASE s.stage WHEN 'cancelled' THEN s.placed_at + interval '1 day' END,
        s.currency, s.goods, 0, 4.9, 0, 0, s.total, s.total, s.customer, s.customer, s.customer,
        s.customer, 'Versand versichert',
        CASE s.stage WHEN 'unpaid' THEN 'unpaid' ELSE 'paid' END, 'card', 'Karte',
        ARRAY['pi_' || md5('pi' || s.n)], substr(md5(s.n::text), 1, 16), '[]', '[]',
        CASE WHEN s.stage <> 'unpaid' THEN s.placed_at + interval '2 minutes' END,
        CASE WHEN s.stage <> 'unpaid' THEN 'paid' ELSE '' END,
        s.units, CASE s.stage WHEN 'cancelled' THEN s.units ELSE 0 END,
        CASE WHEN s.stage IN ('shipped', 'done') THEN s.units
            WHEN s.stage = 'partly' THEN s.units - s.first_units ELSE 0 END,
        CASE s.stage WHEN 'done' THEN s.units ELSE 0 END,
        CASE WHEN s.stage = 'done' AND s.r BETWEEN 62 AND 111 THEN s.units ELSE 0 END,
        CASE WHEN s.stage = 'done' AND s.r BETWEEN 112 AND 116 THEN s.units ELSE 0 END,
        s.total, CASE WHEN s.stage = 'unpaid' THEN 0 ELSE s.total END,
        CASE WHEN s.stage = 'cancelled' THEN s.total
            WHEN s.stage = 'done' AND s.r BETWEEN 117 AND 136 THEN round(s.total / 5, 2)
            ELSE 0 END,
        CASE WHEN s.stage = 'held' THEN 1 ELSE 0 END
    FROM bench.sale AS s
    JOIN connections_connection AS c ON c.id = s.storefront
    ORDER BY s.n
"""
ORDER_LINES = """
    INSERT INTO orders_line (
        id, merchant_id, order_id, external_id, position, sku, title, quantity, unit_price, total,
        is_shippable, properties, units_cancelled, units_planned, units_shipped, units_delivered,
        units_returned
    )
    SELECT
        l.id, s.merchant_id, l.n, l.position::text, l.position, 'PRT-' || lpad(l.sku::text, 4, '0'),
        'Leuchtturm bei Nacht 🌊 Nr. ' || l.sku, l.quantity, (500 + l.sku * 37 %% 9000) / 100.0,
        l.quantity * (500 + l.sku * 37 %% 9000) / 100.0, true, '[]',
        CASE s.stage WHEN 'cancelled' THEN l.quantity ELSE 0 END,
        CASE WHEN s.stage IN ('unpaid', 'cancelled', 'held') THEN 0 ELSE l.quantity END,
        CASE WHEN s.stage IN ('shipped', 'done') OR (s.stage = 'partly' AND l.position > 0)
            THEN l.quantity ELSE 0 END,
        CASE s.stage WHEN 'done' THEN l.quantity ELSE 0 END,
        CASE WHEN s.stage = 'done' AND s.r BETWEEN 112 AND 116 THEN l.quantity ELSE 0 END
    FROM bench.line AS l
    JOIN bench.sale AS s USING (n)
    ORDER BY l.id
"""
PAYMENTS = """
    INSERT INTO payments_entry (
        merchant_id, mode, account, connection_id, order_id, kind, external_id,
        payment_external_id, amount, currency, method, card_last4, match_ids, refunded_lines,
        is_from_gateway, happened_at
    )
    SELECT
        s.merchant_id, 'live', c.account, s.gateway, s.n, kind, kind || md5(kind || s.n),
        'pi_' || md5('pi' || s.n),
        CASE WHEN kind = 'captured' OR s.stage = 'cancelled' THEN s.total
            ELSE round(s.total / 5, 2) END,
        s.currency, 'card', '4242', '{}', '[]', true,
        s.placed_at + CASE kind WHEN 'captured' THEN interval '1 minute' ELSE interval '1 day' END
    FROM bench.sale AS s
    JOIN connections_connection AS c ON c.id = s.gateway
    CROSS JOIN unnest(ARRAY['captured', 'refunded']) AS kind
    WHERE s.stage <> 'unpaid'
        AND (kind = 'captured' OR s.stage = 'cancelled'
            OR (s.stage = 'done' AND s.r BETWEEN 117 AND 136))
    ORDER BY s.n
"""
HOLDS = """
    INSERT INTO orders_hold (
        merchant_id, order_id, kind, about, reason, data, opened_at, opened_by, lifted_at,
        lifted_by, lift_reason
    )
    SELECT
        s.merchant_id, s.n, kind,
        CASE kind WHEN 'unmapped_sku' THEN 'PRT-' || lpad((s.n %% 12)::text, 4, '0') ELSE '' END,
        CASE kind WHEN 'unmapped_sku' THEN 'the SKU is mapped to nothing'
            ELSE 'the provider refuses the address' END,
        '{}', s.placed_at + interval '1 minute', 'system',
        CASE WHEN s.stage <> 'held' THEN s.placed_at + interval '3 hours' END,
        CASE WHEN s.stage <> 'held' THEN 'system' ELSE '' END, ''
    FROM bench.sale AS s
    CROSS JOIN LATERAL (
        SELECT CASE WHEN s.n %% 3 = 0 THEN 'address_refused' ELSE 'unmapped_sku' END
    ) AS drawn (kind)
    WHERE s.stage = 'held' OR s.r BETWEEN 20 AND 29
    ORDER BY s.n
"""
NOTES = """
    INSERT INTO orders_note (merchant_id, order_id, author, text, written_at)
    SELECT merchant_id, n, 'system', 'Called. It is a birthday present 🎂', placed_at
    FROM bench.sale
    WHERE r BETWEEN 150 AND 159
"""
TAGS = """
    INSERT INTO orders_tag (merchant_id, order_id, word)
    SELECT merchant_id, n, CASE WHEN n %% 5000 = 3 THEN 'wedding 💍' ELSE 'gift 🎁' END
    FROM bench.sale
    WHERE r BETWEEN 150 AND 169 OR n %% 5000 = 3
"""
TERMS = """
    INSERT INTO search_term (merchant_id, term, kind, object_id, mode)
    SELECT DISTINCT
        s.merchant_id, word, CASE WHEN word ~ '[0-9]' THEN 'order' ELSE 'name' END, s.n, 'live'
    FROM bench.sale AS s
    JOIN bench.customer AS c ON c.id = s.customer
    CROSS JOIN LATERAL unnest(ARRAY[
        (100000 + s.k)::text, c.email_hash, 'pi_' || md5('pi' || s.n), lower(c.name),
        lower(split_part(c.name, ' ', 1)), lower(split_part(c.name, ' ', 2))
    ]) AS word
"""
STATEMENTS = {
    "customers": CUSTOMERS,
    "addresses": ADDRESSES,
    "orders": ORDERS,
    "lines": ORDER_LINES,
    "payments": PAYMENTS,
    "holds": HOLDS,
    "notes": NOTES,
    "tags": TAGS,
    "search terms": TERMS,
}
