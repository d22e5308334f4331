"""What a call may ask of a new checkout session, read and checked as Stripe would."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from entrepot.connectors.stripe import amounts, objects
from entrepot.connectors.stripe.ledger import Ledger
from entrepot.connectors.stripe.wire import Fields, Refusal, Thing, missing

LIFE = timedelta(hours=24)
SHORTEST_LIFE = timedelta(minutes=30)
SMALLEST_TOTAL = 50
REFUSED_COUNTRIES = frozenset(
    {"AS", "CC", "CU", "CX", "FM", "HM", "IR", "KP", "MH", "MP", "NF", "PW", "SY", "UM", "VI"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A session before its sums; `intent_data` is for the payment, `coupon` may be empty."""

    session: Thing
    lines: list[Thing]
    intent_data: dict[str, Any]
    coupon: str


def read(fields: Fields, *, ledger: Ledger, livemode: bool) -> Opened:
    """Read the parameters of POST /v1/checkout/sessions.

    Raises:
        Refusal: a parameter is missing, unknown or wrong.
    """
    fields.text("mode", required=True, choices=("payment",))
    marker = "cs_live_a1" if livemode else "cs_test_a1"
    session = objects.session(
        ledger.new_id(marker, length=56), created=ledger.seconds, livemode=livemode
    )
    session["success_url"] = fields.text("success_url", required=True)
    for name in ("cancel_url", "client_reference_id", "customer_email", "locale"):
        session[name] = fields.text(name)
    session["metadata"] = fields.metadata()
    session["expires_at"] = _expiry(fields, now=ledger.seconds)
    _read_page(fields, session)
    intent_data = _intent_data(fields.inner("payment_intent_data"))
    lines = [_line(item, ledger=ledger, livemode=livemode) for item in fields.items("line_items")]
    if not lines:
        raise Refusal(
            "Missing required param: line_items.", code="parameter_missing", param="line_items"
        )
    if len(lines) > 100 or len({line["currency"] for line in lines}) > 1:
        raise Refusal("You can pass up to 100 line items, all of one currency.", param="line_items")
    session["currency"] = lines[0]["currency"]
    options = fields.items("shipping_options")
    if len(options) > 5:
        raise Refusal("You can pass up to 5 shipping options.", param="shipping_options")
    session["shipping_options"] = [
        _option(item, ledger=ledger, livemode=livemode) for item in options
    ]
    coupon = _coupon(fields, session, ledger=ledger)
    fields.end()
    return Opened(session=session, lines=lines, intent_data=intent_data, coupon=coupon)


def check_total(session: Thing) -> None:
    """Refuse what is worth less than any bank moves."""
    is_cents = amounts.exponent(session["currency"].upper()) == 2
    if is_cents and 0 < session["amount_total"] < SMALLEST_TOTAL:
        raise Refusal(
            "The Checkout Session's total amount must convert to at least 50 cents.",
            code="amount_too_small",
        )


def _read_page(fields: Fields, session: Thing) -> None:
    phone = fields.inner("phone_number_collection")
    session["phone_number_collection"] = {"enabled": phone.flag("enabled")}
    taxed = fields.inner("automatic_tax").flag("enabled")
    session["automatic_tax"] = {
        "enabled": taxed,
        "status": "requires_location_inputs" if taxed else None,
    }
    session["allow_promotion_codes"] = fields.flag("allow_promotion_codes") or None
    countries = fields.inner("shipping_address_collection").texts("allowed_countries")
    for country in countries:
        if len(country) != 2 or not country.isupper() or country in REFUSED_COUNTRIES:
            raise Refusal(
                f"Invalid shipping_address_collection[allowed_countries]: {country}",
                param="shipping_address_collection[allowed_countries]",
                code="parameter_invalid_enum",
            )
    if countries:
        session["shipping_address_collection"] = {"allowed_countries": countries}


