"""Rule 1: a payment is not an order, and never ships."""

from entrepot.access import scope
from entrepot.orders.models import Order
from entrepot.payments.models import PaymentEntry
from tests.rules.trade import Trade, amounts, connect, euros, fact, snapshot


def test_a_payment_that_belongs_to_no_order_is_kept_and_makes_none(trade: Trade) -> None:
    gateway = connect(trade.merchant, "stripe")

    trade.tell(fact("captured", euros("86.30"), payment="pi_fremd_1"), connection=gateway)

    with scope.merchant(trade.merchant.id):
        kept = list(PaymentEntry.objects.values_list("kind", "amount", "currency", "order_id"))
        assert Order.objects.count() == 0
    assert [(kind, str(amount), code, mine) for kind, amount, code, mine in kept] == [
        ("captured", "86.3000", "EUR", None)
    ]
    assert trade.events("payment.unmatched", "payment.captured") == ["payment.unmatched"]


def test_a_payment_is_matched_to_the_shops_order_by_its_transaction_id(trade: Trade) -> None:
    gateway = connect(trade.merchant, "stripe")
    order = snapshot(is_paid=False, transaction_ids=("pi_matched_7",))
    trade.tell(order)

    trade.tell(
        fact("captured", order.totals.total, payment="pi_matched_7"),
        connection=gateway,
    )

    assert trade.order().payment_status == "paid"


def test_a_payment_that_came_before_its_order_is_given_to_it(trade: Trade) -> None:
    gateway = connect(trade.merchant, "stripe")
    order = snapshot(is_paid=False, transaction_ids=("pi_early_7",))
    trade.tell(
        fact("captured", order.totals.total, payment="pi_early_7"),
        connection=gateway,
    )

    trade.tell(order)

    assert amounts(trade.order()) == {"captured": order.totals.total.amount.normalize()}


def test_a_gateway_cannot_make_an_order_without_a_checkout_of_ours(trade: Trade) -> None:
    gateway = connect(trade.merchant, "stripe")

    trade.tell(snapshot("cs_1"), connection=gateway)

    with scope.merchant(trade.merchant.id):
        assert Order.objects.count() == 0


def test_too_short_a_transaction_id_matches_nothing(trade: Trade) -> None:
    gateway = connect(trade.merchant, "stripe")
    trade.tell(fact("captured", euros("86.30"), payment="1"), connection=gateway)

    trade.tell(snapshot(is_paid=False, transaction_ids=("1",)))

    assert trade.order().payment_status == "unpaid"
