"""What happens at a simulated Stripe without any call: by customers, banks, people."""

from datetime import timedelta
from typing import Any

from entrepot.connectors.stripe.deliveries import Deliveries
from entrepot.connectors.stripe.ledger import Ledger
from entrepot.connectors.stripe.objects import NO_ADDRESS, webhook_endpoint
from entrepot.connectors.stripe.replays import Replays
from entrepot.connectors.stripe.sessions import Sessions
from entrepot.connectors.stripe.wire import Thing

DELAYED_METHOD_TAKES = timedelta(days=4)
SECRET_OVERLAP = timedelta(hours=24)
PAYING_CARD = "4242424242424242"


class Outside:
    """The acts of a sandbox scenario. Ids that do not exist raise Stripe's own refusal."""

    ledger: Ledger
    sessions: Sessions
    outbox: Deliveries
    replays: Replays
    expired_keys: set[str]
    restrictions: dict[str, tuple[str, ...]]
    breaks: list[bool]

    # -- customers --

    def customer_pays(
        self,
        session_id: str,
        *,
        card: str = PAYING_CARD,
        method: str = "card",
        address: Thing | None = None,
        name: str = "Ämilie Beispiel",
        email: str = "aemilie@kundin.example",
        phone: str = "+4930123456",
        shipping_option: int = 0,
        settles_after: timedelta = DELAYED_METHOD_TAKES,
        will_fail: bool = False,
    ) -> Thing:
        """Fill in the page and press Pay; returns the session afterwards.

        A declined card leaves it open; the customer may try again. `address` has Stripe's keys
        (line1, line2, city, state, postal_code, country). A delayed method completes the session
        unpaid, and pays or (`will_fail`) bounces `settles_after` later.

        Raises:
            ValueError: the page is closed, or does not ship to that country.
        """
        return self.sessions.pay(
            self.ledger.get(session_id, kind="checkout.session"),
            card=card,
            method=method,
            customer={"name": name, "email": email, "phone": phone, "address": address or {}},
            shipping_option=shipping_option,
            settles_after=settles_after,
            will_fail=will_fail,
        )

    def customer_authenticates(self, session_id: str, *, succeeds: bool = True) -> Thing:
        """Answer the bank's question (3-D Secure) after paying with a card that wants it."""
        return self.sessions.authenticate(self.ledger.get(session_id), succeeds=succeeds)

    def customer_abandons(self, session_id: str, *, at_once: bool = True) -> Thing:
        """Go away. The session expires now, or by itself at its `expires_at`."""
        session = self.ledger.get(session_id)
        return self.sessions.expire(session) if at_once else session

    def pay_outside(
        self,
        amount: int,
        currency: str,
        *,
        description: str | None = None,
        metadata: dict[str, str] | None = None,
        card: str = PAYING_CARD,
        method: str = "card",
        email: str = "kund@butik.example",
        capture_method: str = "automatic",
        livemode: bool = False,
    ) -> Thing:
        """A payment that did not come from the hub, in Stripe's units; returns the intent."""
        intent = self.ledger.open_intent(
            livemode=livemode,
            amount=amount,
            currency=currency.lower(),
            description=description,
            metadata=metadata or {},
            receipt_email=email,
            capture_method=capture_method,
            payment_method_types=[method],
        )
        details = {"address": dict(NO_ADDRESS), "email": email, "name": None}
        self.ledger.pay(intent, card=card, method=method, details=details)
        return intent

    # -- a person in the dashboard --

    def refund_in_dashboard(
        self, payment_id: str, *, amount: int | None = None, reason: str | None = None
    ) -> Thing:
        """Refund all that is left, or some; returns the refund."""
        return self.ledger.refund(
            self.charge_of(payment_id), amount=amount, reason=reason, metadata={}
        )

    def fail_refund(self, refund_id: str, *, why: str = "lost_or_stolen_card") -> Thing:
        """The bank sends a refund back."""
        refund = self.ledger.get(refund_id)
        self.ledger.fail_refund(refund, why=why)
        return refund

    def capture_in_dashboard(self, payment_id: str, *, amount: int | None = None) -> Thing:
        """Take authorized money."""
        return self.ledger.capture(self.ledger.get(payment_id), amount=amount)

    def cancel_in_dashboard(self, payment_id: str) -> Thing:
        """Let authorized money go."""
        return self.ledger.cancel(self.ledger.get(payment_id), reason="requested_by_customer")

    def review(self, payment_id: str) -> Thing:
        """Radar asks for a review; returns it."""
        return self.ledger.open_review(self.charge_of(payment_id))

    def close_review(self, review_id: str, *, reason: str = "approved") -> Thing:
        """A person has looked: approved, refunded, refunded_as_fraud, disputed, redacted."""
        return self.ledger.close_review(self.ledger.get(review_id), reason=reason)

    def add_endpoint(
        self, url: str, *, secret: str, topics: tuple[str, ...] = ("*",), livemode: bool = False
    ) -> Thing:
        """A webhook endpoint made by hand, whose secret somebody has copied."""
        endpoint = webhook_endpoint(
            self.ledger.new_id("we_"),
            created=self.ledger.seconds,
            livemode=livemode,
            url=url,
            enabled_events=list(topics),
        )
        self.outbox.adopt(endpoint, secret=secret)
        return endpoint

    def roll_secret(self, endpoint_id: str, *, overlap: timedelta = SECRET_OVERLAP) -> str:
        """Make a new signing secret; the old one signs beside it until the overlap is over."""
        return self.outbox.roll_secret(endpoint_id, overlap=overlap)

    def expire_key(self, key: str) -> None:
        """Roll an API key: the old one is refused from now on."""
        self.expired_keys.add(key)

    def restrict_key(self, key: str, *, paths: tuple[str, ...]) -> None:
        """Take permissions from a restricted key, by the beginning of the path."""
        self.restrictions[key] = paths

    # -- banks, and bad luck --

    def dispute(
        self,
        payment_id: str,
        *,
        amount: int | None = None,
        reason: str = "fraudulent",
        inquiry: bool = False,
    ) -> Thing:
        """A cardholder complains at the bank; returns the dispute."""
        return self.ledger.dispute(
            self.charge_of(payment_id), amount=amount, reason=reason, inquiry=inquiry
        )

    def close_dispute(self, dispute_id: str, *, won: bool) -> Thing:
        """The bank decides."""
        return self.ledger.close_dispute(self.ledger.get(dispute_id), won=won)

    def break_next_write(self, *, does_work: bool) -> None:
        """Let the next write answer 500, with its work done or not; its key remembers the 500."""
        self.breaks.append(does_work)

    def charge_of(self, payment_id: str) -> Thing:
        """The charge of a payment intent, session or charge."""
        thing: dict[str, Any] = self.ledger.get(payment_id)
        while thing["object"] != "charge":
            thing = self.ledger.get(thing.get("payment_intent") or thing["latest_charge"])
        return thing
