"""What a provider is told that a customer paid for an item: customs go by it."""

from decimal import Decimal

import pytest

from entrepot.access import scope
from entrepot.canon.money import Money
from entrepot.catalog import services as catalog
from entrepot.catalog.services import MappingWish
from entrepot.catalog.states import MappingKind
from entrepot.fulfillment.planning import plan_order
from entrepot.fulfillment.requesting import request_of
from entrepot.orders.models import Order
from tests.rules.trade import Trade, connect, euros, line, snapshot


def declared(trade: Trade) -> list[dict[str, Money | None]]:
    """By share, the prices of its items by what is made."""
    found = []
    for share in plan_order(trade.merchant.id, trade.order().id):
        with scope.merchant(trade.merchant.id):
            request = request_of(share, Order.objects.get())
        found.append({item.provider_sku: item.customer_price for item in request.items})
    return found


def kit(trade: Trade, sku: str, **parts: int) -> None:
    wish = MappingWish(kind=MappingKind.KIT, parts=parts)
    catalog.map_sku(trade.merchant.id, sku, wish=wish, by="user:1")


def test_the_pieces_of_a_kit_share_its_price_also_over_two_providers(trade: Trade) -> None:
    prints, cards = connect(trade.merchant, "prodigi"), connect(trade.merchant, "prodigi")
    trade.made_by(prints, "RAHMEN", made_as="GLOBAL-CFP-8X10")
    trade.made_by(cards, "POST-12", made_as="GLOBAL-FAP-8X10")
    kit(trade, "GESCHENK", RAHMEN=1, **{"POST-12": 4})

    trade.tell(snapshot("10482", line("GESCHENK", 3, "60.00")))

    assert declared(trade) == [
        {"GLOBAL-CFP-8X10": euros("12.00")},
        {"GLOBAL-FAP-8X10": euros("12.00")},
    ]


def test_a_discount_lowers_it_and_a_gift_has_none(trade: Trade) -> None:
    prints = connect(trade.merchant, "prodigi")
    trade.made_by(prints, "MOEWE-A3", made_as="GLOBAL-CFP-8X10")
    trade.made_by(prints, "GRUSS", made_as="GLOBAL-FAP-8X10")
    half = line("MOEWE-A3", 3, "20.00", discount=euros("30"), total=euros("30"))
    gift = line("GRUSS", 2, "4.00", discount=euros("8"), total=euros("0"))

    trade.tell(snapshot("10482", half, gift))

    assert declared(trade) == [{"GLOBAL-CFP-8X10": euros("10"), "GLOBAL-FAP-8X10": None}]


@pytest.mark.parametrize(("currency", "price"), [("JPY", "2990"), ("KWD", "9.125")])
def test_what_is_sold_as_it_is_made_has_the_price_that_was_paid(
    trade: Trade, currency: str, price: str
) -> None:
    trade.made_by(connect(trade.merchant, "prodigi"), "MOEWE-A3")
    sold = line("MOEWE-A3", 2, price, currency=currency)

    trade.tell(snapshot("10482", sold, currency=currency))

    ((price_told,),) = [list(prices.values()) for prices in declared(trade)]
    assert price_told == Money.of(price, currency)
    assert price_told is not None
    assert price_told.amount == Decimal(price)
