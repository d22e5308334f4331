"""Answers what SKUs become."""

from collections.abc import Iterable, Mapping

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
    merchant_id: int, connection_id: int, external_ids: Iterable[str]
) -> dict[str, bool | None]:
    """What the storefront's catalogue says of variants by external id: True, False or None."""
    rows = Variant.objects.filter(
        merchant_id=merchant_id,
        connection_id=connection_id,
        external_id__in=sorted(set(external_ids)),
    )
    return dict(rows.values_list("external_id", "is_shippable"))


def provider_method_of(
    merchant_id: int, *, storefront_id: int, provider_connection_id: int, method_code: str
) -> str:
    """What a shipping method is called at a provider; "" when nobody has said.

    The merchant's word for the very method wins over the one for any method ("*").
    """
    words: Mapping[str, str] = dict(
        ShippingMap.objects.filter(
            merchant_id=merchant_id,
            storefront_id=storefront_id,
            provider_connection_id=provider_connection_id,
            method_code__in=[method_code, ANY_METHOD],
        ).values_list("method_code", "provider_method")
    )
    return words.get(method_code) or words.get(ANY_METHOD, "")
