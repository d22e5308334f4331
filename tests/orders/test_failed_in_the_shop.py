"""A shop that says of a released order that it failed: nothing more of it leaves by itself."""

from collections.abc import Callable
from typing import Any

import pytest

from entrepot.access.models import Merchant
from entrepot.canon.orders import SourceState
from entrepot.connections import services
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.planning import plan_order
from entrepot.fulfillment.submission import Submission
from tests.rules.trade import (
    SHOP_ACCOUNT,
    Trade,
    connect,
    decided_without_price,
    later,
    snapshot,
)

FAILED: dict[str, Any] = {"state": SourceState.FAILED, "source_status": "failed"}


@pytest.fixture
def trade(merchant: Merchant, run_jobs: Callable[..., int]) -> Trade:
    shop = connect(merchant, "woocommerce", account=SHOP_ACCOUNT, name="Möwe & Meer")
    return Trade(merchant=merchant, shop=shop, run_jobs=run_jobs)


@pytest.fixture
def share(trade: Trade) -> FulfillmentOrder:
    """A planned share of a paid order that could be sent now."""
    trade.made_by(connect(trade.merchant, "prodigi"), "MOEWE-A3", "POST-12")
    trade.tell(snapshot())
    (planned,) = plan_order(trade.merchant.id, trade.order().id)
    return planned


def test_what_failed_in_the_shop_after_it_was_released_is_not_made(
    trade: Trade, share: FulfillmentOrder
) -> None:
    trade.tell(later(snapshot(), **FAILED))

    assert decided_without_price(trade.merchant.id, share.id) is None
    assert trade.reasons() == ["The shop says that it failed (failed)"]

    trade.tell(later(snapshot(), version=3))
    assert trade.holds() == []
    assert isinstance(decided_without_price(trade.merchant.id, share.id), Submission)


def test_an_order_that_failed_before_it_was_released_holds_nobody_up(trade: Trade) -> None:
    trade.tell(snapshot(is_paid=False, **FAILED))

    assert (trade.holds(), trade.order().released_at) == ([], None)


def test_a_merchant_may_have_orders_made_whatever_their_shop_calls_them(
    trade: Trade, share: FulfillmentOrder
) -> None:
    services.change_policy(
        trade.shop.id, merchant_id=trade.merchant.id, changes={"release_states": ["failed"]}
    )

    trade.tell(later(snapshot(), **FAILED))

    assert trade.holds() == []
    assert isinstance(decided_without_price(trade.merchant.id, share.id), Submission)
