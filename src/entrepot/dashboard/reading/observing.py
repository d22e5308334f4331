"""What a connection would do if it were live: counts of what would be sent, mailed and written."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from entrepot.canon.money import Money
from entrepot.connect.registry import platform
from entrepot.connections.models import Connection
from entrepot.dashboard.reading.amounts import listed_sums
from entrepot.dashboard.wording import count_words, listed, plain
from entrepot.database import sql
from entrepot.notifications import queries as notifications
from entrepot.notifications.states import Sender
from entrepot.orders.policy import COOLING_OFF_SECONDS

SHOWN = 8
NOT_MAPPED = "SKU not mapped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """One order that was seen, and what would happen to it."""

    order_id: int
    number: str
    customer: str
    country: str
    total: Money
    cost: Money | None
    words: str
    is_held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a storefront would cause. `holds` is (why, how many); `spend` is by currency."""

    since: datetime
    seen: int
    history: int
    submits: int
    held: int
    waits: int
    mails: int
    mail_kinds: str
    write_backs: int
    spend: list[Money]
    revenue: list[Money]
    providers: str
    holds: list[tuple[str, int]]
    orders: list[Forecast]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """An order as the preview judges it."""

    id: int
    number: str
    total: Decimal
    currency: str
    is_released: bool
    is_cancelled: bool
    open_holds: int
    unmapped: int
    first_sku: str
    sent: int
    providers: list[int]
    cost: Decimal | None
    cost_currency: str
    is_costed: bool
    customer: str
    country: str
    hold: str

    @property
    def is_held(self) -> bool:
        return not self.is_cancelled and bool(self.unmapped or self.open_holds)

    @property
    def is_ready(self) -> bool:
        return self.is_released and self.sent > 0 and not (self.is_held or self.is_cancelled)

    @property
    def spend(self) -> Money | None:
        if self.cost is None or not self.is_costed:
            return None
        return Money(self.cost, self.cost_currency)


# By orders_connection. An order would be released when it is paid, has nothing to pay, is on terms,
# or the source's word releases it; it would be held for a line that nobody has mapped.
_SEEN = """
    WITH seen AS (
        SELECT
            o.id, o.number, o.placed_at, o.total, o.currency, o.customer_id, o.address_id,
            o.open_holds,
            o.payment_status IN ('paid', 'not_required', 'partially_refunded')
                OR o.payment_method = ANY (%(terms)s)
                OR o.source_status = ANY (%(states)s) AS is_released,
            o.status = 'cancelled' AS is_cancelled
        FROM orders_order AS o
        WHERE o.connection_id = %(connection)s AND o.placed_at >= %(since)s
    ), lines AS (
        SELECT
            l.order_id,
            count(*) FILTER (WHERE m.id IS NULL AND coalesce(l.is_shippable, true)) AS unmapped,
            min(l.sku) FILTER (WHERE m.id IS NULL AND coalesce(l.is_shippable, true)) AS first_sku,
            count(*) FILTER (WHERE m.kind IN ('provider', 'by_hand', 'kit')) AS sent,
            array_agg(DISTINCT m.provider_connection_id)
                FILTER (WHERE m.provider_connection_id IS NOT NULL) AS providers,
            sum(m.unit_cost * l.quantity) AS cost,
            min(m.cost_currency) AS cost_currency,
            bool_and(m.unit_cost IS NOT NULL) FILTER (WHERE m.kind = 'provider')
                AND count(DISTINCT nullif(m.cost_currency, '')) = 1 AS is_costed
        FROM orders_line AS l
        JOIN seen ON seen.id = l.order_id
        LEFT JOIN catalog_mapping AS m ON m.sku = l.sku
        WHERE l.quantity > l.units_cancelled
        GROUP BY l.order_id
    )
    SELECT
        seen.id, seen.number, seen.total, seen.currency, seen.is_released, seen.is_cancelled,
        seen.open_holds, coalesce(lines.unmapped, 0) AS unmapped,
        coalesce(lines.first_sku, '') AS first_sku, coalesce(lines.sent, 0) AS sent,
        coalesce(lines.providers, '{}') AS providers, lines.cost,
        coalesce(lines.cost_currency, '') AS cost_currency,
        coalesce(lines.is_costed, false) AS is_costed,
        coalesce(c.name, '') AS customer, coalesce(a.country, '') AS country,
        coalesce((
            SELECT h.reason
            FROM orders_hold AS h
            WHERE h.order_id = seen.id AND h.lifted_at IS NULL
            ORDER BY h.id
            LIMIT 1
        ), '') AS hold
    FROM seen
    LEFT JOIN lines ON lines.order_id = seen.id
    LEFT JOIN customers_customer AS c ON c.id = seen.customer_id
    LEFT JOIN customers_postal_address AS a ON a.id = seen.address_id
    ORDER BY seen.placed_at DESC, seen.id DESC
    LIMIT 2000
"""
_OLDER = """
    SELECT count(*)
    FROM (
        SELECT
        FROM orders_order
        WHERE connection_id = %(connection)s AND placed_at < %(since)s
        LIMIT 10000
    ) AS older
"""


