"""Products as a storefront lists them."""

from dataclasses import dataclass

from entrepot.canon.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantSnapshot:
    """Something with a SKU that can be bought. `price` is None when the source hides it."""

    external_id: str
    sku: str
    title: str
    price: Money | None
    is_shippable: bool | None = None
    weight_g: int | None = None
    image_url: str = ""
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductSnapshot:
    """A product with its variants; one without variants has one variant of the same external id.

    `variants_complete` is False when the listing names variants that must be read separately.
    """

    external_id: str
    title: str
    version: int
    is_published: bool
    variants: tuple[VariantSnapshot, ...]
    variants_complete: bool = True
    image_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductDeleted:
    """The source no longer lists the product."""

    external_id: str
