"""What the hub asks of Stripe -> form fields in deep brackets; pure.

Source: Stripe API reference 2023-10-16, "Create a Checkout Session", "Create a coupon", "Create a
refund", read 2026-11.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from entrepot.canon.payments import CheckoutLine, CheckoutRequest, CheckoutShipping, RefundRequest
from entrepot.connectors.stripe.amounts import to_units
from entrepot.connectors.stripe.fields import CHECKOUT_MARK, REFUND_MARK

Form = list[tuple[str, str]]

REFUND_REASONS = frozenset({"duplicate", "fraudulent", "requested_by_customer"})
# Limits of the API. What is longer is cut: these are only shown.
METADATA_VALUE = 500
SHOWN_NAME = 250
RATE_NAME = 100


def brackets(value: Any, *, name: str = "") -> Form:
    """Flatten what is nested: {"a": [{"b": 1}]} -> [("a[0][b]", "1")]; None is left out."""
    match value:
        case None:
            return []
        case Mapping():
            parts = [(f"{name}[{key}]" if name else str(key), part) for key, part in value.items()]
        case list() | tuple():
            parts = [(f"{name}[{index}]", part) for index, part in enumerate(value)]
        case bool():
            return [(name, "true" if value else "false")]
        case _:
            return [(name, str(value))]
    return [pair for inner, part in parts for pair in brackets(part, name=inner)]


def checkout_form(request: CheckoutRequest, *, settings: Mapping[str, Any], coupon: str) -> Form:
    """A cart -> the fields of a checkout session.

    The reference rides on the session and, since Stripe copies no metadata, on the payment too.

    Raises:
        NotMoney: an amount that Stripe cannot take.
    """
    metadata = {key: value[:METADATA_VALUE] for key, value in request.metadata}
    metadata[CHECKOUT_MARK] = request.reference
    ships = any(line.is_shippable for line in request.lines)
    fields: dict[str, Any] = {
        "mode": "payment",
        "client_reference_id": request.reference,
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
        "customer_email": request.email or None,
        "expires_at": int(request.expires_at.timestamp()) if request.expires_at else None,
        "metadata": metadata,
        "payment_intent_data": {
            "metadata": metadata,
            "capture_method": "manual" if settings.get("capture") == "manual" else None,
        },
        "line_items": [_line(line, currency=request.currency) for line in request.lines],
    }
    if ships and request.allowed_countries:
        fields["shipping_address_collection"] = {"allowed_countries": request.allowed_countries}
    if ships and request.shipping_options:
        fields["shipping_options"] = [_shipping(option) for option in request.shipping_options]
    if ships and settings.get("collect_phone"):
        fields["phone_number_collection"] = {"enabled": True}
    if settings.get("automatic_tax"):
        fields["automatic_tax"] = {"enabled": True}
    if coupon:
        fields["discounts"] = [{"coupon": coupon}]
    elif settings.get("allow_promotion_codes"):
        fields["allow_promotion_codes"] = True
    return brackets(fields)


def coupon_id(request: CheckoutRequest) -> str:
    """The id that we give the coupon of a cart's discount; empty when there is none.

    It derives from the reference, so that a repetition finds the coupon instead of making another.
    """
    if not request.discount:
        return ""
    return f"entrepot-{hashlib.sha256(request.reference.encode()).hexdigest()[:24]}"


def coupon_form(request: CheckoutRequest) -> Form:
    """The discount of one cart -> the fields of a coupon that can be used once."""
    assert request.discount is not None
    return brackets(
        {
            "id": coupon_id(request),
            "amount_off": to_units(request.discount),
            "currency": request.discount.currency.lower(),
            "duration": "once",
            "max_redemptions": 1,
            "metadata": {CHECKOUT_MARK: request.reference},
        }
    )


def refund_form(request: RefundRequest) -> Form:
    """A refund -> the fields of Stripe's. A reason in words of our own goes into the metadata.

    Raises:
        NotMoney: an amount that Stripe cannot take.
    """
    reason = request.reason
    metadata = {REFUND_MARK: request.reference}
    if reason and reason not in REFUND_REASONS:
        metadata["reason"] = reason[:METADATA_VALUE]
    return brackets(
        {
            payment_field(request.payment_external_id): request.payment_external_id,
            "amount": to_units(request.amount),
            "reason": reason if reason in REFUND_REASONS else None,
            "metadata": metadata,
        }
    )


def payment_field(payment_external_id: str) -> str:
    """The parameter that names a payment: old ones are charges without an intent."""
    return "payment_intent" if payment_external_id.startswith("pi_") else "charge"


def _line(line: CheckoutLine, *, currency: str) -> dict[str, Any]:
    return {
        "quantity": line.quantity,
        "price_data": {
            "currency": currency.lower(),
            "unit_amount": to_units(line.unit_price),
            "product_data": {
                "name": line.title[:SHOWN_NAME],
                "images": [line.image_url] if line.image_url else None,
                "metadata": {
                    "sku": line.sku,
                    "shippable": "true" if line.is_shippable else "false",
                },
            },
        },
    }


def _shipping(option: CheckoutShipping) -> dict[str, Any]:
    return {
        "shipping_rate_data": {
            "type": "fixed_amount",
            "display_name": option.title[:RATE_NAME],
            "fixed_amount": {
                "amount": to_units(option.price),
                "currency": option.price.currency.lower(),
            },
            "metadata": {"code": option.code},
        }
    }
