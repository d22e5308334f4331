"""Checkout sessions of a simulated Stripe: opened by a call, paid or abandoned by a customer."""

from datetime import timedelta
from typing import Any

from entrepot.connectors.stripe import objects, opening
from entrepot.connectors.stripe.cards import AUTHENTICATES
from entrepot.connectors.stripe.ledger import Ledger
from entrepot.connectors.stripe.wire import Fields, Refusal, Thing

# Of what Stripe Tax would compute: (name, percent) by country.
TAX_RATES = {
    "DE": ("MwSt", 19), "FR": ("TVA", 20), "GB": ("VAT", 20), "JP": ("消費税", 10),
    "SE": ("Moms", 25), "US": ("Sales Tax", 8),
}  # fmt: skip
# Prices in these currencies are without tax unless they say otherwise.
EXCLUSIVE_CURRENCIES = frozenset({"usd", "cad"})


class Sessions:
    """The payment page, from both sides of the counter."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._intents: dict[str, dict[str, Any]] = {}  # what `payment_intent_data` said, by session
        self._coupons: dict[str, str] = {}  # by session

    def open(self, fields: Fields, *, livemode: bool) -> Thing:
        """POST /v1/checkout/sessions."""
        ledger = self._ledger
        opened = opening.read(fields, ledger=ledger, livemode=livemode)
        session = opened.session
        ledger.lines[session["id"]] = opened.lines
        self._intents[session["id"]] = opened.intent_data
        self._coupons[session["id"]] = opened.coupon
        if session["shipping_options"]:
            self._choose(session, session["shipping_options"][0])  # preselected
        self._total(session)
        opening.check_total(session)
        session["url"] = f"https://checkout.stripe.com/c/pay/{session['id']}"
        ledger.keep(session)
        life = timedelta(seconds=session["expires_at"] - session["created"])
        ledger.after(life, lambda: self._run_out(session))
        return session

    def expire(self, session: Thing) -> Thing:
        """Close the page."""
        if session["status"] != "open":
            raise Refusal(
                'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout '
                f"Session has a status of `{session['status']}`."
            )
        session.update(status="expired", url=None)
        self._ledger.tell("checkout.session.expired", session)
        return session

    def pay(
        self,
        session: Thing,
        *,
        card: str,
        method: str,
        customer: Thing,
        shipping_option: int,
        settles_after: timedelta,
        will_fail: bool,
    ) -> Thing:
        """A customer fills the page in and presses Pay; returns the session afterwards."""
        ledger = self._ledger
        if session["status"] != "open":
            raise ValueError(f"{session['id']} is {session['status']}: nobody can pay there")
        self._fill_in(session, customer=customer, shipping_option=shipping_option)
        if session["amount_total"] == 0:
            self._complete(session, payment_status="no_payment_required")
            return session
        intent = self._intent(session, method=method)
        if card == AUTHENTICATES and method == "card":
            intent.update(status="requires_action", next_action={"type": "redirect_to_url"})
            ledger.tell("payment_intent.requires_action", intent)
            return session
        self._charge(session, intent, card=card, method=method)
        if intent["status"] == "processing":
            outcome = self._bounce if will_fail else self._settle
            ledger.after(settles_after, lambda: outcome(session, intent))
        return session

    def authenticate(self, session: Thing, *, succeeds: bool) -> Thing:
        """The customer answers the bank's question, or fails to."""
        intent = self._ledger.get(session["payment_intent"] or self._held_intent(session))
        if succeeds:
            self._charge(session, intent, card=AUTHENTICATES, method="card")
        else:
            intent.update(
                status="requires_payment_method",
                next_action=None,
                last_payment_error={
                    "code": "payment_intent_authentication_failure",
                    "message": "The provided PaymentMethod has failed authentication.",
                    "type": "invalid_request_error",
                },
            )
            self._ledger.tell("payment_intent.payment_failed", intent)
        return session

    def _charge(self, session: Thing, intent: Thing, *, card: str, method: str) -> None:
        details = session["customer_details"]
        self._ledger.pay(
            intent,
            card=card,
            method=method,
            details={
                "address": details["address"],
                "email": details["email"],
                "name": details["name"],
                "phone": details["phone"],
            },
        )
        if intent["status"] == "succeeded":
            self._complete(session, payment_status="paid", intent=intent)
        elif intent["status"] in ("processing", "requires_capture"):
            self._complete(session, payment_status="unpaid", intent=intent)

    def _run_out(self, session: Thing) -> None:
        if session["status"] == "open":
            self.expire(session)

    def _held_intent(self, session: Thing) -> str:
        return str(self._intents[session["id"]].get("id", ""))

    def _intent(self, session: Thing, *, method: str) -> Thing:
        """The session's intent, made when the customer first submits, kept for further tries."""
        data = self._intents[session["id"]]
        if "id" in data:
            return self._ledger.get(data["id"])
        intent = self._ledger.open_intent(
            livemode=session["livemode"],
            amount=session["amount_total"],
            currency=session["currency"],
            payment_method_types=[method],
            shipping=session["shipping_details"],
            **data,
        )
        data["id"] = intent["id"]
        return intent

    def _complete(
        self, session: Thing, *, payment_status: str, intent: Thing | None = None
    ) -> None:
        session.update(
            status="complete",
            url=None,
            payment_status=payment_status,
            payment_intent=intent["id"] if intent else None,
        )
        coupon = self._ledger.books["coupons"].get(self._coupons.get(session["id"], ""))
        if coupon is not None:
            coupon["times_redeemed"] += 1
        self._ledger.tell("checkout.session.completed", session)

    def _settle(self, session: Thing, intent: Thing) -> None:
        self._ledger.succeed(intent, self._ledger.get(intent["latest_charge"]))
        session["payment_status"] = "paid"
        self._ledger.tell("checkout.session.async_payment_succeeded", session)

    def _bounce(self, session: Thing, intent: Thing) -> None:
        charge = self._ledger.get(intent["latest_charge"])
        message = "The customer's bank account could not be debited."
        self._ledger.fail(
            intent, charge, "payment_method_provider_decline", "insufficient_funds", message
        )
        self._ledger.tell("checkout.session.async_payment_failed", session)

    # -- what the page shows --

    def _fill_in(self, session: Thing, *, customer: Thing, shipping_option: int) -> None:
        address = {**objects.NO_ADDRESS, **customer.get("address", {})}
        name, phone = customer.get("name"), customer.get("phone")
        session["customer_details"] = {
            "address": address,
            "email": customer.get("email") or session["customer_email"],
            "name": name,
            "phone": phone if session["phone_number_collection"]["enabled"] else None,
            "tax_exempt": "none",
            "tax_ids": [],
        }
        if session["shipping_address_collection"] is not None:
            allowed = session["shipping_address_collection"]["allowed_countries"]
            if address["country"] not in allowed:
                raise ValueError(
                    f"the page of {session['id']} does not ship to {address['country']}"
                )
            session["shipping_details"] = {"address": address, "name": name}
            if session["phone_number_collection"]["enabled"]:
                session["shipping_details"]["phone"] = phone
        options = session["shipping_options"]
        if options:
            self._choose(session, options[shipping_option])
        if session["automatic_tax"]["enabled"]:
            session["automatic_tax"]["status"] = "complete"
        self._total(session, country=address["country"] or "")

    def _choose(self, session: Thing, option: Thing) -> None:
        session["shipping_cost"] = {
            "amount_subtotal": option["shipping_amount"],
            "amount_tax": 0,
            "amount_total": option["shipping_amount"],
            "shipping_rate": option["shipping_rate"],
        }

    def _total(self, session: Thing, *, country: str = "") -> None:
        """Sums as the page shows them: lines less discount, shipping, tax included or added."""
        lines, cost = self._ledger.lines[session["id"]], session["shipping_cost"]
        coupon = self._ledger.books["coupons"].get(self._coupons.get(session["id"], ""))
        subtotal = sum(line["amount_subtotal"] for line in lines)
        discount = _discount(coupon, subtotal)
        _spread(lines, discount, subtotal)
        rate = TAX_RATES.get(country) if session["automatic_tax"]["enabled"] else None
        inclusive = session["currency"] not in EXCLUSIVE_CURRENCIES
        tax = 0
        for line in lines:
            net = line["amount_subtotal"] - line["amount_discount"]
            line["amount_tax"] = _tax(net, rate, inclusive=inclusive)
            line["amount_total"] = net + (0 if inclusive else line["amount_tax"])
            tax += line["amount_tax"]
        shipping = cost["amount_subtotal"] if cost else 0
        if cost:
            cost["amount_tax"] = _tax(shipping, rate, inclusive=inclusive)
            cost["amount_total"] = shipping + (0 if inclusive else cost["amount_tax"])
            tax += cost["amount_tax"]
        session["amount_subtotal"] = subtotal
        session["amount_total"] = subtotal - discount + shipping + (0 if inclusive else tax)
        session["total_details"] = {
            "amount_discount": discount,
            "amount_shipping": shipping,
            "amount_tax": tax,
        }

    def breakdown(self, session: Thing) -> Thing:
        """`total_details.breakdown`, shown only on demand."""
        details = session["total_details"]
        coupon = self._ledger.books["coupons"].get(self._coupons.get(session["id"], ""))
        discounts = []
        if coupon is not None and details["amount_discount"]:
            discount = {"id": f"di_{session['id'][-20:]}", "object": "discount", "coupon": coupon}
            discounts.append(
                {
                    "amount": details["amount_discount"],
                    "discount": {**discount, "promotion_code": None},
                }
            )
        country = ((session["customer_details"] or {}).get("address") or {}).get("country")
        taxes = []
        if details["amount_tax"] and country in TAX_RATES:
            name, percent = TAX_RATES[country]
            rate = {
                "id": f"txr_{country.lower()}",
                "object": "tax_rate",
                "display_name": name,
                "inclusive": session["currency"] not in EXCLUSIVE_CURRENCIES,
                "percentage": percent,
            }
            taxes.append({"amount": details["amount_tax"], "rate": rate})
        return {"discounts": discounts, "taxes": taxes}


def _discount(coupon: Thing | None, subtotal: int) -> int:
    if coupon is None:
        return 0
    if coupon["amount_off"] is not None:
        return min(int(coupon["amount_off"]), subtotal)
    return subtotal * int(coupon["percent_off"]) // 100


def _spread(lines: list[Thing], discount: int, subtotal: int) -> None:
    """A discount of the whole, over the lines by their worth; the last takes the rest."""
    left = discount
    for index, line in enumerate(lines):
        is_last = index == len(lines) - 1
        share = left if is_last else discount * line["amount_subtotal"] // max(subtotal, 1)
        line["amount_discount"] = share
        left -= share


def _tax(net: int, rate: tuple[str, int] | None, *, inclusive: bool) -> int:
    """Half up, in whole units."""
    if rate is None:
        return 0
    percent = rate[1]
    divisor = 100 + percent if inclusive else 100
    return (2 * net * percent + divisor) // (2 * divisor)
