"""The simulated Stripe in the sandbox: customers at its payment page, and shops that use it."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from entrepot.canon.money import Money
from entrepot.connect.simulator import Clock
from entrepot.connect.world import Good, Later, Person, Place, Sale, Sold, Turn
from entrepot.connectors.stripe.amounts import to_money, to_units
from entrepot.connectors.stripe.cards import AUTHENTICATES
from entrepot.connectors.stripe.fields import CHECKOUT_MARK
from entrepot.connectors.stripe.simulator import StripeSimulator, example_account

DECLINED_CARD = "4000000000000002"
# Sandbox time. The real thing takes days; a run would not see the end of it.
DEBIT_TAKES = timedelta(minutes=15)
# All money goes back before the goods are made, a part of it after they left.
REGRETS, ARRIVED_DAMAGED = timedelta(minutes=3), timedelta(minutes=45)


class Gateway(Place):
    """One Stripe account."""

    simulator: StripeSimulator
    ACTIONS = frozenset(
        {
            "customer_pays",
            "customer_authenticates",
            "customer_abandons",
            "pay_outside",
            "refund_in_dashboard",
            "dispute",
            "close_dispute",
            "review",
            "close_review",
            "break_next_write",
        }
    )

    def __init__(self, *, clock: Clock) -> None:
        super().__init__(mount="stripe", name="Stripe", simulator=StripeSimulator(clock))
        self.currencies = ("EUR", "SEK", "GBP", "USD", "JPY")

    def settings(self, base_url: str) -> dict[str, Any]:
        """The test key."""
        return dict(example_account(base_url).settings)

    def take_payment(self, amount: Money, note: str) -> str:
        """A shop's own page took a card."""
        payment = self.simulator.pay_outside(to_units(amount), amount.currency, description=note)
        return str(payment["id"])

    def pay(self, page_url: str, sale: Sale) -> Sold:
        """Follow the link of a checkout, and do as this customer does."""
        session = page_url.rstrip("/").rpartition("/")[2]
        match sale.turn:
            case Turn.ABANDONED:
                self.simulator.customer_abandons(session)
                return Sold(external_id=session)
            case Turn.DECLINED:
                self._pays(session, sale, card=DECLINED_CARD)
                # Half of them have another card.
                again = Later(after=timedelta(minutes=2), act=lambda: self._pays(session, sale))
                return Sold(external_id=session, later=(again,) if sale.number % 2 else ())
            case Turn.DELAYED:
                self._pays(session, sale, method="sepa_debit", settles_after=DEBIT_TAKES)
                return Sold(external_id=session)
            case Turn.REFUNDED | Turn.PARTLY_REFUNDED:
                self._pays(session, sale)
                after = REGRETS if sale.turn is Turn.REFUNDED else ARRIVED_DAMAGED
                gives_back = Later(after=after, act=lambda: self._refund(session, sale))
                return Sold(external_id=session, later=(gives_back,))
            case _ if sale.number % 7 == 0:
                self._pays(session, sale, card=AUTHENTICATES)
                self.simulator.customer_authenticates(session)
                return Sold(external_id=session)
            case _:
                self._pays(session, sale)
                return Sold(external_id=session)

    def _pays(self, session: str, sale: Sale, **how: Any) -> None:
        person = sale.customer
        self.simulator.customer_pays(
            session,
            name=person.name,
            email=person.email,
            phone=person.phone,
            address=_address(person),
            shipping_option=int(sale.is_express),
            **how,
        )

    def _refund(self, session: str, sale: Sale) -> None:
        charge = self.simulator.charge_of(session)
        if not charge["captured"]:  # nothing was taken yet: it is let go
            if not charge["refunded"]:
                self.simulator.cancel_in_dashboard(charge["payment_intent"])
            return
        total = charge["amount"]
        amount = total if sale.turn is Turn.REFUNDED else total // 3
        self.simulator.refund_in_dashboard(session, amount=amount, reason="requested_by_customer")

    def open(self, goods: Sequence[Good]) -> None:
        """Nothing has to be prepared."""

    def sworn(self) -> dict[str, list[dict[str, Any]]]:
        """Every checkout that was opened, and every payment."""
        books = self.simulator.ledger.books
        refunded: dict[str, int] = {}
        for refund in books["refunds"].values():
            if refund["status"] != "failed":
                payment = refund["payment_intent"] or refund["charge"]
                refunded[payment] = refunded.get(payment, 0) + refund["amount"]
        ends = Counter(
            (event["type"], _payment_in(event["data"]["object"]))
            for event in books["events"].values()
        )
        return {
            "checkouts": [
                {
                    "external_id": session["id"],
                    "reference": session["metadata"].get(CHECKOUT_MARK, ""),
                    "is_paid": session["status"] == "complete"
                    and session["payment_status"] in {"paid", "no_payment_required"},
                    "is_pending": session["status"] == "complete"
                    and session["payment_status"] == "unpaid",
                    "total": str(to_money(session["amount_total"], session["currency"]).amount),
                    "currency": session["currency"].upper(),
                    "transaction_id": session["payment_intent"] or "",
                }
                for session in books["sessions"].values()
            ],
            "payments": [
                {
                    "external_id": intent["id"],
                    "amount": str(to_money(intent["amount_received"], intent["currency"]).amount),
                    "currency": intent["currency"].upper(),
                    "is_by_hand": intent["capture_method"] == "manual",
                    "is_open": intent["status"] == "requires_capture",
                    "captures": ends["charge.captured", intent["id"]],
                    "voids": ends["payment_intent.canceled", intent["id"]],  # typos: meant
                    "refunded": str(
                        to_money(refunded.get(intent["id"], 0), intent["currency"]).amount
                    ),
                }
                for intent in books["payment_intents"].values()
            ],
        }


def places(clock: Clock, run: str) -> list[Place]:  # noqa: ARG001 -- as every platform
    """One account; another start of the simulator is another account by itself."""
    return [Gateway(clock=clock)]


def _payment_in(thing: dict[str, Any]) -> str:
    """The payment that an event is about, itself or by its charge."""
    return str(thing.get("payment_intent") or thing["id"])


def _address(person: Person) -> dict[str, str]:
    return {
        "line1": person.line1,
        "line2": person.line2,
        "city": person.city,
        "state": person.state,
        "postal_code": person.postal_code,
        "country": person.country,
    }
