"""Decides where the units of an order go, and keeps the decision with its reasons."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from entrepot.catalog import artwork
from entrepot.catalog import queries as catalog
from entrepot.catalog.models import Asset
from entrepot.catalog.models import Mapping as SkuMapping
from entrepot.catalog.states import AssetStatus, MappingKind
from entrepot.orders.models import Line, Order
from entrepot.routing.models import RoutingDecision
from entrepot.routing.plan import (
    Look,
    Mapped,
    MappedAsset,
    Need,
    Plan,
    Planned,
    PrintFile,
    links_of,
    plan,
)

KIT_DEPTH = 5  # kits of kits of kits: deeper is a mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One order's plan, and the row that keeps it with its reasons."""

    order: Order
    lines: Sequence[Line]
    plan: Plan
    decision: RoutingDecision


def decide(
    merchant_id: int,
    sales: Sequence[tuple[Order, Sequence[Line]]],
    *,
    planned: Mapping[int, Sequence[Planned]],
) -> list[Decided]:
    """Plan the units of locked orders that have no share yet, and record the plans.

    `planned` is what live shares hold, by line. Runs inside the open scope; makes no fulfillment
    orders, that is fulfillment's part.
    """
    needs = _needs(merchant_id, sales, planned)
    everything = [need for group in needs for need in group]
    mapped = _mapped(merchant_id, {need.sku for need in everything})
    look = _look_at(merchant_id, everything, mapped)
    plans = [plan(group, mapped, look=look) for group in needs]
    decisions = RoutingDecision.objects.bulk_create(
        RoutingDecision(
            merchant_id=merchant_id,
            order_id=order.id,
            order_version=order.source_version,
            choices=_choices(outcome),
        )
        for (order, _), outcome in zip(sales, plans, strict=True)
    )
    return [
        Decided(order=order, lines=lines, plan=outcome, decision=decision)
        for (order, lines), outcome, decision in zip(sales, plans, decisions, strict=True)
    ]


def _choices(outcome: Plan) -> list[dict[str, Any]]:
    return [
        *(
            {
                "share": {
                    "connection_id": share.connection_id,
                    "is_by_hand": share.is_by_hand,
                    "items": [
                        {
                            "line_id": item.line_id,
                            "sku": item.sku,
                            "quantity": item.quantity,
                            "provider_sku": item.mapped.provider_sku,
                        }
                        for item in share.items
                    ],
                },
                "candidates": [share.connection_id],
                "reason": share.reason,
            }
            for share in outcome.shares
        ),
        *(
            {"stop": stop.kind, "about": stop.about, "reason": stop.reason}
            for stop in outcome.stops
        ),
        *({"nothing": line_id, "units": units} for line_id, units in outcome.nothing.items()),
        *({"elsewhere": line_id, "units": units} for line_id, units in outcome.elsewhere.items()),
    ]


def artwork_to_copy(merchant_id: int, order_ids: Sequence[int]) -> list[int]:
    """The print files that lines of orders need and nobody has tried to copy; in the open scope.

    Links are looked at here for the first time where the customer's own file is printed.
    """
    if not artwork.may_be_missing(merchant_id):
        return []
    lines: dict[int, list[Line]] = {order_id: [] for order_id in order_ids}
    for line in Line.objects.filter(order_id__in=order_ids):
        lines[line.order_id].append(line)
    sales = [(order, lines[order.id]) for order in Order.objects.filter(id__in=order_ids)]
    needs = [need for group in _needs(merchant_id, sales, {}) for need in group]
    mapped = _mapped(merchant_id, {need.sku for need in needs})
    assets = artwork.assets_of(merchant_id, _links(needs, mapped)).values()
    return sorted(asset.id for asset in assets if asset.status == AssetStatus.WAITING)


