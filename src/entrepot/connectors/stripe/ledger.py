"""The books of a simulated Stripe and what may happen to money in them; knows nothing of HTTP.

Each change ends in events, as the platform would make them. All objects of one account, live and
test, stand in the same books, apart by their `livemode`.
"""

import hashlib
import heapq
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from entrepot.connectors.stripe import cards, objects
from entrepot.connectors.stripe.wire import Refusal, Thing, copied, missing

AUTHORIZATION_LIFE = timedelta(days=7)
REFUND_FAILS_AFTER = timedelta(hours=2)
REFUND_SETTLES_AFTER = timedelta(hours=1)

KINDS = {
    "cs_": "sessions", "pi_": "payment_intents", "ch_": "charges", "py_": "charges",
    "re_": "refunds", "du_": "disputes", "prv_": "reviews", "evt_": "events",
    "we_": "webhook_endpoints", "prod_": "products", "shr_": "shipping_rates",
    "txn_": "balance_transactions",
}  # fmt: skip
BOOKS = (*dict.fromkeys(KINDS.values()), "coupons")


class Ledger:
    """Sessions, payments, refunds, disputes and reviews, and the timers that move them."""

    def __init__(self, *, now: Callable[[], datetime], seed: int) -> None:
        self.books: dict[str, dict[str, Thing]] = {name: {} for name in BOOKS}
        self.lines: dict[str, list[Thing]] = {}  # of sessions
        self.cards: dict[str, str] = {}  # of charges
        self.on_event: Callable[[str, Thing], None] = lambda _topic, _thing: None
        self._now = now
        self._seed = seed
        self._numbers = itertools.count(1)
        self._timers: list[tuple[datetime, int, Callable[[], None]]] = []

    @property
    def seconds(self) -> int:
        """The platform's clock in seconds since 1970."""
        return int(self._now().timestamp())

    def new_id(self, prefix: str, *, length: int = 24) -> str:
        """An id that this book never gave out; the same again for the same seed."""
        digest = hashlib.sha512(f"{self._seed}:{prefix}:{next(self._numbers)}".encode()).hexdigest()
        return f"{prefix}{digest[:length]}"

    def keep(self, thing: Thing) -> Thing:
        """Enter an object under its id."""
        self.books[_book_of(thing["id"])][thing["id"]] = thing
        return thing

    def get(self, external_id: str, *, kind: str = "object") -> Thing:
        """An object by its id, or Stripe's refusal."""
        thing = self.find(external_id)
        if thing is None:
            raise missing(kind, external_id)
        return thing

    def find(self, external_id: str) -> Thing | None:
        """An object by its id."""
        name = _book_of(external_id)
        return self.books[name].get(external_id) if name else None

    def after(self, wait: timedelta, act: Callable[[], None]) -> None:
        """Let something happen later."""
        heapq.heappush(self._timers, (self._now() + wait, next(self._numbers), act))

    def run_timers(self) -> None:
        """Let happen what is due."""
        while self._timers and self._timers[0][0] <= self._now():
            heapq.heappop(self._timers)[2]()

    def tell(self, topic: str, thing: Thing) -> None:
        """Make an event of it."""
        self.on_event(topic, copied(thing))

    # -- payments --

    def open_intent(self, *, livemode: bool, **own: Any) -> Thing:
        """A payment intent before any try."""
        intent = objects.payment_intent(
            self.new_id("pi_"), created=self.seconds, livemode=livemode, **own
        )
        self.tell("payment_intent.created", self.keep(intent))
        return intent

    def pay(self, intent: Thing, *, card: str, method: str, details: Thing) -> Thing:
        """Try to pay an intent; returns the charge. `details` are the billing details.

        A card that asks for authentication leaves the intent waiting and makes no charge.
        """
        charge = objects.charge(
            self.new_id("ch_" if method == "card" else "py_"),
            created=self.seconds,
            livemode=intent["livemode"],
            amount=intent["amount"],
            currency=intent["currency"],
            billing_details={**details, "phone": details.get("phone")},
            customer=intent["customer"],
            description=intent["description"],
            metadata=dict(intent["metadata"]),
            payment_intent=intent["id"],
            payment_method=self.new_id("pm_"),
            payment_method_details=objects.method_details(method, card=card),
            receipt_email=intent["receipt_email"],
            shipping=intent["shipping"],
        )
        self.cards[charge["id"]] = card
        intent.update(latest_charge=charge["id"], payment_method=charge["payment_method"])
        self.keep(charge)
        if card in cards.DECLINES and method == "card":
            self.fail(intent, charge, *cards.DECLINES[card])
        elif method in objects.DELAYED_METHODS:
            intent.update(status="processing", processing={"type": method})
            self.tell("payment_intent.processing", intent)
            self.tell("charge.pending", charge)
        else:
            self.succeed(intent, charge)
        return charge

    def succeed(self, intent: Thing, charge: Thing) -> None:
        """The money is there, or set aside where the intent captures by hand."""
        manual = intent["capture_method"] == "manual"
        charge.update(status="succeeded", paid=True, outcome=_outcome("authorized"))
        intent.update(last_payment_error=None, next_action=None, processing=None)
        if manual:
            intent.update(status="requires_capture", amount_capturable=intent["amount"])
            self.tell("charge.succeeded", charge)
            self.tell("payment_intent.amount_capturable_updated", intent)
            self.after(AUTHORIZATION_LIFE, lambda: self._run_out(intent, charge))
        else:
            self._take(intent, charge, intent["amount"])
            self.tell("charge.succeeded", charge)
            self.tell("payment_intent.succeeded", intent)
        self._play_card(charge)

    def fail(self, intent: Thing, charge: Thing, code: str, decline: str, message: str) -> None:
        """A try that failed; the intent waits for another method."""
        charge.update(
            status="failed",
            failure_code=code,
            failure_message=message,
            outcome={**_outcome("issuer_declined"), "reason": decline},
        )
        intent.update(
            status="requires_payment_method",
            processing=None,
            payment_method=None,
            last_payment_error={
                "charge": charge["id"],
                "code": code,
                "decline_code": decline,
                "message": message,
                "type": "card_error",
            },
        )
        self.tell("charge.failed", charge)
        self.tell("payment_intent.payment_failed", intent)

    def capture(self, intent: Thing, *, amount: int | None) -> Thing:
        """Take what was set aside; the rest is let go."""
        if intent["status"] != "requires_capture":
            raise Refusal(
                "This PaymentIntent could not be captured because it has a status of "
                f"{intent['status']}. Only a PaymentIntent with one of the following statuses may "
                "be captured: requires_capture.",
                code="payment_intent_unexpected_state",
            )
        if amount is not None and amount > intent["amount_capturable"]:
            raise Refusal(
                "The amount to capture is greater than the amount that was authorized.",
                code="amount_too_large",
                param="amount_to_capture",
            )
        charge = self.get(intent["latest_charge"])
        self._take(intent, charge, intent["amount_capturable"] if amount is None else amount)
        self.tell("charge.captured", charge)
        self.tell("payment_intent.succeeded", intent)
        return intent

    def capture_charge(self, charge: Thing, *, amount: int | None) -> Thing:
        """Take what a charge without an intent set aside."""
        if charge["captured"] or charge["status"] != "succeeded":
            raise Refusal(
                f"Charge {charge['id']} has already been captured.", code="charge_already_captured"
            )
        units = charge["amount"] if amount is None else amount
        entry = self.book(units, charge["currency"])
        charge.update(captured=True, amount_captured=units, balance_transaction=entry)
        self.tell("charge.captured", charge)
        return charge

    def cancel(self, intent: Thing, *, reason: str | None) -> Thing:
        """Let an intent go, and with it what was set aside."""
        if intent["status"] in ("succeeded", "canceled", "processing"):
            raise Refusal(
                "You cannot cancel this PaymentIntent because it has a status of "
                f"{intent['status']}.",
                code="payment_intent_unexpected_state",
            )
        charge = self.find(intent["latest_charge"] or "")
        if charge is not None and charge["status"] == "succeeded":
            charge.update(amount_refunded=charge["amount"], refunded=True)
            self.tell("charge.refunded", charge)
        intent.update(
            status="canceled",
            amount_capturable=0,
            canceled_at=self.seconds,  # typos: meant
            cancellation_reason=reason,
        )
        self.tell("payment_intent.canceled", intent)  # typos: meant
        return intent

    # -- refunds --

    def refund(
        self, charge: Thing, *, amount: int | None, reason: str | None, metadata: dict[str, str]
    ) -> Thing:
        """Give back all or some of what was taken."""
        left = charge["amount_captured"] - charge["amount_refunded"]
        if charge["disputed"]:
            raise Refusal(
                f"Charge {charge['id']} has been charged back; cannot issue a refund.",
                code="charge_disputed",
            )
        if left <= 0:
            raise Refusal(
                f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
            )
        units = left if amount is None else amount
        if units > left:
            raise Refusal(
                f"Refund amount ({units}) is greater than unrefunded amount on charge ({left})",
                param="amount",
            )
        card = self.cards.get(charge["id"], "")
        made = objects.refund(
            self.new_id("re_"),
            created=self.seconds,
            amount=units,
            balance_transaction=self.book(units, charge["currency"]),
            charge=charge["id"],
            currency=charge["currency"],
            metadata=metadata,
            payment_intent=charge["payment_intent"],
            reason=reason,
            status="pending" if card == cards.REFUNDS_PEND else "succeeded",
        )
        charge["amount_refunded"] += units
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        self.keep(made)
        self.tell("charge.refunded", charge)
        self.tell("refund.created", made)
        if card == cards.REFUNDS_FAIL:
            self.after(REFUND_FAILS_AFTER, lambda: self.fail_refund(made))
        if card == cards.REFUNDS_PEND:
            self.after(REFUND_SETTLES_AFTER, lambda: self._settle_refund(made))
        return made

    def fail_refund(self, refund: Thing, *, why: str = "lost_or_stolen_card") -> None:
        """The bank sends it back: the merchant has the money again."""
        charge = self.get(refund["charge"])
        charge["amount_refunded"] -= refund["amount"]
        charge["refunded"] = False
        refund.update(
            status="failed",
            failure_reason=why,
            failure_balance_transaction=self.book(refund["amount"], refund["currency"]),
        )
        self.tell("charge.refund.updated", refund)
        self.tell("refund.updated", refund)

    def _settle_refund(self, refund: Thing) -> None:
        refund["status"] = "succeeded"
        self.tell("charge.refund.updated", refund)
        self.tell("refund.updated", refund)

    # -- complaints --

    def dispute(self, charge: Thing, *, amount: int | None, reason: str, inquiry: bool) -> Thing:
        """A cardholder complains at the bank; an inquiry takes no money yet."""
        made = objects.dispute(
            self.new_id("du_"),
            created=self.seconds,
            livemode=charge["livemode"],
            amount=charge["amount_captured"] if amount is None else amount,
            charge=charge["id"],
            currency=charge["currency"],
            payment_intent=charge["payment_intent"],
            reason=reason,
            status="warning_needs_response" if inquiry else "needs_response",
        )
        charge["disputed"] = True
        self.tell("charge.dispute.created", self.keep(made))
        if not inquiry:
            self.tell("charge.dispute.funds_withdrawn", made)
        return made

    def close_dispute(self, dispute: Thing, *, won: bool) -> Thing:
        """The bank decides."""
        was_inquiry = dispute["status"].startswith("warning_")
        dispute["status"] = "warning_closed" if was_inquiry else ("won" if won else "lost")
        if won and not was_inquiry:
            self.tell("charge.dispute.funds_reinstated", dispute)
        self.tell("charge.dispute.closed", dispute)
        return dispute

    def open_review(self, charge: Thing) -> Thing:
        """Radar wants a person to look at a payment."""
        made = objects.review(
            self.new_id("prv_"),
            created=self.seconds,
            livemode=charge["livemode"],
            charge=charge["id"],
            payment_intent=charge["payment_intent"],
        )
        charge["review"] = made["id"]
        intent = self.find(charge["payment_intent"] or "")
        if intent is not None:
            intent["review"] = made["id"]
        self.tell("review.opened", self.keep(made))
        return made

    def close_review(self, review: Thing, *, reason: str) -> Thing:
        """A person has looked."""
        review.update(open=False, reason=reason, closed_reason=reason)
        self.tell("review.closed", review)
        return review

    def book(self, units: int, currency: str) -> str:
        """An entry of the merchant's balance; returns its id."""
        entry = {
            "id": self.new_id("txn_"),
            "object": "balance_transaction",
            "amount": units,
            "created": self.seconds,
            "currency": currency,
        }
        return str(self.keep(entry)["id"])

    def _take(self, intent: Thing, charge: Thing, units: int) -> None:
        charge.update(
            captured=True,
            amount_captured=units,
            balance_transaction=self.book(units, charge["currency"]),
        )
        intent.update(status="succeeded", amount_received=units, amount_capturable=0)

    def _run_out(self, intent: Thing, charge: Thing) -> None:
        if intent["status"] == "requires_capture":
            charge.update(amount_refunded=charge["amount"], refunded=True)
            self.tell("charge.expired", charge)
            self.cancel(intent, reason="automatic")

    def _play_card(self, charge: Thing) -> None:
        """What the test cards do once they have paid."""
        card = self.cards.get(charge["id"], "")
        if card == cards.DISPUTES:
            self.dispute(charge, amount=None, reason="fraudulent", inquiry=False)
        if card == cards.REVIEWED:
            self.open_review(charge)


def _book_of(external_id: str) -> str:
    prefix, mark, _ = external_id.partition("_")
    return KINDS.get(prefix + mark, "")


def _outcome(kind: str) -> Thing:
    return {
        "network_status": "approved_by_network" if kind == "authorized" else "declined_by_network",
        "reason": None,
        "risk_level": "normal",
        "seller_message": "Payment complete." if kind == "authorized" else "The bank declined it.",
        "type": kind,
    }
