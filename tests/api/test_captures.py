"""Captures and voids that a machine asks for, and what a page offers of them."""

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from entrepot.access import scope
from entrepot.canon.money import Money
from entrepot.canon.payments import PaymentFact, PaymentFactKind
from entrepot.database.rows import Mode
from entrepot.orders.models import Order
from entrepot.payments import ledger
from entrepot.payments.models import PaymentWish
from tests.api.calling import Caller, caller
from tests.dashboard.conftest import SignIn, sign_in
from tests.dashboard.scene import Scene, sell

__all__ = ["sign_in"]

WHY = {"reason": "Před odesláním"}


def authorized(shop: Scene, number: str, *, amount: str = "80.25", by: str = "pay") -> Order:
    """An order of five units whose payment is authorized at a connection."""
    order = sell(
        shop, number, customer="Žofie Nováková", country="CZ", total=amount, currency="EUR",
        lines=[("MUG-1", "Hrnek", 3), ("PC-2", "Pohled", 2)], placed=timedelta(hours=1),
        captured=False, released=False,
    )  # fmt: skip
    gateway = shop.connections[by]
    with scope.merchant(shop.merchant.id):
        ledger.record_facts(
            [
                ledger.IncomingFact(
                    fact=PaymentFact(
                        kind=PaymentFactKind.AUTHORIZED,
                        external_id=f"pi_{number}",
                        payment_external_id=f"pi_{number}",
                        amount=Money(Decimal(amount), "EUR"),
                        happened_at=timezone.now(),
                        card_last4="4242",
                    ),
                    merchant_id=shop.merchant.id,
                    mode="live",
                    account=gateway.account,
                    connection_id=gateway.id,
                    is_from_gateway=by == "pay",
                    message_id=None,
                    order_id=order.id,
                )
            ]
        )
    return order


def test_a_capture_is_wanted_once_however_often_it_is_asked_for(
    machine: Caller, shop_day: Scene
) -> None:
    authorized(shop_day, "30001")

    first = machine.post("/api/v1/orders/30001/captures", WHY)
    again = machine.post("/api/v1/orders/30001/captures", {"reason": "ještě jednou"})
    other = machine.post("/api/v1/orders/30001/voids", WHY)

    assert (first.status, first.body["status"], first.body["kind"]) == (202, "wanted", "capture")
    assert first.body["amount"] == {"amount": "80.25", "currency": "EUR"}
    assert again.body["id"] == first.body["id"]
    assert other.status == 409
    assert "a capture of it is under way" in other.body["detail"]
    read = machine.get("/api/v1/orders/30001").body
    assert [wish["id"] for wish in read["payment_wishes"]] == [first.body["id"]]


def test_what_is_captured_or_authorized_elsewhere_is_refused_with_the_reason(
    machine: Caller, shop_day: Scene
) -> None:
    authorized(shop_day, "30002", by="shop")

    paid = machine.post("/api/v1/orders/10482/captures", WHY)
    elsewhere = machine.post("/api/v1/orders/30002/captures", WHY)

    assert paid.status == 409
    assert "no payment of it is authorized and open" in paid.body["detail"]
    assert elsewhere.status == 409
    assert "where the hub cannot capture" in elsewhere.body["detail"]


def test_strangers_test_keys_and_refunders_capture_nothing(
    shop_day: Scene, stranger: Caller
) -> None:
    authorized(shop_day, "30003")
    refunder = caller(shop_day.merchant, scopes=["orders:read", "refunds:write"])
    tester = caller(shop_day.merchant, mode=Mode.TEST)

    answers = [who.post("/api/v1/orders/30003/captures", WHY) for who in (refunder, tester)]
    answers.append(stranger.post("/api/v1/orders/30003/captures", WHY))

    assert [answer.status for answer in answers] == [403, 404, 404]
    with scope.merchant(shop_day.merchant.id):
        assert PaymentWish.objects.count() == 0


def test_the_page_offers_a_capture_with_its_preview_and_says_where_it_stands(
    shop_day: Scene, sign_in: SignIn
) -> None:
    order, client = authorized(shop_day, "30004"), sign_in(shop_day)
    address = f"/orders/{order.id}/capture/"

    before = client.get(f"/orders/{order.id}/").content.decode()
    preview = client.get(address).content.decode()
    for _ in range(2):
        client.post(address, WHY)
    after = client.get(f"/orders/{order.id}/").content.decode()

    assert "Authorized, not captured" in before
    assert "Capture …" in before
    assert "Void …" in before
    assert "from the card ending 4242, once: we look first, then send" in preview
    assert "The order is paid and released: its work starts" in preview
    assert "Capture 80.25\N{NO-BREAK SPACE}EUR</button>" in preview
    assert "A capture of 80.25\N{NO-BREAK SPACE}EUR is under way." in after
    assert "Capture wanted" in after
    with scope.merchant(shop_day.merchant.id):
        assert [wish.kind for wish in PaymentWish.objects.all()] == ["capture"]


def test_a_paid_or_cancelled_order_offers_no_capture(shop_day: Scene, sign_in: SignIn) -> None:
    order, client = authorized(shop_day, "30005"), sign_in(shop_day)
    with scope.merchant(shop_day.merchant.id):
        Order.objects.filter(id=order.id).update(units_cancelled=5)

    cancelled = client.get(f"/orders/{order.id}/").content.decode()
    paid = client.get(f"/orders/{shop_day.order('10482').id}/").content.decode()
    refused = client.get(f"/orders/{order.id}/capture/")

    assert "Capture …" not in cancelled
    assert "Void …" in cancelled
    assert "Capture …" not in paid
    assert "Void …" not in paid
    assert refused.status_code == 409
    assert "void the payment instead" in refused.content.decode()
