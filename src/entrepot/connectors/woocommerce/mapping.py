"""A WooCommerce order -> canonical order. Pure.

Source: WooCommerce REST API v3, "Orders"; our own recordings of WooCommerce 11.0.1, 2026-11.

Line, shipping and fee amounts never contain tax in the API, whatever the shop's prices do. Where
`prices_include_tax` is set the customer saw amounts with tax, so tax is put back into each of them;
either way lines + shipping + fees (+ tax where it is added) is the shop's own total.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from entrepot.canon.customers import CustomerSnapshot
from entrepot.canon.messages import Ignored
from entrepot.canon.money import Money, checked_currency, total_of
from entrepot.canon.orders import (
    Discount,
    Fee,
    LineSnapshot,
    OrderDeleted,
    OrderSnapshot,
    OrderTotals,
    ShippingLine,
    SourceState,
    TaxLine,
)
from entrepot.canon.places import Address
from entrepot.connect.ports import Account
from entrepot.connect.regions import region_of_code
from entrepot.connectors.woocommerce import payments
from entrepot.connectors.woocommerce.fields import BadField, Fields
from entrepot.connectors.woocommerce.marks import own_marks_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PERCENT = Decimal(100)

# Order statuses as the API names them, without the "wc-" that plug-ins see.
STATES = {
    "pending": SourceState.AWAITING,  # placed, no payment yet
    "processing": SourceState.PROCESSING,  # paid, or on terms: to be fulfilled
    "on-hold": SourceState.ON_HOLD,  # mostly a bank transfer that is awaited
    "completed": SourceState.COMPLETED,
    "cancelled": SourceState.CANCELLED,
    "refunded": SourceState.REFUNDED,  # wholly; a partial refund changes no status
    "failed": SourceState.FAILED,
    "trash": SourceState.DELETED,
    "checkout-draft": SourceState.DRAFT,  # the block checkout's basket
    "auto-draft": SourceState.DRAFT,  # the back office opened "add order"
    "draft": SourceState.DRAFT,
}
# Marks that the shop itself keeps on lines; all other meta are the line's own words.
SHOP_LINE_META = frozenset({"_reduced_stock", "_restock_refunded_items", "_refunded_item_id"})
# Where payment plug-ins say which world an order belongs to.
MODE_META = {
    "_wcpay_mode": {"test": True, "prod": False, "production": False},  # WooPayments
    "_ppcp_paypal_payment_mode": {"sandbox": True, "live": False},  # PayPal Payments
}
# The shop numbers Chinese provinces by itself, CN1 to CN32; here are their codes in GB/T 2260, in
# the shop's order (its i18n/states.php).
PROVINCES = (
    *("53", "11", "12", "13", "14", "15", "21", "22"),  # CN1, Yunnan, to CN8, Jilin
    *("23", "31", "32", "33", "34", "35", "36", "37"),  # Heilongjiang to Shandong
    *("41", "42", "43", "44", "45", "46", "50", "51"),  # Henan to Sichuan
    *("52", "61", "62", "63", "64", "92", "54", "65"),  # Guizhou to Xinjiang
)
CODES_OF_STATES = {
    "CN": {f"CN{number}": code for number, code in enumerate(PROVINCES, start=1)},
}
LANGUAGE_META = ("wpml_language", "trp_language")  # WPML, TranslatePress


@dataclass(frozen=True, slots=True)
class _Prices:
    """How amounts are read in one order: its currency, and whether tax belongs inside."""

    currency: str
    include_tax: bool

    def of(self, row: Fields, name: str, tax_name: str) -> Money:
        amount = row.money(name, self.currency)
        if self.include_tax:
            amount += row.money(tax_name, self.currency, required=False)
        return amount


def to_order(body: Fields, account: Account) -> OrderSnapshot | OrderDeleted | Ignored:
    """An order as the API or a webhook gives it; `_entrepot.refunds` may hold its refunds whole.

    Raises:
        ValueError: a field is missing or not what it should be, with its path.
    """
    external_id = body.identifier("id", required=True)
    status = body.text("status", required=True)
    state = to_state(status, account)
    if state is SourceState.DRAFT:
        return Ignored(reason=f"order {external_id} is a draft ({status}): not placed yet")
    if state is SourceState.DELETED:
        return OrderDeleted(external_id=external_id)
    prices = _Prices(_currency_of(body), body.flag("prices_include_tax") is True)
    refunds = payments.refunds_of(body, prices.currency)
    lines = _lines_of(body, prices, payments.refunded_quantities(refunds))
    meta = dict(body.meta())
    return OrderSnapshot(
        external_id=external_id,
        number=body.text("number") or external_id,
        state=state,
        source_status=status,
        placed_at=body.required_instant("date_created_gmt"),
        version=version_of(body),
        currency=prices.currency,
        totals=_totals_of(body, prices, lines, refunds),
        lines=lines,
        customer=_customer_of(body, meta),
        shipping_address=_address_of(body.inner("shipping")),
        billing_address=_address_of(body.inner("billing")),
        payment=payments.to_word(body, prices.currency, account=account),
        birth_mark=body.text("order_key"),
        is_test=_is_test(meta),
        prices_include_tax=prices.include_tax,
        payment_method=body.text("payment_method"),
        payment_title=body.text("payment_method_title"),
        transaction_ids=payments.transaction_ids_of(body),
        paid_at=body.instant("date_paid_gmt"),
        shipping_lines=_shipping_of(body, prices),
        discounts=tuple(
            Discount(code=row.text("code"), amount=prices.of(row, "discount", "discount_tax"))
            for row in body.each("coupon_lines")
        ),
        fees=tuple(
            Fee(title=row.text("name"), amount=prices.of(row, "total", "total_tax"))
            for row in body.each("fee_lines")
        ),
        tax_lines=_tax_lines_of(body, prices),
        payment_facts=payments.to_facts(body, refunds, currency=prices.currency),
        customer_note=body.text("customer_note"),
        channel=body.text("created_via"),
        own_marks=own_marks_of(body),
    )


def to_state(status: str, account: Account) -> SourceState:
    """The shop's word -> ours; the merchant's map first, and UNKNOWN for what nobody mapped."""
    words = {
        str(theirs).removeprefix("wc-"): str(ours)
        for theirs, ours in (account.settings.get("status_map") or {}).items()
    }
    word = status.removeprefix("wc-")
    if word in words:
        chosen = words[word].strip().lower()
        known = chosen in SourceState._value2member_map_
        return SourceState(chosen) if known else SourceState.UNKNOWN
    return STATES.get(word, SourceState.UNKNOWN)


def version_of(body: Fields) -> int:
    """Microseconds since 1970 of the shop's modified clock, which ticks in whole seconds."""
    at = body.instant("date_modified_gmt") or body.required_instant("date_created_gmt")
    return (at - EPOCH) // timedelta(microseconds=1)


