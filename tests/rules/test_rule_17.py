"""Rule 17: money goes back where it was taken, after a look-up; four choices, none implied."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from entrepot.access import scope
from entrepot.canon.money import Money
from entrepot.canon.orders import Mode
from entrepot.connect import registry
from entrepot.connect.ports import Refunds
from entrepot.connections import doors, services
from entrepot.connections.models import Connection
from entrepot.connectors.stripe.simulator import StripeSimulator
from entrepot.notifications.models import Mail
from entrepot.orders import services as orders
from entrepot.orders.models import Order
from entrepot.payments import refunds
from entrepot.payments.models import Refund
from entrepot.payments.refunds import CannotRefund
from tests.rules.trade import Trade, amounts, ask, euros, fact, snapshot
from tests.serving import serve


@pytest.fixture
def bank(trade: Trade) -> Iterator[StripeSimulator]:
    """A gateway over HTTP."""
    simulator = registry.platform("stripe").simulator(trade.clock)
    assert isinstance(simulator, StripeSimulator)
    with serve(simulator) as address:
        simulator.books["address"] = {"here": address}
        yield simulator


@pytest.fixture
def gateway(trade: Trade, bank: StripeSimulator) -> Connection:
    """The live connection to the gateway."""
    here = bank.books["address"]["here"]
    example = registry.platform("stripe")._module("simulator").example_account(here)
    made = services.add_connection(
        trade.merchant.id,
        platform="stripe",
        mode=Mode.TEST,
        name="Kasse",
        settings=dict(example.settings),
    )
    return services.go_live(made.id, merchant_id=trade.merchant.id)


@pytest.fixture
def paid(trade: Trade, bank: StripeSimulator, gateway: Connection) -> Order:
    """An order of the shop whose money the gateway took; the shop has told of it as well."""
    trade.by_hand("MOEWE-A3", "POST-12")
    payment = bank.pay_outside(8630, "EUR")["id"]
    trade.tell(snapshot(transaction_ids=(payment,)))
    trade.tell(fact("captured", euros("86.30"), payment=payment), connection=gateway)
    trade.work()
    order = trade.order()
    assert (order.payment_status, order.amount_captured) == ("paid", Decimal("86.3"))
    return order


def give_back(order: Order, amount: str, **more: Any) -> Refund:
    wish: dict[str, Any] = {"by": "user:1", "reason": "Kratzer am Rahmen", **more}
    return refunds.want_refund(order.merchant_id, order.id, amount=euros(amount), **wish)


def given(bank: StripeSimulator) -> list[int]:
    return sorted(refund["amount"] for refund in bank.books["refunds"].values())


def test_money_goes_back_where_it_was_taken_and_not_where_the_order_came_from(
    trade: Trade, bank: StripeSimulator, gateway: Connection, paid: Order
) -> None:
    refund = give_back(paid, "12.50")
    trade.work()

    assert refund.connection_id == gateway.id
    assert (given(bank), trade.attempts("refund")) == ([1250], ["accepted"])
    assert amounts(trade.order())["refunded"] == Decimal("12.5")


def test_what_is_there_already_under_our_name_is_not_given_a_second_time(
    trade: Trade, bank: StripeSimulator, gateway: Connection, paid: Order
) -> None:
    stop = services.pause_effects(
        trade.merchant.id, mode=Mode.TEST, flow="refunds", reason="Kopie", by="user:1"
    )
    refund = give_back(paid, "12.50")
    trade.work()
    asked = refunds.request_of(trade.merchant.id, refund.id)
    client = doors.client(gateway.id)
    assert isinstance(client, Refunds)
    client.refund(replace(asked, idempotency_key="that of another database"))

    services.resume_effects(stop.id, merchant_id=trade.merchant.id, by="user:1")
    trade.work(timedelta(minutes=1))

    assert (given(bank), trade.attempts("refund")) == ([1250], ["accepted"])


def test_a_lost_answer_is_looked_up_and_not_paid_twice(
    trade: Trade, bank: StripeSimulator, paid: Order
) -> None:
    bank.break_next_write(does_work=True)
    give_back(paid, "12.50")
    trade.work()
    assert (given(bank), trade.attempts("refund")) == ([1250], ["unknown"])

    ask(trade)

    assert (given(bank), trade.attempts("refund")) == ([1250], ["accepted"])


def test_two_wishes_are_two_refunds_and_more_than_is_held_is_none(
    trade: Trade, bank: StripeSimulator, paid: Order
) -> None:
    give_back(paid, "40")
    give_back(paid, "40")
    with pytest.raises(CannotRefund, match=r"6\.30 EUR are held"):
        give_back(paid, "6.31")
    with pytest.raises(CannotRefund, match="was paid in EUR"):
        refunds.want_refund(
            paid.merchant_id, paid.id, amount=Money.of("1", "USD"), by="user:1", reason="x"
        )
    with pytest.raises(CannotRefund, match="say why"):
        give_back(paid, "1", reason=" ")
    trade.work()

    assert given(bank) == [4000, 4000]


def test_money_that_is_disputed_is_not_given_back_besides(
    trade: Trade, gateway: Connection, paid: Order
) -> None:
    disputed = fact("disputed", euros("80"), payment=paid.transaction_ids[0], external_id="dp_1")
    trade.tell(disputed, connection=gateway)

    with pytest.raises(CannotRefund, match=r"6\.30 EUR are held"):
        give_back(paid, "10")


def test_a_refund_implies_no_cancellation_no_restock_and_no_mail(
    trade: Trade, bank: StripeSimulator, paid: Order
) -> None:
    refund = give_back(paid, "4")
    trade.work()

    asked = refunds.request_of(trade.merchant.id, refund.id)
    assert (asked.restock, trade.order().units_cancelled) == (False, 0)
    assert trade.statuses() == ["accepted"]
    assert [mail for mail in mails(trade) if mail[0] != "confirmation"] == [("refunded", "skipped")]


@pytest.mark.parametrize("tells_customer", [False, True])
def test_a_cancellation_implies_no_refund_and_a_mail_only_when_chosen(
    trade: Trade, bank: StripeSimulator, paid: Order, tells_customer: bool
) -> None:
    orders.cancel_units(
        trade.merchant.id,
        paid.id,
        by="user:1",
        reason="Widerruf",
        tells_customer=tells_customer,
    )
    trade.work()

    order = trade.order()
    assert (order.status, order.payment_status, given(bank)) == ("cancelled", "paid", [])
    told = dict(mails(trade))["cancelled"]
    assert (told != "skipped") is tells_customer


def mails(trade: Trade) -> list[tuple[str, str]]:
    with scope.merchant(trade.merchant.id):
        return list(Mail.objects.order_by("id").values_list("kind", "status"))
