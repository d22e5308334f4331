"""Answers what SKUs become."""

from collections.abc import Collection, Iterable

from entrepot.catalog.models import Mapping as SkuMapping
from entrepot.catalog.models import ShippingMap, Variant

ANY_METHOD = "*"


def mappings_of(merchant_id: int, skus: Iterable[str]) -> dict[str, SkuMapping]:
    """The mapping of each SKU that has one, with parts and assets at hand; two further queries."""
    rows = SkuMapping.objects.filter(
        merchant_id=merchant_id, sku__in=sorted({sku.strip() for sku in skus})
    ).prefetch_related("parts", "assets")
    return {row.sku: row for row in rows}


def shippable_of(
    merchant_id: int, sold_as: Collection[tuple[int, str]]
) -> dict[tuple[int, str], bool | None]:
    """What storefronts' catalogues say of variants, by (connection, external id), in one query.

    True, False or None; what no catalogue has is not among them.
    """
    rows = Variant.objects.filter(
        merchant_id=merchant_id,
        connection_id__in=sorted({connection_id for connection_id, _ in sold_as}),
        external_id__in=sorted({external_id for _, external_id in sold_as}),
    )
    return {
        (connection_id, external_id): said
        for connection_id, external_id, said in rows.values_list(
            "connection_id", "external_id", "is_shippable"
        )
    }


def provider_methods_of(merchant_id: int) -> dict[tuple[int, int, str], str]:
    """What shipping methods are called at providers, by (storefront, provider, method code).

    The code "*" is the merchant's word for every method of that storefront.
    """
    rows = ShippingMap.objects.filter(merchant_id=merchant_id)
    return {
        (row.storefront_id, row.provider_connection_id, row.method_code): row.provider_method
        for row in rows
    }
