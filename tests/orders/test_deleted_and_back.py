"""An order that its source no longer showed, and shows again just as it was."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from entrepot.access.models import Merchant
from entrepot.canon.orders import OrderDeleted
from tests.rules.trade import SHOP_ACCOUNT, Trade, connect, snapshot

GONE = OrderDeleted(external_id="10482")


@pytest.fixture
def trade(merchant: Merchant, run_jobs: Callable[..., int]) -> Trade:
    shop = connect(merchant, "woocommerce", account=SHOP_ACCOUNT, name="Möwe & Meer")
    return Trade(merchant=merchant, shop=shop, run_jobs=run_jobs)


def test_what_is_read_again_unchanged_after_it_was_gone_is_there_again(trade: Trade) -> None:
    sold = snapshot()
    trade.tell(sold)
    trade.tell(GONE)
    assert (trade.order().source_state, trade.order().status) == ("deleted", "cancelled")

    trade.tell(sold, source="poll")

    order = trade.order()
    assert (order.source_state, order.status, order.units_cancelled) == ("processing", "open", 0)


def test_a_reading_from_before_it_was_gone_does_not_bring_it_back(trade: Trade) -> None:
    sold = snapshot()
    before = timezone.now()
    trade.tell(sold, at=before - timedelta(minutes=9))
    trade.tell(GONE)

    (ended,) = trade.tell(sold, source="poll", at=before - timedelta(minutes=1))

    assert (trade.order().source_state, ended.outcome) == ("deleted", "hint")
