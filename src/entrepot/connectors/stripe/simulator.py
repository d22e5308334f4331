"""Stripe offline: API 2023-10-16 over HTTP, with books of its own.

What happens outside any call, for sandbox scenarios and tests:

- customers: `customer_pays(session_id, card=…, method=…, address=…)`, with Stripe's test cards
  (declined, insufficient funds, 3-D Secure, disputed, refund fails; see `cards`) or a delayed
  method that pays or bounces days later; `customer_authenticates`, `customer_abandons`,
  `pay_outside(amount, currency)` for a payment that did not come from the hub;
- a person in the dashboard: `refund_in_dashboard`, `fail_refund`, `capture_in_dashboard`,
  `cancel_in_dashboard`, `review`, `close_review`, `add_endpoint`, `roll_secret`, `expire_key`,
  `restrict_key`;
- banks: `dispute`, `close_dispute`;
- bad luck: `break_next_write(does_work=…)`, a 500 that the idempotency key remembers.

They stand in `outside.py`, with their arguments.
`tick()` lets timers run: expiry of sessions, delayed methods, failing refunds, authorizations.
"""

import base64
import binascii
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from entrepot.canon.money import Money
from entrepot.canon.orders import Mode
from entrepot.canon.payments import (
    CheckoutLine,
    CheckoutRequest,
    CheckoutShipping,
    RefundRequest,
)
from entrepot.connect.ports import Account, Secrets
from entrepot.connect.simulator import Clock, Delivery, Request, Response, Simulator
from entrepot.connect.webhook import WebhookRequest
from entrepot.connectors.stripe.deliveries import Deliveries
from entrepot.connectors.stripe.desk import Answer, Call, Desk
from entrepot.connectors.stripe.fields import API_VERSION, CHECKOUT_MARK
from entrepot.connectors.stripe.ledger import Ledger
from entrepot.connectors.stripe.outside import Outside
from entrepot.connectors.stripe.replays import Replays
from entrepot.connectors.stripe.sessions import Sessions
from entrepot.connectors.stripe.wire import Refusal, Thing, copied

KEY_PREFIXES = ("sk_test_", "sk_live_", "rk_test_", "rk_live_")
NO_CALL: Thing = {"id": None, "idempotency_key": None}


def build(clock: Clock) -> "StripeSimulator":
    """A Stripe with empty books."""
    return StripeSimulator(clock)


