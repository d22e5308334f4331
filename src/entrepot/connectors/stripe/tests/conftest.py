"""A simulated Stripe served over HTTP on loopback, clients of it, and carts to sell."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from entrepot.canon.messages import CanonicalItem, CheckoutNews, Flow
from entrepot.canon.money import Money
from entrepot.canon.orders import OrderSnapshot
from entrepot.canon.payments import (
    CheckoutLine,
    CheckoutRequest,
    CheckoutShipping,
    RefundRequest,
)
from entrepot.connect.http import Http
from entrepot.connect.ports import Account, InboundMessage
from entrepot.connect.simulator import Clock
from entrepot.connectors.stripe import simulator as stripe_simulator
from entrepot.connectors.stripe import webhook
from entrepot.connectors.stripe.client import Client, base_url
from entrepot.connectors.stripe.simulator import StripeSimulator
from tests.serving import serve

HOOK = "https://hub.example/hooks/7"
COLOGNE = {"line1": "Prüfgasse 7", "city": "Köln", "postal_code": "50667", "country": "DE"}


@pytest.fixture
def clock() -> Clock:
    return Clock(start=datetime(2026, 11, 20, 9, tzinfo=UTC))


@pytest.fixture
def simulator(clock: Clock) -> StripeSimulator:
    return stripe_simulator.build(clock)


@pytest.fixture
def account(simulator: StripeSimulator) -> Iterator[Account]:
    with serve(simulator) as address:
        yield stripe_simulator.example_account(address)


@pytest.fixture
def client(account: Account) -> Client:
    return Client(Http(base_url(account)), account)


@pytest.fixture
def client_with(account: Account) -> Callable[..., Client]:
    def make(**settings: Any) -> Client:
        changed = Account(mode=account.mode, settings={**account.settings, **settings})
        return Client(Http(base_url(changed)), changed)

    return make


def expire(client: Client, session_id: str) -> None:
    """Close a page, as another program of the account may do."""
    client._write(f"/v1/checkout/sessions/{session_id}/expire", [])


def cart(reference: str = "E-CART-1", currency: str = "EUR", **changes: Any) -> CheckoutRequest:
    """Three mugs and two posters with two deliveries, in amounts that every currency knows."""
    values: dict[str, Any] = {
        "reference": reference,
        "idempotency_key": f"key of {reference}",
        "lines": (
            CheckoutLine(
                sku="MUG-BLÅ",
                title="Tässe „Blau“",
                quantity=3,
                unit_price=Money.of("1300", currency),
            ),
            CheckoutLine(
                sku="POSTER", title="Poster Łódź", quantity=2, unit_price=Money.of("2500", currency)
            ),
        ),
        "shipping_options": (
            CheckoutShipping(code="std", title="Päckchen", price=Money.of("490", currency)),
            CheckoutShipping(code="exp", title="Express", price=Money.of("1490", currency)),
        ),
        "currency": currency,
        "success_url": "https://butik.example/tack?s={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://butik.example/korg",
        "allowed_countries": ("DE", "SE", "US"),
    }
    return CheckoutRequest(**(values | changes))


def paid(client: Client, simulator: StripeSimulator, **how: Any) -> str:
    """A cart that was sold and paid for; returns the payment's id."""
    opened = client.open_checkout(cart())
    simulator.customer_pays(opened.external_id, address=COLOGNE, **how)
    return str(simulator.books["sessions"][opened.external_id]["payment_intent"])


def refund_of(
    payment: str, amount: str, reference: str = "E-REFUND-1", **changes: Any
) -> RefundRequest:
    values: dict[str, Any] = {
        "reference": reference,
        "idempotency_key": f"key of {reference}",
        "payment_external_id": payment,
        "order_external_id": "cs_of_it",
        "amount": Money.of(amount, "EUR"),
    }
    return RefundRequest(**(values | changes))


def normalized(
    body: bytes, account: Account, *, source: str = "webhook"
) -> tuple[CanonicalItem, ...]:
    message = InboundMessage(
        source=source, topic="", body=body, received_at=datetime(2026, 11, 20, tzinfo=UTC)
    )
    return webhook.normalize(message, account)


def news_of(client: Client, account: Account, session_id: str) -> CheckoutNews:
    """What a session says when it is read back."""
    item = client.fetch(Flow.CHECKOUTS, session_id)
    assert item is not None
    (news,) = normalized(item.body, account, source="poll")
    assert isinstance(news, CheckoutNews)
    return news


def order_of(client: Client, account: Account, session_id: str) -> OrderSnapshot:
    order = news_of(client, account, session_id).order
    assert order is not None
    return order