def is_still_being_written(body: Fields) -> bool:
    """Whether `order.created` was sent before the checkout had added its lines."""
    return body.text("status") == "pending" and not body.each("line_items")


def _currency_of(body: Fields) -> str:
    text = body.text("currency", required=True)
    try:
        return checked_currency(text)
    except ValueError as error:
        raise BadField(f"{body.where('currency')}: not a currency code") from error


def _lines_of(body: Fields, prices: _Prices, refunded: dict[str, int]) -> tuple[LineSnapshot, ...]:
    lines = []
    for row in body.each("line_items"):
        external_id = row.identifier("id", required=True)
        quantity = row.whole("quantity")
        before = prices.of(row, "subtotal", "subtotal_tax")
        total = prices.of(row, "total", "total_tax")
        product = row.identifier("product_id")
        discount = before - total
        lines.append(
            LineSnapshot(
                external_id=external_id,
                sku=row.text("sku"),
                title=row.text("name"),
                quantity=quantity,
                unit_price=(before * (Decimal(1) / quantity)).rounded() if quantity else before,
                total=total,
                discount=discount or None,
                product_external_id=product,
                variant_external_id=row.identifier("variation_id") or product,
                refunded_quantity=refunded.get(external_id, 0),
                image_url=row.inner("image").text("src"),
                properties=_properties_of(row),
            )
        )
    return tuple(lines)


