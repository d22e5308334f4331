"""Checkouts: opened once, found again, closed, refused, and read back as orders."""

from datetime import timedelta

import pytest

from entrepot.canon.money import Money
from entrepot.canon.orders import PaymentWord
from entrepot.canon.payments import CheckoutLine
from entrepot.connect.errors import Conflict, OutcomeUnknown, Rejected
from entrepot.connect.ports import Account
from entrepot.connect.simulator import Clock
from entrepot.connectors.stripe.client import Client
from entrepot.connectors.stripe.simulator import StripeSimulator
from entrepot.connectors.stripe.tests.conftest import COLOGNE, cart, expire, news_of, order_of


def test_a_cart_becomes_a_page_and_then_an_order(
    client: Client, account: Account, simulator: StripeSimulator, clock: Clock
) -> None:
    ends = clock.now() + timedelta(hours=2)
    opened = client.open_checkout(
        cart(
            "E-CART-5", expires_at=ends, discount=Money.of("300", "EUR"), metadata=(("site", "B"),)
        )
    )
    simulator.customer_pays(
        opened.external_id, address=COLOGNE, name="Grüße GmbH", shipping_option=1
    )

    order = order_of(client, account, opened.external_id)

    assert opened.url.endswith(opened.external_id)
    assert opened.expires_at == ends.replace(microsecond=0)
    assert order.checkout_reference == "E-CART-5"
    assert [(line.sku, line.quantity) for line in order.lines] == [("MUG-BLÅ", 3), ("POSTER", 2)]
    assert order.totals.total == Money.of("3900.00", "EUR") + Money.of("5000.00", "EUR") + Money.of(
        "1490.00", "EUR"
    ) - Money.of("300.00", "EUR")
    assert order.shipping_lines[0].method_code == "exp"
    assert order.shipping_address.city == "Köln"
    assert order.payment is PaymentWord.PAID
    assert order.is_test is True


def test_the_same_key_opens_one_page(client: Client, simulator: StripeSimulator) -> None:
    asked = cart(discount=Money.of("25", "EUR"))

    first, second = client.open_checkout(asked), client.open_checkout(asked)

    assert first == second
    assert (len(simulator.books["sessions"]), len(simulator.books["coupons"])) == (1, 1)


def test_a_lost_answer_is_found_again_by_key_and_by_reference(
    client: Client, simulator: StripeSimulator
) -> None:
    simulator.faults.drop_answer = 1.0
    with pytest.raises(OutcomeUnknown):
        client.open_checkout(cart("E-CART-8"))
    simulator.faults.drop_answer = 0.0

    found = client.find_checkout(cart("E-CART-8"))
    repeated = client.open_checkout(cart("E-CART-8"))

    assert found == repeated
    assert list(simulator.books["sessions"]) == [repeated.external_id]
    assert client.find_checkout(cart("E-CART-9")) is None


def test_a_lost_coupon_does_not_stop_the_repetition(
    client: Client, simulator: StripeSimulator
) -> None:
    asked = cart("E-CART-8", discount=Money.of("25", "EUR"))
    simulator.faults.drop_answer = 1.0
    with pytest.raises(OutcomeUnknown):
        client.open_checkout(asked)
    simulator.faults.drop_answer = 0.0
    simulator.clock.advance(timedelta(days=2))  # the key is forgotten, the coupon is not

    opened = client.open_checkout(asked)

    session = simulator.books["sessions"][opened.external_id]
    assert session["total_details"]["amount_discount"] == 2500
    assert len(simulator.books["coupons"]) == 1


def test_another_cart_under_the_same_key_is_a_conflict(
    client: Client, simulator: StripeSimulator
) -> None:
    client.open_checkout(cart())

    with pytest.raises(Conflict) as caught:
        client.open_checkout(cart(success_url="https://butik.example/other"))

    assert caught.value.code == "idempotency_error"
    assert len(simulator.books["sessions"]) == 1


def test_a_key_that_is_still_at_work_leaves_the_outcome_unknown(
    client: Client, simulator: StripeSimulator
) -> None:
    simulator.replays.at_work.add("key of E-CART-1")

    with pytest.raises(OutcomeUnknown, match="in-progress"):
        client.open_checkout(cart())


def test_a_page_closed_by_another_program_is_news_and_a_paid_one_stays_paid(
    client: Client, account: Account, simulator: StripeSimulator
) -> None:
    abandoned = client.open_checkout(cart("E-CART-1")).external_id
    sold = client.open_checkout(cart("E-CART-2")).external_id
    simulator.customer_pays(sold, address=COLOGNE)

    expire(client, abandoned)
    with pytest.raises(Rejected, match="status of `complete`"):
        expire(client, sold)

    assert news_of(client, account, abandoned).outcome == "expired"
    assert news_of(client, account, sold).outcome == "completed"


def test_an_amount_that_stripe_cannot_take_never_leaves(
    client: Client, simulator: StripeSimulator
) -> None:
    line = CheckoutLine(sku="OUD", title="عود", quantity=2, unit_price=Money.of("5.124", "KWD"))

    with pytest.raises(Rejected, match="KWD"):
        client.open_checkout(cart(currency="KWD", lines=(line,), shipping_options=()))

    assert simulator.calls == []


def test_stripes_refusal_of_a_cart_is_the_orders_fault(client: Client, clock: Clock) -> None:
    with pytest.raises(Rejected, match="30 minutes") as caught:
        client.open_checkout(cart(expires_at=clock.now() + timedelta(minutes=5)))

    assert caught.value.fault == "order"


def test_a_session_is_read_back_with_all_of_its_lines(
    client: Client, account: Account, simulator: StripeSimulator
) -> None:
    lines = tuple(
        CheckoutLine(
            sku=f"SKU-{number}",
            title=f"Ding № {number}",
            quantity=number % 4 + 1,
            unit_price=Money.of(f"{number}.99", "SEK"),
        )
        for number in range(1, 35)
    )
    opened = client.open_checkout(cart(currency="SEK", lines=lines, shipping_options=()))
    simulator.customer_pays(opened.external_id, address=COLOGNE)

    order = order_of(client, account, opened.external_id)

    assert [(line.sku, line.quantity) for line in order.lines] == [
        (line.sku, line.quantity) for line in lines
    ]


def test_two_pages_of_one_cart_can_both_be_paid(
    client: Client, account: Account, simulator: StripeSimulator
) -> None:
    pages = [client.open_checkout(cart(name)).external_id for name in ("CART-1:a", "CART-1:b")]
    for page in pages:
        simulator.customer_pays(page, address=COLOGNE)

    orders = [order_of(client, account, page) for page in pages]

    assert [order.checkout_reference for order in orders] == ["CART-1:a", "CART-1:b"]
    assert len({order.external_id for order in orders}) == 2
    assert len({order.payment_facts[0].external_id for order in orders}) == 2
