"""Rule 7: a suspected duplicate is held, with its twin shown."""

from dataclasses import replace
from datetime import timedelta

from django.utils import timezone

from entrepot.access import scope
from entrepot.orders.models import Hold
from tests.rules.trade import BUYER, HOME, Trade, line, snapshot


def test_the_second_order_of_the_same_customer_address_and_lines_is_held(trade: Trade) -> None:
    now = timezone.now()
    trade.tell(snapshot("1", placed_at=now - timedelta(minutes=29)))

    trade.tell(snapshot("2", placed_at=now))

    first = trade.order("1")
    assert (trade.holds("1"), trade.holds("2")) == ([], [("duplicate_suspected", str(first.id))])
    with scope.merchant(trade.merchant.id):
        data = Hold.objects.get().data
    assert data == {
        "twin_id": first.id,
        "twin_number": "1",
        "twin_reference": first.reference,
    }


def test_twins_within_one_batch_are_seen_as_well(trade: Trade) -> None:
    trade.tell(snapshot("1"), snapshot("2"))

    held = [kind for kind, _ in [*trade.holds("1"), *trade.holds("2")]]
    assert held == ["duplicate_suspected"]


def test_what_differs_in_customer_address_lines_or_time_is_no_twin(trade: Trade) -> None:
    now = timezone.now()
    trade.tell(snapshot("1", placed_at=now - timedelta(minutes=31)))

    trade.tell(snapshot("later", placed_at=now))
    trade.tell(snapshot("address", shipping_address=replace(HOME, line1="Möwenweg 8")))
    trade.tell(snapshot("buyer", customer=replace(BUYER, email="anders@example.org")))
    trade.tell(snapshot("lines", line("MOEWE-A3", 3), line("POST-12", 3, "7.50")))

    names = ("later", "address", "buyer", "lines")
    assert [trade.holds(name) for name in names] == [[], [], [], []]


def test_a_cancelled_first_order_is_no_twin(trade: Trade) -> None:
    trade.tell(snapshot("1", state="cancelled"))

    trade.tell(snapshot("2"))

    assert trade.holds("2") == []


def test_the_same_lines_in_another_order_and_division_are_the_same_purchase(trade: Trade) -> None:
    trade.tell(snapshot("1", line("MOEWE-A3", 2), line("POST-12", 3, "7.50")))

    trade.tell(
        snapshot(
            "2",
            line("POST-12", 3, "7.50"),
            line("MOEWE-A3", 1, external_id="a"),
            line("MOEWE-A3", 1, external_id="b"),
        )
    )

    assert [kind for kind, _ in trade.holds("2")] == ["duplicate_suspected"]


def test_two_orders_of_one_checkout_are_twins_whatever_is_in_them(trade: Trade) -> None:
    long_ago = timezone.now() - timedelta(hours=7)
    trade.tell(snapshot("1", checkout_reference="cart-möwe-7", placed_at=long_ago))

    trade.tell(
        snapshot("2", line("POST-12", 4, "7.50"), checkout_reference="cart-möwe-7"),
        snapshot("3", line("POST-12", 5, "7.50"), checkout_reference="cart-möwe-8"),
        snapshot("4", line("POST-12", 6, "7.50")),
    )

    first = trade.order("1")
    assert trade.holds("2") == [("duplicate_suspected", str(first.id))]
    assert (trade.holds("3"), trade.holds("4")) == ([], [])
