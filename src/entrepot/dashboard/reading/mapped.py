"""What SKUs become: those that nobody has mapped and how many orders wait, then all mappings."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from entrepot.canon.money import Money
from entrepot.catalog.models import Asset, ShippingMap
from entrepot.catalog.models import Mapping as SkuMapping
from entrepot.catalog.states import AssetStatus, MappingKind
from entrepot.dashboard.reading.amounts import listed_sums
from entrepot.dashboard.reading.connections import names
from entrepot.dashboard.wording import Chip
from entrepot.database import sql

PAGE = 50
KIND = {
    MappingKind.PROVIDER: "Provider’s product",
    MappingKind.KIT: "Kit",
    MappingKind.BY_HAND: "By hand",
    MappingKind.ELSEWHERE: "Elsewhere",
    MappingKind.NOTHING: "Nothing to ship",
}
ASSET = {
    AssetStatus.WAITING: Chip("info", "clock", "Not copied yet"),
    AssetStatus.READY: Chip("good", "check", "Copied"),
    AssetStatus.UNREACHABLE: Chip("bad", "stop", "Unreachable"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A SKU without a mapping: how many orders wait for it, worth how much, and what it is."""

    sku: str
    title: str
    orders: int
    amounts: list[Money]


@dataclass(frozen=True, slots=True, kw_only=True)
class Art:
    """The print file of one area: a link with the state of its copy, or a line's own property."""

    area: str
    url: str
    line_property: str
    chip: Chip | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """One mapping as the list shows it."""

    sku: str
    kind: str
    word: str
    provider_id: int | None
    provider: str
    provider_sku: str
    sizing: str
    attributes: dict[str, str]
    cost: Money | None
    bin: str
    art: list[Art]
    parts: dict[str, int]
    version: int

    @property
    def attribute_words(self) -> str:
        """Attributes as they are typed: "color=black; wrap=white"."""
        return "; ".join(f"{name}={value}" for name, value in self.attributes.items())

    @property
    def part_words(self) -> str:
        """Parts as they are typed: "2 × MUG; 1 × TEA"."""
        return "; ".join(f"{quantity} × {sku}" for sku, quantity in self.parts.items())


# By orders_hold_open.
_MISSING = """
    SELECT
        h.about AS sku,
        o.currency,
        count(DISTINCT o.id) AS orders,
        sum(o.total) AS total,
        max(l.title) AS title
    FROM orders_hold AS h
    JOIN orders_order AS o ON o.id = h.order_id
    LEFT JOIN LATERAL (
        SELECT title
        FROM orders_line
        WHERE orders_line.order_id = o.id AND orders_line.sku = h.about
        LIMIT 1
    ) AS l ON true
    WHERE h.lifted_at IS NULL AND h.kind = 'unmapped_sku' AND o.mode = %(mode)s
    GROUP BY h.about, o.currency
"""


def missing(mode: str) -> list[Missing]:
    """SKUs that hold orders because nobody has said what they become, the most wanted first."""
    by_sku: dict[str, list[tuple[str, int, Decimal, str]]] = defaultdict(list)
    for sku, currency, orders, total, title in sql.fetch(_MISSING, {"mode": mode}):
        by_sku[sku].append((currency, orders, total, title or ""))
    found = [
        Missing(
            sku=sku,
            title=next((title for _, _, _, title in rows if title), ""),
            orders=sum(orders for _, orders, _, _ in rows),
            amounts=listed_sums((currency, total) for currency, _, total, _ in rows),
        )
        for sku, rows in by_sku.items()
    ]
    return sorted(found, key=lambda one: (-one.orders, one.sku))


def mappings(*, search: str = "", after: str = "", limit: int = PAGE) -> list[Mapped]:
    """Mappings by SKU; the next page begins after the last one's. `search` is how the SKU begins.

    By catalog_mapping_key: a prefix is a range of it, so that row-level security keeps the index.
    """
    rows = SkuMapping.objects.order_by("sku")
    if search:
        rows = rows.filter(sku__gte=search, sku__lt=search + "\U0010ffff")
    if after:
        rows = rows.filter(sku__gt=after)
    return _mapped(list(rows.prefetch_related("parts", "assets")[:limit]))


def mapping_of(sku: str) -> Mapped | None:
    """The mapping of a SKU; None for one that has none."""
    rows = SkuMapping.objects.filter(sku=sku).prefetch_related("parts", "assets")
    return next(iter(_mapped(list(rows))), None)


def _mapped(rows: Sequence[SkuMapping]) -> list[Mapped]:
    known = names()
    assets = Asset.objects.in_bulk(
        {one.asset_id for row in rows for one in row.assets.all() if one.asset_id}
    )
    return [
        Mapped(
            sku=row.sku,
            kind=row.kind,
            word=KIND[MappingKind(row.kind)],
            provider_id=row.provider_connection_id,
            provider=known.get(row.provider_connection_id or 0, ""),
            provider_sku=row.provider_sku,
            sizing=row.sizing,
            attributes={str(name): str(value) for name, value in row.attributes.items()},
            cost=Money(row.unit_cost, row.cost_currency)
            if row.unit_cost is not None and row.cost_currency
            else None,
            bin=row.bin,
            art=[
                Art(
                    area=one.print_area,
                    url=assets[one.asset_id].url if one.asset_id in assets else "",
                    line_property=one.line_property,
                    chip=ASSET[AssetStatus(assets[one.asset_id].status)]
                    if one.asset_id in assets
                    else None,
                )
                for one in row.assets.all()
            ],
            parts={part.sku: part.quantity for part in row.parts.all()},
            version=row.version,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A shipping method of a storefront and what it is called at a provider; empty: nobody said."""

    storefront_id: int
    storefront: str
    provider_id: int
    provider: str
    code: str
    title: str
    provider_method: str
    orders: int


# By orders_hold_open. The hold's data names the storefront, the provider and the method.
_MISSING_METHODS = """
    SELECT
        (h.data ->> 'storefront_id')::bigint,
        (h.data ->> 'provider_connection_id')::bigint,
        h.data ->> 'method_code',
        max(o.shipping_title),
        count(DISTINCT o.id)
    FROM orders_hold AS h
    JOIN orders_order AS o ON o.id = h.order_id
    WHERE h.lifted_at IS NULL AND h.kind = 'shipping_unmapped' AND o.mode = %(mode)s
    GROUP BY 1, 2, 3
    ORDER BY 5 DESC
"""


def methods(mode: str) -> list[Method]:
    """Shipping methods: those that orders wait for first, then all that were mapped."""
    known = names()
    waiting = [
        Method(
            storefront_id=storefront_id,
            storefront=known.get(storefront_id, ""),
            provider_id=provider_id,
            provider=known.get(provider_id, ""),
            code=code,
            title=title,
            provider_method="",
            orders=orders,
        )
        for storefront_id, provider_id, code, title, orders in sql.fetch(
            _MISSING_METHODS, {"mode": mode}
        )
    ]
    rows = ShippingMap.objects.order_by("storefront_id", "provider_connection_id", "method_code")
    mapped = [
        Method(
            storefront_id=row.storefront_id,
            storefront=known.get(row.storefront_id, ""),
            provider_id=row.provider_connection_id,
            provider=known.get(row.provider_connection_id, ""),
            code=row.method_code,
            title="",
            provider_method=row.provider_method,
            orders=0,
        )
        for row in rows[:500]
    ]
    return [*waiting, *mapped]
