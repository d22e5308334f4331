"""A WooCommerce product with its variations -> canonical product. Pure.

Source: WooCommerce REST API v3, "Products" and "Product variations"; our own recordings, 2026-11.
"""

from decimal import Decimal

from entrepot.canon.catalog import ProductSnapshot, VariantSnapshot
from entrepot.canon.messages import Flow, Hint
from entrepot.canon.money import Money
from entrepot.connect.ports import Account
from entrepot.connectors.woocommerce.fields import BadField, Fields
from entrepot.connectors.woocommerce.payments import POLLED

GRAMS = {
    "kg": Decimal(1000),
    "g": Decimal(1),
    "lbs": Decimal("453.59237"),
    "oz": Decimal("28.349523125"),
}
NOT_SOLD_ITSELF = frozenset({"grouped", "external"})  # a list of others; a link to another shop


def to_product(
    body: Fields, account: Account, *, version: int
) -> tuple[ProductSnapshot | Hint, ...]:
    """A product as the API or a webhook gives it.

    `_entrepot.variations` holds the variations where the client has read them, `_entrepot.currency`
    the shop's currency. A variation that comes alone (webhooks send them as products), variations
    that are only numbered, and prices in an unknown currency are read again.
    """
    external_id = body.identifier("id", required=True)
    if body.text("type") == "variation":
        parent = body.identifier("parent_id", required=True)
        return (Hint(flow=Flow.PRODUCTS, external_id=parent),)
    polled = body.inner(POLLED)
    currency = polled.text("currency") or str(account.settings.get("currency") or "")
    if not currency and POLLED not in body:
        return (Hint(flow=Flow.PRODUCTS, external_id=external_id),)
    unit = GRAMS.get(str(account.settings.get("weight_unit") or ""))
    title = body.text("name")
    image_url = next((image.text("src") for image in body.each("images")), "")
    numbered = body.value.get("variations") or []
    is_complete = not numbered or "variations" in polled
    variants: tuple[VariantSnapshot, ...] = ()
    if numbered:
        variants = tuple(
            _variant_of(row, title, currency, unit) for row in polled.each("variations")
        )
    elif body.text("type") not in NOT_SOLD_ITSELF:
        variants = (_variant_of(body, "", currency, unit),)
    product = ProductSnapshot(
        external_id=external_id,
        title=title,
        version=version,
        is_published=body.text("status") == "publish",
        variants=variants,
        variants_complete=is_complete,
        image_url=image_url,
    )
    return (
        (product,) if is_complete else (product, Hint(flow=Flow.PRODUCTS, external_id=external_id))
    )


def _variant_of(
    row: Fields, parent_title: str, currency: str, grams: Decimal | None
) -> VariantSnapshot:
    own_title = row.text("name")
    is_virtual = row.flag("virtual")
    return VariantSnapshot(
        external_id=row.identifier("id", required=True),
        sku=row.text("sku"),
        title=" - ".join(filter(None, (parent_title, own_title))),
        price=_price_of(row, currency),
        # What is downloadable alone still comes in a box; only `virtual` needs no shipping.
        is_shippable=None if is_virtual is None else not is_virtual,
        weight_g=_weight_of(row, grams),
        image_url=_image_of(row),
        options=tuple(
            (attribute.text("name"), attribute.text("option"))
            for attribute in row.each("attributes")
            if attribute.text("option")
        ),
    )


def _price_of(row: Fields, currency: str) -> Money | None:
    return row.money("price", currency) if currency and row.text("price") else None


def _weight_of(row: Fields, grams: Decimal | None) -> int | None:
    text = row.text("weight")
    if grams is None or not text:
        return None
    try:
        return int((Decimal(text) * grams).to_integral_value())
    except ArithmeticError as error:
        raise BadField(f"{row.where('weight')}: not a weight") from error


def _image_of(row: Fields) -> str:
    if isinstance(row.value.get("image"), dict):
        return row.inner("image").text("src")
    return next((image.text("src") for image in row.each("images")), "")