class StripeSimulator(Outside, Simulator):
    """One account at Stripe, in live and in test mode; the key of a call decides which."""

    code = "stripe"

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        # Another start gives other ids, as another account would: none is ever given out twice.
        self.ledger = Ledger(now=clock.now, seed=int(clock.now().timestamp()))
        self.sessions = Sessions(self.ledger)
        self.desk = Desk(self.ledger, self.sessions)
        self.replays = Replays(now=clock.now)
        self.outbox = Deliveries(self.ledger, now=clock.now)
        self.books = {**self.ledger.books}
        self.api_version = API_VERSION  # of the account: what polled events are rendered in
        self.expired_keys = set()
        self.restrictions = {}  # paths that a key may not use
        self.breaks = []
        self._hidden_until: dict[str, datetime] = {}
        self._call = NO_CALL
        self.desk.account = _account(self.ledger.new_id("acct_1", length=15))
        self.desk.is_hidden = self._is_hidden
        self.desk.new_secret = self.outbox.new_secret
        self.ledger.on_event = self._tell
        for path, answer in self.desk.reads.items():
            self.route("GET", path, self._reading(answer))
        for path, answer in self.desk.writes.items():
            self.route("POST", path, self._writing(answer))
        self.route("DELETE", "/v1/webhook_endpoints/{id}", self._writing(self.desk.remove_endpoint))

    # -- the wire --

    def handle(self, request: Request) -> Response | None:
        """Answer one call, with the headers that every answer of Stripe's has."""
        self.tick()
        self._call = {
            "id": self.ledger.new_id("req_", length=14),
            "idempotency_key": request.headers.get("idempotency-key"),
        }
        answer = super().handle(request)
        told = {"Request-Id": self._call["id"], "Stripe-Version": API_VERSION}
        self._call = NO_CALL
        if answer is None:
            return None
        return Response(answer.status, answer.body, {**told, **answer.headers})

    def authenticate(self, request: Request) -> Response | None:
        """Refuse calls without a key, with a wrong or expired one, or one that may not do this."""
        key = _key_of(request)
        shown = f"{key[:8]}***"
        if not key:
            return Refusal("You did not provide an API key.", status=401).response()
        if not key.startswith(KEY_PREFIXES):
            return Refusal(f"Invalid API Key provided: {shown}", status=401).response()
        if key in self.expired_keys:
            message = f"Expired API Key provided: {shown}"
            return Refusal(message, status=401, code="api_key_expired").response()
        if any(request.path.startswith(path) for path in self.restrictions.get(key, ())):
            message = f"The provided key '{shown}' does not have the required permissions."
            return Refusal(message, status=403).response()
        version = request.headers.get("stripe-version", API_VERSION)
        if version != API_VERSION:
            return Refusal(f"Invalid Stripe API version: {version}").response()
        return None

    def not_found(self, request: Request) -> Response:
        """A path that this Stripe does not have."""
        message = f"Unrecognized request URL ({request.method}: {request.path})."
        return Refusal(message, status=404).response()

    def too_many(self) -> Response:
        """Stripe's 429."""
        return Refusal("Request rate limit exceeded.", status=429, code="rate_limit").response()

    def broken(self) -> Response:
        """Stripe's 500."""
        return Refusal("An unknown error occurred.", status=500, type="api_error").response()

    def tick(self) -> None:
        """Let timers run."""
        self.ledger.run_timers()

    def due_deliveries(self) -> list[Delivery]:
        """Take out what is due, signed at this instant."""
        return [delivery for delivery in super().due_deliveries() if self.outbox.sign(delivery)]

    def delivered(self, delivery: Delivery, status: int) -> None:
        """Learn how a delivery ended."""
        self.outbox.returned(delivery)
        super().delivered(delivery, status)

    def summary(self) -> dict[str, Any]:
        """Counts; and for a judge each paid session, and what was taken and given back."""
        sessions = self.ledger.books["sessions"].values()
        intents = self.ledger.books["payment_intents"].values()
        refunds = self.ledger.books["refunds"].values()
        return {
            **super().summary(),
            "paid_sessions": [
                {
                    "id": session["id"],
                    "reference": session["metadata"].get(CHECKOUT_MARK, ""),
                    "payment_intent": session["payment_intent"],
                    "amount": session["amount_total"],
                    "currency": session["currency"],
                    "livemode": session["livemode"],
                }
                for session in sessions
                if session["payment_status"] in ("paid", "no_payment_required")
                and session["status"] == "complete"
            ],
            "captured": _sums(intents, "amount_received"),
            "refunded": _sums((row for row in refunds if row["status"] == "succeeded"), "amount"),
        }

    def _reading(self, answer: Answer) -> Callable[[Request], Response]:
        def handler(request: Request) -> Response:
            try:
                return Response(200, answer(Call(request, _is_live(request))))
            except Refusal as refusal:
                return refusal.response()

        return handler

    def _writing(self, answer: Answer) -> Callable[[Request], Response]:
        """Do a write once per idempotency key."""

        def handler(request: Request) -> Response:
            livemode = _is_live(request)
            try:
                if known := self.replays.find(request, livemode=livemode):
                    return known
            except Refusal as refusal:
                return refusal.response()
            try:
                response = self._written(request, answer)
            except Refusal as refusal:
                response = refusal.response()
                if not refusal.is_remembered:
                    return response
            self.replays.keep(request, response, livemode=livemode)
            return response

        return handler

    def _written(self, request: Request, answer: Answer) -> Response:
        if self.breaks:
            if self.breaks.pop(0):
                answer(Call(request, _is_live(request)))
            return self.broken()
        made = copied(answer(Call(request, _is_live(request))))
        if self.faults.strikes("invisible"):
            hidden_for = timedelta(seconds=self.faults.invisible_seconds)
            self._hidden_until[made["id"]] = self.clock.now() + hidden_for
        return Response(200, made)

    def _is_hidden(self, external_id: str) -> bool:
        """New objects may miss in lists for a while; by their id they are always found."""
        until = self._hidden_until.get(external_id)
        return until is not None and until > self.clock.now()

    def _tell(self, topic: str, thing: Thing) -> None:
        event = {
            "id": self.ledger.new_id("evt_"),
            "object": "event",
            "api_version": self.api_version,
            "created": self.ledger.seconds,
            "data": {"object": thing},
            "livemode": self._mode_of(thing),
            "pending_webhooks": 0,
            "request": dict(self._call),
            "type": topic,
        }
        self.ledger.keep(event)
        for delivery in self.outbox.of_event(event):
            self.send_webhook(delivery)

    def _mode_of(self, thing: Thing) -> bool:
        """The mode of an object; a refund has the mode of its charge."""
        if "livemode" in thing:
            return bool(thing["livemode"])
        return bool(self.ledger.get(thing["charge"])["livemode"])


