"""Rule 2: identity belongs to the outside world."""

import pytest

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.canon.orders import Mode
from entrepot.connections import services
from entrepot.connections.states import Status
from entrepot.intake.applying import ReusedIdentity
from entrepot.orders.models import Order
from tests.connections.accounts import a_shop
from tests.rules.trade import SHOP_ACCOUNT, Trade, connect, later, snapshot


def test_one_order_per_account_mode_and_external_id_however_often_it_is_told(trade: Trade) -> None:
    told = snapshot()

    trade.tell(told, told, later(told))
    trade.tell(told, source="poll")
    trade.tell(later(told), source="import")

    with scope.merchant(trade.merchant.id):
        assert list(Order.objects.values_list("account", "mode", "external_id")) == [
            (SHOP_ACCOUNT, "test", "10482")
        ]


def test_the_same_id_at_another_account_is_another_order(trade: Trade) -> None:
    second = connect(trade.merchant, "woocommerce", account="woocommerce:berg.example")

    trade.tell(snapshot())
    trade.tell(snapshot(), connection=second)

    with scope.merchant(trade.merchant.id):
        assert Order.objects.filter(external_id="10482").count() == 2


def test_the_same_account_through_another_connection_is_the_same_order(trade: Trade) -> None:
    again = connect(trade.merchant, "woocommerce", account="woocommerce:neu.example")
    with scope.merchant(trade.merchant.id):
        type(again).objects.filter(id=trade.shop.id).update(account="woocommerce:weg.example")
        type(again).objects.filter(id=again.id).update(account=SHOP_ACCOUNT)
    trade.tell(snapshot())

    trade.tell(later(snapshot()), connection=again)

    with scope.merchant(trade.merchant.id):
        accounts = list(Order.objects.order_by("id").values_list("account", flat=True))
    assert accounts == ["woocommerce:weg.example", SHOP_ACCOUNT]


def test_an_id_given_out_again_with_another_birth_mark_is_refused(trade: Trade) -> None:
    trade.tell(snapshot(birth_mark="key-1"))

    with pytest.raises(ReusedIdentity, match="given out before"):
        trade.tell(snapshot(birth_mark="key-2", version=9))

    assert trade.order().birth_mark == "key-1"


def test_two_merchants_with_the_same_account_have_an_order_each(
    trade: Trade, other_merchant: Merchant
) -> None:
    theirs = connect(other_merchant, "woocommerce", account=SHOP_ACCOUNT)

    trade.tell(snapshot())
    trade.tell(snapshot(), connection=theirs)

    for merchant in (trade.merchant, other_merchant):
        with scope.merchant(merchant.id):
            assert Order.objects.count() == 1


def test_removing_a_connection_archives_it_and_adding_the_account_again_resumes_it(
    merchant: Merchant,
) -> None:
    first = a_shop(merchant, mode=Mode.TEST, identity="möwe.example")
    services.archive(first.id, merchant_id=merchant.id, reason="umgezogen")

    again = a_shop(merchant, mode=Mode.TEST, identity="MÖWE.example", name="Möwe wieder da")

    assert (again.id, again.status) == (first.id, Status.OBSERVING)