def preview(connection: Connection, names: dict[int, str]) -> Preview:
    """What the orders seen since the connection was added would have caused; at most 2,000."""
    since = connection.created_at
    asked = {
        "connection": connection.id,
        "since": since,
        "terms": list(connection.policy.get("terms_methods", ())),
        "states": list(connection.policy.get("release_states", ())),
    }
    rows = [_Seen(**row) for row in sql.fetch_dicts(_SEEN, asked)]
    held = [row for row in rows if row.is_held]
    ready = [row for row in rows if row.is_ready]
    reasons = Counter(NOT_MAPPED if row.unmapped else row.hold for row in held)
    kinds = [
        plain(one.kind) for one in notifications.senders(connection) if one.sender == Sender.HUB
    ]
    providers = sorted({names[one] for row in ready for one in row.providers if one in names})
    can_write = platform(connection.platform).manifest.can("write_back")
    return Preview(
        since=since,
        seen=len(rows),
        history=int(sql.fetch_value(_OLDER, asked)),
        submits=len(ready),
        held=len(held),
        waits=len(rows) - len(held) - len(ready),
        mails=len(ready) if kinds else 0,
        mail_kinds=listed(kinds) if kinds else "nothing: the shop tells",
        write_backs=len(ready) if can_write else 0,
        spend=listed_sums((row.spend.currency, row.spend.amount) for row in ready if row.spend),
        revenue=listed_sums((row.currency, row.total) for row in ready),
        providers=listed(providers),
        holds=reasons.most_common(4),
        orders=[_forecast(row, connection, names) for row in rows[:SHOWN]],
    )


def _forecast(row: _Seen, connection: Connection, names: dict[int, str]) -> Forecast:
    return Forecast(
        order_id=row.id,
        number=row.number,
        customer=row.customer,
        country=row.country,
        total=Money(row.total, row.currency),
        cost=row.spend,
        words=_words(row, connection, names),
        is_held=row.is_held,
    )


def _words(row: _Seen, connection: Connection, names: dict[int, str]) -> str:
    if row.is_cancelled:
        return "Nothing: it is cancelled"
    if row.unmapped:
        others = f" and {count_words(row.unmapped - 1, 'more line')}" if row.unmapped > 1 else ""
        return f"Hold: SKU {row.first_sku or 'without a name'} is not mapped{others}"
    if row.open_holds:
        return f"Hold: {row.hold}"
    if not row.is_released:
        return "Wait for its payment"
    if not row.sent:
        return "Nothing to ship"
    where = listed([names[one] for one in row.providers if one in names]) or "the pick list"
    minutes = int(connection.policy.get("cooling_off_seconds", COOLING_OFF_SECONDS)) // 60
    return f"Submit to {where} after {minutes} min, mail when shipped, write back"


# What waits for a provider or a gateway that does nothing yet.
_WAITING = """
    SELECT count(*)
    FROM fulfillment_order
    WHERE connection_id = %(connection)s AND status = 'open' AND submit_after <= now()
"""


def waiting_submissions(connection: Connection) -> int:
    """Shares that would be submitted to this provider at once."""
    return int(sql.fetch_value(_WAITING, {"connection": connection.id}))