def _expiry(fields: Fields, *, now: int) -> int:
    asked = fields.whole("expires_at")
    if asked is None:
        return now + int(LIFE.total_seconds())
    if asked < now + SHORTEST_LIFE.total_seconds():
        raise Refusal(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session "
            "creation.",
            param="expires_at",
        )
    if asked > now + LIFE.total_seconds():
        raise Refusal(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    return asked


def _line(item: Fields, *, ledger: Ledger, livemode: bool) -> Thing:
    quantity = item.whole("quantity", least=1) or 1
    data = item.inner("price_data")
    currency = (data.text("currency", required=True) or "").lower()
    amount = data.whole("unit_amount", required=True, least=0) or 0
    _check_amount(amount, currency, param="line_items[price_data][unit_amount]")
    about = data.inner("product_data")
    name = about.text("name", required=True) or ""
    product = objects.product(
        ledger.new_id("prod_", length=14),
        created=ledger.seconds,
        livemode=livemode,
        name=name,
        images=about.texts("images"),
        metadata=about.metadata(),
    )
    price = objects.price(
        ledger.new_id("price_"),
        created=ledger.seconds,
        livemode=livemode,
        currency=currency,
        product=ledger.keep(product)["id"],
        unit_amount=amount,
        unit_amount_decimal=str(amount),
    )
    for part in (item, data, about):
        part.end()
    return objects.line_item(
        ledger.new_id("li_"),
        price=price,
        quantity=quantity,
        description=name,
        subtotal=amount * quantity,
    )


def _option(item: Fields, *, ledger: Ledger, livemode: bool) -> Thing:
    data = item.inner("shipping_rate_data")
    data.text("type", choices=("fixed_amount",))
    fixed = data.inner("fixed_amount")
    currency = (fixed.text("currency", required=True) or "").lower()
    amount = fixed.whole("amount", required=True, least=0) or 0
    _check_amount(amount, currency, param="shipping_options[fixed_amount][amount]")
    rate = objects.shipping_rate(
        ledger.new_id("shr_"),
        created=ledger.seconds,
        livemode=livemode,
        display_name=data.text("display_name", required=True),
        fixed_amount={"amount": amount, "currency": currency},
        metadata=data.metadata(),
    )
    for part in (item, data, fixed):
        part.end()
    return {"shipping_amount": amount, "shipping_rate": ledger.keep(rate)["id"]}


def _coupon(fields: Fields, session: Thing, *, ledger: Ledger) -> str:
    discounts = fields.items("discounts")
    if not discounts:
        return ""
    if session["allow_promotion_codes"]:
        raise Refusal(
            "You may only specify one of these parameters: allow_promotion_codes, discounts."
        )
    wanted = discounts[0].text("coupon", required=True) or ""
    coupon = ledger.books["coupons"].get(wanted)
    if coupon is None:
        raise missing("coupon", wanted, param="discounts[0][coupon]")
    most = coupon["max_redemptions"]
    if most is not None and coupon["times_redeemed"] >= most:
        raise Refusal(f"Coupon {wanted} is used up and cannot be applied.", code="coupon_expired")
    if coupon["currency"] not in (None, session["currency"]):
        raise Refusal("The coupon's currency does not match the session's.", param="discounts")
    return wanted


def _intent_data(data: Fields) -> dict[str, Any]:
    own: dict[str, Any] = {
        "metadata": data.metadata(),
        "capture_method": data.text(
            "capture_method", choices=("automatic", "automatic_async", "manual")
        )
        or "automatic",
        "description": data.text("description"),
        "receipt_email": data.text("receipt_email"),
    }
    data.end()
    return own


def _check_amount(units: int, currency: str, *, param: str) -> None:
    if units % amounts.step_of(currency.upper()):
        step = amounts.step_of(currency.upper())
        raise Refusal(
            f"Invalid amount. Amounts in {currency} must be evenly divisible by {step}.",
            code="invalid_charge_amount_no_decimal_compatible" if step == 100 else None,
            param=param,
        )
