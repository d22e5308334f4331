"""Rule 14: nobody guesses a service level; nothing is sent that costs more than it brings in."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from entrepot.access import scope
from entrepot.canon.money import Money
from entrepot.canon.orders import Mode, ShippingLine, TaxLine
from entrepot.catalog import services as catalog
from entrepot.connections import services
from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from entrepot.fulfillment.models import Quote
from entrepot.orders import services as orders
from entrepot.orders.models import Hold
from tests.rules.trade import HOME, Trade, buyer, connect, euros, fact, later, line, snapshot


def quotes_asked(house: ProdigiSimulator) -> int:
    return sum(path.endswith("/quotes") for _, path, _ in house.calls)


def held(trade: Trade, external_id: str = "10482") -> Hold:
    with scope.merchant(trade.merchant.id):
        return Hold.objects.get(order__external_id=external_id, lifted_at=None)


def express(told_as: str = "express") -> tuple[ShippingLine, ...]:
    return (ShippingLine(title="Eilbote", method_code=told_as, price=Money.of("9", "EUR")),)


def test_a_method_that_nobody_has_mapped_holds_the_order_until_somebody_does(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12", method_code="dhl")
    trade.tell(snapshot(shipping="9", shipping_lines=express()))
    trade.work()
    assert trade.holds() == [("shipping_unmapped", f"{provider.id}:express")]
    assert house.orders == {}

    catalog.map_shipping(
        trade.merchant.id,
        storefront_id=trade.shop.id,
        provider_connection_id=provider.id,
        method_code="express",
        provider_method="Express",
    )
    trade.work()

    assert (trade.holds(), trade.statuses()) == ([], ["accepted"])
    assert [order.asked["shippingMethod"] for order in house.orders.values()] == ["Express"]


def test_the_words_of_one_storefront_are_no_others(trade: Trade, provider: Connection) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    second = connect(trade.merchant, "woocommerce", account="woocommerce:berg.example")

    trade.tell(snapshot("2"), connection=second)
    trade.work()

    assert trade.holds("2") == [("shipping_unmapped", f"{provider.id}:dhl")]


def test_what_costs_more_than_it_brings_in_is_held_with_both_figures(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    trade.tell(snapshot("dear", line("MOEWE-A3", 3, "4.10")), snapshot("fair"))
    trade.work()

    hold = held(trade, "dear")
    cost, revenue = Decimal(hold.data["cost"]), Decimal(hold.data["revenue"])
    assert (hold.kind, revenue, cost > revenue) == ("cost", Decimal("16.30"), True)
    assert hold.reason == f"The provider wants {cost} EUR, and it brings in 16.30 EUR"
    assert (trade.statuses("dear"), trade.statuses("fair")) == (["open"], ["accepted"])
    assert len(house.orders) == 1


def test_a_person_lets_it_go_once_and_is_not_asked_again(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3")
    trade.tell(snapshot("dear", line("MOEWE-A3", 3, "4.10")))
    trade.work()

    orders.lift_hold(
        trade.merchant.id, held(trade, "dear").id, by="user:1", reason="Muster für den Verlag"
    )
    trade.work()

    assert (trade.holds("dear"), trade.statuses("dear")) == ([], ["accepted"])
    assert len(house.orders) == 1


def test_the_merchant_says_how_much_of_it_may_be_spent(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3")
    services.change_policy(
        trade.shop.id, merchant_id=trade.merchant.id, changes={"most_cost_percent": 20}
    )
    trade.tell(snapshot("1", line("MOEWE-A3", 2)))
    trade.work()

    assert held(trade, "1").reason.endswith("; at most 20 % of that may be spent")


def test_tax_is_not_what_an_order_brings_in(trade: Trade, provider: Connection) -> None:
    trade.made_by(provider, "MOEWE-A3")
    tax = TaxLine(
        name="MwSt", rate=Decimal("0.19"), amount=Money.of("40", "EUR"), is_included=False
    )
    trade.tell(snapshot("1", line("MOEWE-A3", 3, "4.10"), tax_lines=(tax,)))
    trade.work()

    assert Decimal(held(trade, "1").data["revenue"]) == Decimal("16.30")


def test_every_share_is_priced_before_the_first_of_them_is_sent(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    dear = services.add_connection(
        trade.merchant.id,
        platform="prodigi",
        mode=Mode.TEST,
        name="Zweites Haus",
        settings={
            "api_key": "prodigi-sandbox-key",
            "environment": "sandbox",
            "account_name": "zwei",
            "base_url": f"{house.callback_url}/v4.0",
        },
    )
    dear = services.go_live(dear.id, merchant_id=trade.merchant.id)
    trade.made_by(provider, "POST-12", made_as="GLOBAL-POST-6X4")
    trade.made_by(dear, "MOEWE-A3")

    trade.tell(snapshot("1", line("MOEWE-A3", 4, "5.00"), line("POST-12", 3, "7.50")))
    trade.work()

    assert (held(trade, "1").kind, house.orders) == ("cost", {})
    assert trade.statuses("1") == ["open", "open"]


def test_the_same_goods_to_the_same_country_are_priced_once_a_day(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    for number in range(3):
        trade.tell(snapshot(f"{number}", customer=buyer(number)))
        trade.work()
    assert quotes_asked(house) == 1

    elsewhere = replace(HOME, country="SE", city="Malmö", postal_code="21119")
    trade.tell(snapshot("se", shipping_address=elsewhere))
    trade.work()
    with scope.merchant(trade.merchant.id):
        assert Quote.objects.count() == 2
        Quote.objects.update(quoted_at="2026-01-01T00:00Z")
    trade.tell(snapshot("4", customer=buyer(4)))
    trade.work()

    assert quotes_asked(house) == 3


def test_a_delivery_to_another_country_is_priced_anew_before_it_is_sent(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    services.change_policy(
        trade.shop.id, merchant_id=trade.merchant.id, changes={"cooling_off_seconds": 3600}
    )
    trade.made_by(provider, "MOEWE-A3")
    told = snapshot("1", line("MOEWE-A3", 2))
    trade.tell(told)
    trade.work()
    (near,) = trade.shares("1")

    far_away = replace(HOME, country="AU", city="Hobart", postal_code="7000")
    trade.tell(later(told, shipping_address=far_away))
    trade.work(timedelta(hours=1))

    (far,) = trade.shares("1")
    assert (near.status, far.status) == ("open", "open")
    assert near.quoted_cost is not None
    assert far.quoted_cost is not None
    assert far.quoted_cost > near.quoted_cost


def test_a_hold_for_the_cost_is_over_when_the_order_brings_in_more(
    trade: Trade, provider: Connection
) -> None:
    trade.made_by(provider, "MOEWE-A3", "POST-12")
    paid = (fact("captured", euros("12.20"), payment="12.20"),)
    cheap = snapshot("1", line("MOEWE-A3", 2, "4.10"), payment_facts=paid)
    trade.tell(cheap)
    trade.work()
    assert held(trade, "1").kind == "cost"

    more = (*paid, fact("captured", euros("80"), payment="80"))
    fair = snapshot("1", line("MOEWE-A3", 2, "44.10"), version=2, payment_facts=more)
    trade.tell(fair)
    trade.work()

    assert (trade.holds("1"), trade.statuses("1")) == ([], ["accepted"])


def test_a_price_that_cannot_be_read_is_asked_again_and_sends_nothing(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3")
    house.faults.server_error = 1.0
    trade.tell(snapshot("1", line("MOEWE-A3", 2)))
    trade.work()
    assert (trade.statuses("1"), trade.attempts("submit"), house.orders) == (["open"], [], {})

    house.faults.server_error = 0.0
    trade.work(timedelta(minutes=1))

    assert trade.statuses("1") == ["accepted"]


def test_a_key_that_is_refused_when_the_price_is_asked_stops_the_connection(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3")
    house.keys.clear()
    trade.tell(snapshot("1", line("MOEWE-A3", 2)))
    trade.work()

    with scope.merchant(trade.merchant.id):
        assert Connection.objects.get(id=provider.id).status == "misconfigured"
    assert (trade.statuses("1"), trade.attempts("submit")) == (["open"], [])


def test_what_the_house_cannot_price_is_left_to_its_submission(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", made_as="UNKNOWN")
    trade.tell(snapshot("1", line("MOEWE-A3", 2)))
    trade.work()

    assert [kind for kind, _ in trade.holds("1")] == ["refused"]


def test_a_currency_that_the_provider_does_not_know_is_not_compared(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3")
    trade.tell(snapshot("1", line("MOEWE-A3", 2, "1", currency="ISK"), currency="ISK"))
    trade.work()

    (share,) = trade.shares("1")
    assert (share.status, share.quoted_cost) == ("accepted", None)


@pytest.mark.parametrize("percent", [99, 101])
def test_the_limit_itself_is_still_allowed(
    trade: Trade, provider: Connection, percent: int
) -> None:
    trade.made_by(provider, "MOEWE-A3")
    trade.tell(snapshot("first", line("MOEWE-A3", 2)))
    trade.work()
    (share,) = trade.shares("first")
    assert share.quoted_cost is not None
    price = share.quoted_cost * 100 / percent

    told = snapshot(
        "2",
        line("MOEWE-A3", 2, "0.01"),
        shipping=f"{price - Decimal('0.02'):.2f}",
        customer=buyer(2),
    )
    trade.tell(told)
    trade.work()

    assert [kind for kind, _ in trade.holds("2")] == (["cost"] if percent > 100 else [])