def _properties_of(row: Fields) -> tuple[tuple[str, str], ...]:
    """The line's meta by the name that the shop shows; the value as it was stored.

    Attributes of the shop (`pa_color`) store a slug, so there the shown value is the truth.
    """
    found = []
    for meta in row.each("meta_data"):
        key = meta.text("key")
        if not key or key in SHOP_LINE_META:
            continue
        shown = meta.value.get("display_key")
        name = shown.strip() if isinstance(shown, str) and shown.strip() else key
        value = meta.value.get("display_value" if key.startswith("pa_") else "value")
        found.append((name, value if isinstance(value, str) else _as_text(value)))
    return tuple(found)


def _as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _totals_of(
    body: Fields,
    prices: _Prices,
    lines: tuple[LineSnapshot, ...],
    refunds: tuple[payments.Refund, ...],
) -> OrderTotals:
    currency = prices.currency
    return OrderTotals(
        lines=total_of((line.total for line in lines), currency=currency),
        discount=prices.of(body, "discount_total", "discount_tax"),
        shipping=prices.of(body, "shipping_total", "shipping_tax"),
        fees=total_of(
            (prices.of(row, "total", "total_tax") for row in body.each("fee_lines")),
            currency=currency,
        ),
        tax=body.money("total_tax", currency),
        total=body.money("total", currency),
        refunded=total_of((refund.amount for refund in refunds), currency=currency),
    )


def _shipping_of(body: Fields, prices: _Prices) -> tuple[ShippingLine, ...]:
    return tuple(
        ShippingLine(
            external_id=row.identifier("id"),
            title=row.text("method_title"),
            # "flat_rate:5" is how the shop itself names one rate of a zone.
            method_code=":".join(filter(None, (row.text("method_id"), row.text("instance_id")))),
            price=prices.of(row, "total", "total_tax"),
        )
        for row in body.each("shipping_lines")
    )


def _tax_lines_of(body: Fields, prices: _Prices) -> tuple[TaxLine, ...]:
    """One per rate of the order, goods and shipping together, never recomputed."""
    found = []
    for row in body.each("tax_lines"):
        percent: Any = row.value.get("rate_percent")
        amount = row.money("tax_total", prices.currency) + row.money(
            "shipping_tax_total", prices.currency, required=False
        )
        is_number = isinstance(percent, int | Decimal) and not isinstance(percent, bool)
        found.append(
            TaxLine(
                name=row.text("label") or row.text("rate_code"),
                rate=Decimal(percent) / PERCENT if is_number else None,
                amount=amount,
                is_included=prices.include_tax,
            )
        )
    return tuple(found)


def _customer_of(body: Fields, meta: dict[str, Any]) -> CustomerSnapshot:
    billing = body.inner("billing")
    return CustomerSnapshot(
        external_id=body.identifier("customer_id"),
        email=billing.text("email"),
        name=_name_of(billing),
        phone=billing.text("phone"),
        company=billing.text("company"),
        language=next(
            (
                value.replace("_", "-")
                for key in LANGUAGE_META
                if isinstance(value := meta.get(key), str) and value
            ),
            "",
        ),
    )


def _address_of(row: Fields) -> Address:
    country = row.text("country").upper()
    return Address(
        name=_name_of(row),
        company=row.text("company"),
        line1=row.text("address_1"),
        line2=row.text("address_2"),
        city=row.text("city"),
        region=_region_of(row, country),
        postal_code=row.text("postcode"),
        country=country,
        phone=row.text("phone"),
    )


def _region_of(row: Fields, country: str) -> str:
    """A shop names states by codes, mostly those of ISO 3166-2, some with the country in front."""
    state = row.text("state")
    if country in CODES_OF_STATES:
        code = CODES_OF_STATES[country].get(state)
        if code is None:
            return state  # a number of the shop's that nobody knows is no ISO code
        state = code
    beside = f"{row.text('address_1')} {row.text('city')}"
    return region_of_code(state, country=country, beside=beside)


def _name_of(row: Fields) -> str:
    return f"{row.text('first_name')} {row.text('last_name')}".strip()


def _is_test(meta: dict[str, Any]) -> bool | None:
    """What the payment plug-in says; None when none does, for the shop itself cannot tell."""
    for key, words in MODE_META.items():
        word = meta.get(key)
        if isinstance(word, str) and word.lower() in words:
            return words[word.lower()]
    return None