def _look_at(merchant_id: int, needs: Sequence[Need], mappings: Mapping[str, Mapped]) -> Look:
    """What is known of the print files behind links, all read at once."""
    assets = artwork.assets_of(merchant_id, _links(needs, mappings))

    def look(url: str, link: MappedAsset) -> PrintFile:
        asset = assets.get(url)
        if asset is None:
            return PrintFile(problem="is no link")
        problem = artwork.problem_of(
            asset, min_width_px=link.min_width_px, min_height_px=link.min_height_px
        )
        is_here = asset.status == AssetStatus.READY
        return PrintFile(asset_id=asset.id, is_here=is_here, md5=asset.md5, problem=problem)

    return look


def _links(needs: Sequence[Need], mappings: Mapping[str, Mapped]) -> set[str]:
    """Every link that these lines may need, those of the parts of kits among them."""
    with_files = [mapped for mapped in mappings.values() if mapped.assets]
    links = {
        url for need in needs for mapped in with_files for url in links_of(need, mapped).values()
    }
    return links - {""}


def _needs(
    merchant_id: int,
    sales: Sequence[tuple[Order, Sequence[Line]]],
    planned: Mapping[int, Sequence[Planned]],
) -> list[list[Need]]:
    """What each order needs, in the order given; asks the catalogue once for all of them."""
    said = _shippable_of(merchant_id, sales)
    return [
        [
            Need(
                line_id=line.id,
                sku=line.sku,
                title=line.title,
                units=line.units_to_send,
                is_shippable=line.is_shippable
                if line.is_shippable is not None
                else said.get((order.connection_id, _sold_as(line))),
                properties=tuple((name, value) for name, value in line.properties),
                planned=tuple(planned.get(line.id, ())),
            )
            for line in lines
            if line.units_open > 0
        ]
        for order, lines in sales
    ]


def _shippable_of(
    merchant_id: int, sales: Sequence[tuple[Order, Sequence[Line]]]
) -> dict[tuple[int, str], bool | None]:
    """What catalogues say of the open lines whose sale does not say it."""
    unsaid = {
        (order.connection_id, _sold_as(line))
        for order, lines in sales
        for line in lines
        if line.units_open > 0 and line.is_shippable is None
    }
    return catalog.shippable_of(merchant_id, unsaid) if unsaid else {}


def _sold_as(line: Line) -> str:
    return line.variant_external_id or line.product_external_id


def _mapped(merchant_id: int, skus: Collection[str]) -> dict[str, Mapped]:
    """Mappings of SKUs and, level by level, of the parts of kits among them."""
    found: dict[str, SkuMapping] = {}
    wanted = set(skus)
    for _ in range(KIT_DEPTH):
        level = catalog.mappings_of(merchant_id, wanted)
        found.update(level)
        wanted = {
            part.sku
            for row in level.values()
            if row.kind == MappingKind.KIT
            for part in row.parts.all()
        } - set(found)
        if not wanted:
            break
    urls = _urls(found.values())
    return {sku: _value(row, urls) for sku, row in found.items()}


def _urls(rows: Iterable[SkuMapping]) -> dict[int, str]:
    ids = {link.asset_id for row in rows for link in row.assets.all() if link.asset_id is not None}
    return dict(Asset.objects.filter(id__in=ids).values_list("id", "url")) if ids else {}


def _value(row: SkuMapping, urls: Mapping[int, str]) -> Mapped:
    return Mapped(
        kind=row.kind,
        provider_connection_id=row.provider_connection_id,
        provider_sku=row.provider_sku,
        attributes=tuple(sorted(row.attributes.items())),
        sizing=row.sizing,
        bin=row.bin,
        assets=tuple(
            MappedAsset(
                print_area=link.print_area,
                url=urls.get(link.asset_id or 0, ""),
                line_property=link.line_property,
                min_width_px=link.min_width_px,
                min_height_px=link.min_height_px,
            )
            for link in sorted(row.assets.all(), key=lambda link: link.print_area)
        ),
        parts=tuple(sorted((part.sku, part.quantity) for part in row.parts.all())),
    )
