"""Rule 4: work starts when an order is released, which is more than being paid."""

from typing import Any

import pytest

from entrepot.canon.money import Money
from entrepot.canon.orders import PaymentWord, SourceState
from entrepot.connections import services
from entrepot.orders import services as orders
from tests.rules.trade import Trade, fact, later, line, snapshot

UNPAID: dict[str, Any] = {
    "is_paid": False,
    "state": SourceState.PROCESSING,
    "source_status": "processing",
}


def test_a_paid_order_is_released(trade: Trade) -> None:
    trade.tell(snapshot())

    order = trade.order()
    assert (order.released_by, order.released_at is not None) == ("paid", True)
    assert trade.events("order.released") == ["order.released"]


def test_an_order_that_is_paid_in_part_waits_for_the_rest(trade: Trade) -> None:
    order = snapshot(**UNPAID)
    half = Money.of("40.00", "EUR")
    trade.tell(later(order, payment_facts=(fact("captured", half, payment="a"),)))
    assert (trade.order().released_at, trade.order().payment_status) == (None, "partially_paid")

    rest = order.totals.total - half
    trade.tell(
        later(
            order,
            version=3,
            payment_facts=(
                fact("captured", half, payment="a"),
                fact("captured", rest, payment="b"),
            ),
        )
    )

    assert trade.order().released_by == "paid"


def test_an_order_with_nothing_to_pay_is_released(trade: Trade) -> None:
    trade.tell(snapshot("gift", line("MOEWE-A3", 2, "0.00"), shipping="0", **UNPAID))

    order = trade.order("gift")
    assert (order.released_by, order.payment_status) == ("nothing_to_pay", "not_required")


def test_a_listed_source_state_releases_what_is_not_paid(trade: Trade) -> None:
    services.change_policy(
        trade.shop.id,
        merchant_id=trade.merchant.id,
        changes={"release_states": ["ready-to-print"]},
    )

    trade.tell(snapshot(**{**UNPAID, "source_status": "ready-to-print"}))

    assert trade.order().released_by == "source_state"


def test_a_named_payment_method_ships_on_terms(trade: Trade) -> None:
    services.change_policy(
        trade.shop.id, merchant_id=trade.merchant.id, changes={"terms_methods": ["invoice"]}
    )

    trade.tell(snapshot("a", payment_method="invoice", **UNPAID))
    trade.tell(snapshot("b", payment_method="bacs", **UNPAID))
    trade.tell(snapshot("c", payment=PaymentWord.ON_TERMS, **UNPAID))

    released = {name: trade.order(name).released_by for name in "abc"}
    assert released == {"a": "terms", "b": "", "c": "terms"}


@pytest.mark.parametrize(
    ("_case", "state"),
    [
        ("awaiting payment", SourceState.AWAITING),
        ("failed", SourceState.FAILED),
        ("cancelled", SourceState.CANCELLED),
        ("unknown", SourceState.UNKNOWN),
        ("on hold", SourceState.ON_HOLD),
    ],
)
def test_a_state_in_which_the_source_wants_no_goods_releases_nothing(
    trade: Trade, _case: str, state: SourceState
) -> None:
    services.change_policy(
        trade.shop.id, merchant_id=trade.merchant.id, changes={"terms_methods": ["stripe"]}
    )

    trade.tell(snapshot(**{**UNPAID, "state": state, "source_status": str(state)}))

    assert trade.order().released_at is None


def test_a_person_releases_an_unpaid_order_once(trade: Trade) -> None:
    trade.tell(snapshot(**UNPAID))
    order_id = trade.order().id

    for _ in range(2):
        orders.release_order(trade.merchant.id, order_id, by="user:1", reason="zahlt bar")

    assert trade.order().released_by == "person"
    assert trade.events("order.released") == ["order.released"]


def test_a_cancelled_order_cannot_be_released(trade: Trade) -> None:
    trade.tell(snapshot(**{**UNPAID, "state": SourceState.CANCELLED}))

    with pytest.raises(orders.CannotChange, match="it is cancelled"):
        orders.release_order(trade.merchant.id, trade.order().id, by="user:1", reason="doch")

    assert trade.order().released_at is None