def _is_live(request: Request) -> bool:
    return _key_of(request)[3:].startswith("live_")


def _key_of(request: Request) -> str:
    """The key of a call: a bearer token, or the user name of Basic."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _sums(rows: Iterable[Thing], field: str) -> dict[str, int]:
    """Stripe's units by currency."""
    totals: dict[str, int] = {}
    for row in rows:
        totals[row["currency"]] = totals.get(row["currency"], 0) + row[field]
    return totals


def _account(external_id: str) -> Thing:
    return {
        "id": external_id,
        "object": "account",
        "business_profile": {"name": "Entrepôt Sandbox", "url": "https://shop.example"},
        "charges_enabled": True,
        "country": "DE",
        "default_currency": "eur",
        "details_submitted": True,
        "email": "owner@shop.example",
        "metadata": {},
        "payouts_enabled": True,
        "settings": {"dashboard": {"display_name": "Entrepôt Sandbox", "timezone": "Etc/UTC"}},
        "type": "standard",
    }


def example_account(base_url: str) -> Account:
    """An account whose calls this simulator takes, in test mode."""
    return Account(
        mode=Mode.TEST,
        settings={"base_url": base_url, "secret_key": "sk_test_sandbox", "collect_phone": True},
    )


def example_secrets() -> Secrets:
    """What signs the webhooks of a connection."""
    return Secrets(signing=("whsec_4b7e19c2d8f0a6",))


def example_webhook(secrets: Secrets, *, at: datetime) -> WebhookRequest:
    """A payment's event as it would arrive at a connection with these secrets."""
    simulator = build(Clock(start=at, speed=0.0))
    simulator.add_endpoint(
        "https://hub.example/hooks/1",
        secret=secrets.signing[0],
        topics=("payment_intent.succeeded",),
    )
    simulator.pay_outside(129900, "sek", description="Beställning 1043")
    (delivery,) = simulator.due_deliveries()
    headers = {name.lower(): value for name, value in delivery.headers.items()}
    return WebhookRequest(body=delivery.body, headers=headers)


def example_checkout(reference: str) -> CheckoutRequest:
    """Two products, several of each, and two deliveries."""
    return CheckoutRequest(
        reference=reference,
        idempotency_key=f"key-of-{reference}",
        lines=(
            CheckoutLine(
                sku="MUG-BLÅ", title="Mugg „Blå“", quantity=3, unit_price=Money.of("149", "SEK")
            ),
            CheckoutLine(
                sku="POSTER", title="Affisch", quantity=2, unit_price=Money.of("299.50", "SEK")
            ),
        ),
        shipping_options=(
            CheckoutShipping(code="std", title="PostNord", price=Money.of("49", "SEK")),
            CheckoutShipping(code="exp", title="Express", price=Money.of("129", "SEK")),
        ),
        currency="SEK",
        success_url="https://butik.example/tack",
        cancel_url="https://butik.example/korg",
        allowed_countries=("SE", "DE"),
    )


def example_refund(simulator: StripeSimulator, reference: str) -> RefundRequest:
    """Some of a payment that is there."""
    payment = simulator.pay_outside(129900, "sek")
    return RefundRequest(
        reference=reference,
        idempotency_key=f"key-of-{reference}",
        payment_external_id=payment["id"],
        order_external_id="1043",
        amount=Money.of("245.50", "SEK"),
        reason="arrived broken",
    )


def example_happenings(simulator: StripeSimulator) -> None:
    """Payments of several kinds: paid, declined, refunded, disputed, on their way."""
    first = simulator.pay_outside(129900, "sek", description="Beställning 1043")
    simulator.pay_outside(4200, "jpy", card="4000000000000002")
    simulator.pay_outside(5000, "eur", method="sepa_debit")
    second = simulator.pay_outside(7700, "usd", capture_method="manual")
    simulator.refund_in_dashboard(first["id"], amount=5000)
    simulator.dispute(first["id"], amount=9000)
    simulator.cancel_in_dashboard(second["id"])
