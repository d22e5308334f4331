"""Keeps products as storefronts list them, and what people say each SKU becomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from entrepot.access import scope
from entrepot.canon.catalog import ProductSnapshot
from entrepot.catalog.models import (
    Asset,
    KitPart,
    MappingAsset,
    Product,
    ShippingMap,
    Variant,
)
from entrepot.catalog.models import Mapping as SkuMapping
from entrepot.catalog.states import MappingKind
from entrepot.database import clock
from entrepot.events import outbox


class BadMapping(Exception):
    """A mapping cannot be saved; the message says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artwork:
    """The print file of one print area: a link, or the line property that holds one."""

    print_area: str = "default"
    url: str = ""
    line_property: str = ""
    min_width_px: int | None = None
    min_height_px: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingWish:
    """What a SKU should become. `parts` is SKU -> quantity, for kits."""

    kind: str
    provider_connection_id: int | None = None
    provider_sku: str = ""
    attributes: Mapping[str, str] | None = None
    sizing: str = ""
    unit_cost: Decimal | None = None
    cost_currency: str = ""
    bin: str = ""
    artwork: Sequence[Artwork] = ()
    parts: Mapping[str, int] | None = None


def apply_products(
    merchant_id: int, connection_id: int, *, snapshots: Sequence[ProductSnapshot]
) -> None:
    """Keep the newest version of products and their variants; inside the open scope."""
    for snapshot in sorted(snapshots, key=lambda s: (s.external_id, s.version)):
        product, is_new = Product.objects.select_for_update().get_or_create(
            merchant_id=merchant_id,
            connection_id=connection_id,
            external_id=snapshot.external_id,
            defaults={"title": snapshot.title, "version": snapshot.version},
        )
        if not is_new and product.version > snapshot.version:
            continue
        product.title = snapshot.title
        product.version = snapshot.version
        product.is_published = snapshot.is_published
        product.image_url = snapshot.image_url
        product.deleted_at = None
        product.updated_at = clock.now()
        product.save()
        Variant.objects.bulk_create(
            [
                Variant(
                    merchant_id=merchant_id,
                    product=product,
                    connection_id=connection_id,
                    external_id=variant.external_id,
                    sku=variant.sku.strip(),
                    title=variant.title,
                    price=variant.price.amount if variant.price else None,
                    currency=variant.price.currency if variant.price else "",
                    is_shippable=variant.is_shippable,
                    weight_g=variant.weight_g,
                    image_url=variant.image_url,
                )
                for variant in snapshot.variants
            ],
            update_conflicts=True,
            unique_fields=["merchant_id", "connection_id", "external_id"],
            update_fields=[
                "product",
                "sku",
                "title",
                "price",
                "currency",
                "is_shippable",
                "weight_g",
                "image_url",
            ],
        )


def remove_product(merchant_id: int, connection_id: int, *, external_id: str) -> None:
    """Note that a storefront no longer lists a product; orders keep what they bought."""
    Product.objects.filter(
        merchant_id=merchant_id, connection_id=connection_id, external_id=external_id
    ).update(deleted_at=clock.now())


def map_sku(merchant_id: int, sku: str, *, wish: MappingWish, by: str) -> SkuMapping:
    """Say what a SKU becomes; orders that wait for it go on (`mapping.changed`).

    Saying the same again changes nothing but its version.

    Raises:
        BadMapping: the wish is not whole.
    """
    sku = sku.strip()
    check_wish(sku, wish)
    with scope.merchant(merchant_id), outbox.because(actor=by):
        row, _ = SkuMapping.objects.select_for_update().get_or_create(
            merchant_id=merchant_id,
            sku=sku,
            defaults={"kind": MappingKind.NOTHING},
        )
        row.kind = wish.kind
        row.provider_connection_id = wish.provider_connection_id
        row.provider_sku = wish.provider_sku
        row.attributes = dict(wish.attributes or {})
        row.sizing = wish.sizing
        row.unit_cost = wish.unit_cost
        row.cost_currency = wish.cost_currency
        row.bin = wish.bin
        row.version += 1
        row.save()
        _write_parts(row, wish)
        _write_artwork(row, wish)
        outbox.record(
            "mapping.changed",
            merchant_id=merchant_id,
            mode="live",
            subject=("mapping", row.id),
            data={"sku": sku, "kind": wish.kind},
        )
    return row


def map_shipping(
    merchant_id: int,
    *,
    storefront_id: int,
    provider_connection_id: int,
    method_code: str,
    provider_method: str,
) -> ShippingMap:
    """Say what a storefront's shipping method is called at a provider."""
    with scope.merchant(merchant_id):
        row, _ = ShippingMap.objects.update_or_create(
            merchant_id=merchant_id,
            storefront_id=storefront_id,
            provider_connection_id=provider_connection_id,
            method_code=method_code,
            defaults={"provider_method": provider_method},
        )
        outbox.record(
            "mapping.changed",
            merchant_id=merchant_id,
            mode="live",
            subject=("shipping_map", row.id),
            data={"method_code": method_code, "provider_method": provider_method},
        )
    return row


def check_wish(sku: str, wish: MappingWish) -> None:
    """Refuse a wish that is not whole. Raises BadMapping."""
    if not sku:
        raise BadMapping("a mapping needs a SKU")
    if wish.kind not in MappingKind.values:
        raise BadMapping(f"{wish.kind!r} is none of {', '.join(MappingKind.values)}")
    if wish.kind == MappingKind.PROVIDER and not (
        wish.provider_connection_id and wish.provider_sku
    ):
        raise BadMapping(f"{sku}: a provider mapping needs a provider and its SKU")
    if wish.kind == MappingKind.KIT and not wish.parts:
        raise BadMapping(f"{sku}: a kit needs its parts")
    if wish.parts and sku in wish.parts:
        raise BadMapping(f"{sku}: a kit cannot be a part of itself")
    for art in wish.artwork:
        if not (art.url or art.line_property):
            raise BadMapping(f"{sku}: artwork for {art.print_area} needs a link or a line property")


def _write_parts(row: SkuMapping, wish: MappingWish) -> None:
    KitPart.objects.filter(mapping=row).delete()
    KitPart.objects.bulk_create(
        KitPart(merchant_id=row.merchant_id, mapping=row, sku=sku, quantity=quantity)
        for sku, quantity in sorted((wish.parts or {}).items())
    )


def _write_artwork(row: SkuMapping, wish: MappingWish) -> None:
    MappingAsset.objects.filter(mapping=row).delete()
    for art in wish.artwork:
        asset_id = None
        if art.url:
            asset, _ = Asset.objects.get_or_create(merchant_id=row.merchant_id, url=art.url)
            asset_id = asset.id
        MappingAsset.objects.create(
            merchant_id=row.merchant_id,
            mapping=row,
            print_area=art.print_area,
            asset_id=asset_id,
            line_property=art.line_property,
            min_width_px=art.min_width_px,
            min_height_px=art.min_height_px,
        )
