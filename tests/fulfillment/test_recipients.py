"""Whom a provider is told to send a share to."""

import pytest

from entrepot.access import scope
from entrepot.canon.places import Address
from entrepot.fulfillment.planning import plan_order
from entrepot.fulfillment.requesting import request_of
from entrepot.orders.models import Order
from tests.rules.trade import Trade, connect, line, snapshot

BILL = Address(name="Änne Ørsted", line1="Kaiweg 3", city="Kiel", country="DE", phone="+4943112345")


@pytest.mark.parametrize(("typed", "told"), [("", "+4943112345"), ("+81312345678", "+81312345678")])
def test_the_telephone_of_the_bill_serves_where_none_was_asked_for_the_parcel(
    trade: Trade, typed: str, told: str
) -> None:
    trade.made_by(connect(trade.merchant, "prodigi"), "MOEWE-A3")
    goes_to = Address(name="山田 愛子", line1="銀座 4", city="東京", country="JP", phone=typed)

    trade.tell(
        snapshot(
            "10482", line("MOEWE-A3", 2, "29.90"), shipping_address=goes_to, billing_address=BILL
        )
    )

    (share,) = plan_order(trade.merchant.id, trade.order().id)
    with scope.merchant(trade.merchant.id):
        recipient = request_of(share, Order.objects.get()).recipient
    assert (recipient.name, recipient.phone) == ("山田 愛子", told)
