"""Orders that are handed over: what would happen, what happens, and what the same word does."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.canon.orders import Mode
from entrepot.connections import services as connections
from entrepot.connections.models import Connection
from entrepot.inbox.models import InboxMessage
from entrepot.intake.handing_over import (
    NotAnOrder,
    Outlook,
    StoreRemoved,
    Taken,
    further_stores,
    hand_over,
    outlooks,
    own_store,
)
from entrepot.intake.new_orders import NewOrder
from entrepot.intake.order_files import orders_of
from entrepot.orders.models import Order

TOLD: dict[str, Any] = {
    "external_id": "FAIR-7",
    "currency": "JPY",
    "payment": "unpaid",
    "customer": {"name": "田辺 ゆき"},
    "shipping_address": {"line1": "銀座 1-2", "city": "東京", "country": "JP"},
    "lines": [
        {"sku": "MUG-1", "title": "マグカップ", "quantity": 3, "unit_price": "1800"},
        {"sku": "PC-2", "title": "はがき", "quantity": 2, "unit_price": "250"},
    ],
}


def order(**changes: Any) -> NewOrder:
    return NewOrder.model_validate({**TOLD, **changes})


def looked_at(merchant: Merchant, one: NewOrder, *, mode: Mode = Mode.LIVE) -> Outlook:
    with scope.merchant(merchant.id):
        (outlook,) = outlooks(merchant.id, [one], mode=mode)
    return outlook


def given(merchant: Merchant, *orders: NewOrder, saying: str = "") -> list[Taken]:
    with scope.merchant(merchant.id):
        return hand_over(merchant.id, orders, mode=Mode.LIVE, saying=saying)


def test_looking_ahead_changes_nothing(merchant: Merchant) -> None:
    outlook = looked_at(merchant, order())

    assert (outlook.known, outlook.is_same, outlook.problem) == (None, False, "")
    assert str(outlook.total) == "5900 JPY"
    with scope.merchant(merchant.id):
        assert not Connection.objects.exists()
        assert not InboxMessage.objects.exists()


def test_the_same_word_again_is_known_until_somebody_says_another(
    merchant: Merchant, run_jobs: Callable[..., int]
) -> None:
    more = order(lines=[{**TOLD["lines"][0], "quantity": 5}])
    given(merchant, order())
    run_jobs()
    same, other = looked_at(merchant, order()), looked_at(merchant, more)
    given(merchant, more)
    run_jobs()
    back = looked_at(merchant, order())

    assert (same.is_same, other.is_same, back.is_same) == (True, False, False)
    assert other.known is not None
    assert looked_at(merchant, more).is_same
    assert looked_at(merchant, order(), mode=Mode.TEST).known is None


def test_an_order_that_is_changed_was_placed_when_it_was(
    merchant: Merchant, run_jobs: Callable[..., int]
) -> None:
    placed = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    given(merchant, order(placed_at=placed))
    run_jobs()
    given(merchant, order(note="ギフト"))
    run_jobs()

    with scope.merchant(merchant.id):
        assert Order.objects.get().placed_at == placed
        assert Order.objects.get().customer_note == "ギフト"


def test_one_act_that_comes_twice_is_stored_once(merchant: Merchant) -> None:
    first = given(merchant, order(), saying="0af3")
    second = given(merchant, order(), saying="0af3")
    third = given(merchant, order())

    assert first == second
    assert third[0].message_id != first[0].message_id
    with scope.merchant(merchant.id):
        assert InboxMessage.objects.count() == 2


@pytest.mark.parametrize(
    ("_case", "change", "told"),
    [
        ("too fine a price", {"lines": [{**TOLD["lines"][0], "unit_price": "0.5"}]}, "JPY"),
        ("a total that is far off", {"total": "99"}, "do not add up"),
        ("two lines of one name", {"lines": [{**TOLD["lines"][0], "external_id": "a"}] * 2}, "two"),
    ],
)
def test_what_cannot_be_applied_is_said_before_and_refused_after(
    merchant: Merchant, _case: str, change: dict[str, Any], told: str
) -> None:
    outlook = looked_at(merchant, order(**change))

    assert told in outlook.problem
    assert outlook.total is None
    with pytest.raises(NotAnOrder, match=told):
        given(merchant, order(external_id="FAIR-6"), order(**change))
    with scope.merchant(merchant.id):
        assert not InboxMessage.objects.exists()
        assert not Connection.objects.exists()


def test_a_store_that_was_taken_away_takes_nothing(merchant: Merchant) -> None:
    given(merchant, order())
    with scope.merchant(merchant.id):
        store = own_store(merchant.id, Mode.LIVE)
        assert store is not None
        connections.archive(store.id, merchant_id=merchant.id, reason="no more fairs")

    with pytest.raises(StoreRemoved, match="was removed"):
        given(merchant, order(external_id="FAIR-8"))
    with pytest.raises(StoreRemoved, match="was removed"):
        looked_at(merchant, order(external_id="FAIR-8"))
    with scope.merchant(merchant.id):
        assert InboxMessage.objects.count() == 1


def test_no_order_reaches_a_store_of_another_merchant(
    merchant: Merchant, other_merchant: Merchant
) -> None:
    given(merchant, order())
    with scope.merchant(merchant.id):
        store = own_store(merchant.id, Mode.LIVE)
        assert store is not None

    with scope.merchant(other_merchant.id), pytest.raises(StoreRemoved):
        hand_over(other_merchant.id, [order()], mode=Mode.LIVE, store_id=store.id)
    with scope.merchant(merchant.id), pytest.raises(StoreRemoved):
        hand_over(merchant.id, [order()], mode=Mode.TEST, store_id=store.id)

    assert looked_at(other_merchant, order()).known is None


def row(number: int, **cells: str) -> tuple[int, dict[str, str]]:
    known = {
        "external_id": "F-1", "currency": "EUR", "payment": "paid", "sku": "MUG-1", "title": "Mug",
        "quantity": "2", "unit_price": "14.50", "shipping_price": "",
    }  # fmt: skip
    return number, {**known, **cells}


def test_every_fault_of_a_file_stands_at_its_row() -> None:
    found = orders_of(
        [
            row(2),
            row(3, external_id=""),
            row(4, sku="", quantity="two"),
            row(5, external_id="F-2", currency="XAX", payment="later", shipping_price="5,90"),
            row(6, external_id="F-3"),
            row(7, external_id="F-3", currency="SEK", unit_price="-1.00001"),
            row(8, external_id="F-4", title="ü" * 301),
            row(9, external_id="F-5"),
        ]
    )

    assert [(one.external_id, one.order is not None) for one in found] == [
        ("F-1", False), ("", False), ("F-2", False), ("F-3", False), ("F-4", False), ("F-5", True),
    ]  # fmt: skip
    assert [fault for one in found for fault in one.faults] == [
        (4, "sku is empty"),
        (4, "quantity “two” is no whole number of at least 1"),
        (3, "external_id is empty"),
        (5, "currency “XAX” is no currency: three letters, as in EUR"),
        (5, "payment “later” is none of 'paid', 'unpaid', 'on_terms' or 'not_required'"),
        (5, "shipping_price “5,90” is no amount, as in 12.50"),
        (7, "currency differs from line 6"),
        (7, "unit_price “-1.00001” is no amount, as in 12.50"),
        (8, f"title “{'ü' * 40}” is longer than 300 signs"),
    ]


def test_an_order_that_was_placed_long_ago_is_history(
    merchant: Merchant, run_jobs: Callable[..., int]
) -> None:
    long_ago = timezone.now() - timedelta(days=45)
    given(merchant, order(placed_at=long_ago), order(external_id="FAIR-9"))
    run_jobs()

    with scope.merchant(merchant.id):
        rows = Order.objects.order_by("external_id").values_list("external_id", "is_history")
        assert list(rows) == [("FAIR-7", True), ("FAIR-9", False)]


def test_a_second_store_takes_orders_of_its_own(
    merchant: Merchant, run_jobs: Callable[..., int]
) -> None:
    given(merchant, order())
    with scope.merchant(merchant.id):
        made = connections.add_connection(
            merchant.id, platform="direct", mode=Mode.LIVE, name="Market stall", settings={}
        )
        connections.go_live(made.id, merchant_id=merchant.id, reason="opened")
        hand_over(merchant.id, [order(number="9")], mode=Mode.LIVE, store_id=made.id)
        names = [store.name for store in further_stores(merchant.id, Mode.LIVE)]
    run_jobs()

    assert names == ["Market stall"]
    with scope.merchant(merchant.id):
        rows = Order.objects.order_by("number").values_list("external_id", "number")
        assert list(rows) == [("FAIR-7", "9"), ("FAIR-7", "FAIR-7")]
