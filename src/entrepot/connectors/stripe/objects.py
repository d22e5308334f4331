"""The objects of Stripe API 2023-10-16 as its simulator writes them.

They have every field that is required, and those that a reader of payments looks at.
"""

from typing import Any

Thing = dict[str, Any]

NO_ADDRESS = {
    "city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None,
}  # fmt: skip

DELAYED_METHODS = frozenset({"sepa_debit", "us_bank_account", "boleto", "bacs_debit"})


def session(external_id: str, *, created: int, livemode: bool, **own: Any) -> Thing:
    """A checkout session that was just opened."""
    return {
        "id": external_id,
        "object": "checkout.session",
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": None,
        "amount_total": None,
        "automatic_tax": {"enabled": False, "status": None},
        "billing_address_collection": None,
        "cancel_url": None,
        "client_reference_id": None,
        "consent": None,
        "consent_collection": None,
        "created": created,
        "currency": None,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": None,
        "customer_creation": "if_required",
        "customer_details": None,
        "customer_email": None,
        "expires_at": created,
        "invoice": None,
        "invoice_creation": {"enabled": False},
        "livemode": livemode,
        "locale": None,
        "metadata": {},
        "mode": "payment",
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_details": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": None,
        "subscription": None,
        "success_url": None,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted",
        "url": None,
        **own,
    }


def payment_intent(external_id: str, *, created: int, livemode: bool, **own: Any) -> Thing:
    """A payment intent before any try to pay."""
    return {
        "id": external_id,
        "object": "payment_intent",
        "amount": 0,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,  # typos: meant
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": f"{external_id}_secret_simulated",
        "confirmation_method": "automatic",
        "created": created,
        "currency": "usd",
        "customer": None,
        "description": None,
        "invoice": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": livemode,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
        **own,
    }


def charge(external_id: str, *, created: int, livemode: bool, **own: Any) -> Thing:
    """One try to take money."""
    return {
        "id": external_id,
        "object": "charge",
        "amount": 0,
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": {
            "address": dict(NO_ADDRESS),
            "email": None,
            "name": None,
            "phone": None,
        },
        "calculated_statement_descriptor": "ENTREPOT SANDBOX",
        "captured": False,
        "created": created,
        "currency": "usd",
        "customer": None,
        "description": None,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "invoice": None,
        "livemode": livemode,
        "metadata": {},
        "on_behalf_of": None,
        "outcome": None,
        "paid": False,
        "payment_intent": None,
        "payment_method": None,
        "payment_method_details": None,
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "pending",
        "transfer_data": None,
        "transfer_group": None,
        **own,
    }


def refund(external_id: str, *, created: int, **own: Any) -> Thing:
    """Money on its way back."""
    return {
        "id": external_id,
        "object": "refund",
        "amount": 0,
        "balance_transaction": None,
        "charge": None,
        "created": created,
        "currency": "usd",
        "metadata": {},
        "payment_intent": None,
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
        **own,
    }


def dispute(external_id: str, *, created: int, livemode: bool, **own: Any) -> Thing:
    """A cardholder's complaint at the bank."""
    return {
        "id": external_id,
        "object": "dispute",
        "amount": 0,
        "balance_transactions": [],
        "charge": None,
        "created": created,
        "currency": "usd",
        "evidence": {},
        "evidence_details": {
            "due_by": created + 7 * 86400,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": livemode,
        "metadata": {},
        "payment_intent": None,
        "reason": "fraudulent",
        "status": "needs_response",
        **own,
    }


def review(external_id: str, *, created: int, livemode: bool, **own: Any) -> Thing:
    """A payment that Radar wants a person to look at."""
    return {
        "id": external_id,
        "object": "review",
        "billing_zip": None,
        "charge": None,
        "closed_reason": None,
        "created": created,
        "ip_address": None,
        "ip_address_location": None,
        "livemode": livemode,
        "open": True,
        "opened_reason": "rule",
        "payment_intent": "",
        "reason": "rule",
        "session": None,
        **own,
    }


def webhook_endpoint(external_id: str, *, created: int, livemode: bool, **own: Any) -> Thing:
    """Somebody who wants events."""
    return {
        "id": external_id,
        "object": "webhook_endpoint",
        "api_version": None,
        "application": None,
        "created": created,
        "description": None,
        "enabled_events": ["*"],
        "livemode": livemode,
        "metadata": {},
        "status": "enabled",
        "url": "",
        **own,
    }


def line_item(
    external_id: str, *, price: Thing, quantity: int, description: str, subtotal: int
) -> Thing:
    """One line of a session, before discounts and taxes."""
    return {
        "id": external_id,
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": subtotal,
        "amount_tax": 0,
        "amount_total": subtotal,
        "currency": price["currency"],
        "description": description,
        "price": price,
        "quantity": quantity,
    }


def price(external_id: str, *, created: int, livemode: bool, **own: Any) -> Thing:
    """A price made from `price_data`."""
    return {
        "id": external_id,
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": created,
        "currency": "usd",
        "custom_unit_amount": None,
        "livemode": livemode,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": None,
        "recurring": None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": 0,
        "unit_amount_decimal": "0",
        **own,
    }


def product(external_id: str, *, created: int, livemode: bool, **own: Any) -> Thing:
    """A product made from `product_data`."""
    return {
        "id": external_id,
        "object": "product",
        "active": False,
        "created": created,
        "description": None,
        "features": [],
        "images": [],
        "livemode": livemode,
        "metadata": {},
        "name": "",
        "package_dimensions": None,
        "shippable": None,
        "tax_code": None,
        "type": "service",
        "updated": created,
        "url": None,
        **own,
    }


def shipping_rate(external_id: str, *, created: int, livemode: bool, **own: Any) -> Thing:
    """A delivery made from `shipping_rate_data`."""
    return {
        "id": external_id,
        "object": "shipping_rate",
        "active": False,
        "created": created,
        "delivery_estimate": None,
        "display_name": "",
        "fixed_amount": {"amount": 0, "currency": "usd"},
        "livemode": livemode,
        "metadata": {},
        "tax_behavior": "unspecified",
        "tax_code": None,
        "type": "fixed_amount",
        **own,
    }


def method_details(method: str, *, card: str, country: str = "US") -> Thing:
    """`payment_method_details` of a charge."""
    if method != "card":
        return {"type": method, method: {"last4": "3000", "country": country}}
    brand = {"4": "visa", "5": "mastercard", "3": "amex"}.get(card[:1], "unknown")
    return {
        "type": "card",
        "card": {
            "brand": brand,
            "country": country,
            "exp_month": 8,
            "exp_year": 2030,
            "funding": "credit",
            "last4": card[-4:],
            "network": brand,
            "wallet": None,
        },
    }
