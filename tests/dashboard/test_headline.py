"""One headline state per order: the first that applies, the same on a page and in a list."""

from datetime import timedelta

import pytest

from entrepot.access import scope
from entrepot.dashboard.reading import headline, order_list
from entrepot.dashboard.reading.filters import Filters
from entrepot.dashboard.reading.headline import State
from entrepot.database import sql
from entrepot.orders.models import Order
from tests.dashboard import scene as scenes
from tests.dashboard import shares, troubles
from tests.dashboard.scene import Scene

OF_THE_DAY = {
    "10482": State.DELAYED,
    "10479": State.OVERDUE,
    "10481": State.HELD,
    "10490": State.HELD,
    "10484": State.IN_PRODUCTION,
    "E-7KQ2MD": State.UNKNOWN,
    "10468": State.OVERDUE,
    "10496": State.COOLING_OFF,
    "10495": State.AWAITING_PAYMENT,
    "10480": State.SHIPPED,
    "10497": State.ACCEPTED,
    "E-4TN9XB": State.DELIVERED,
    "10466": State.PRESUMED_DELIVERED,
    "10471": State.CANCELLED,
}


def test_each_order_of_the_day_has_its_state(scene: Scene) -> None:
    numbers = {order.id: number for number, order in scene.orders.items()}

    with scope.merchant(scene.merchant.id):
        found = {numbers[id_]: state for id_, state in headline.states_of(numbers).items()}

    assert {number: found[number] for number in OF_THE_DAY} == OF_THE_DAY
    assert set(found) == set(scene.orders)


def test_the_states_are_a_partition_and_lists_filter_by_the_same(scene: Scene) -> None:
    names: dict[int, str] = {}
    with scope.merchant(scene.merchant.id):
        of_page = headline.states_of(order.id for order in scene.orders.values())
        of_lists = {
            row.id: state
            for state in State
            for row in order_list.rows_of(
                "live", Filters({"state": state.value}), names=names, sees_people=True
            ).rows
        }
        counted = {
            state: order_list.how_many("live", Filters({"state": state.value}), sees_people=True)
            for state in State
        }

    assert of_lists == of_page
    assert sum(counted.values()) == len(scene.orders)


def test_the_state_is_the_first_condition_that_applies(scene: Scene) -> None:
    columns = ", ".join(headline.CONDITIONS.values())

    with scope.merchant(scene.merchant.id):
        rows = sql.fetch(f"SELECT o.id, {columns} FROM orders_order AS o")
        states = headline.states_of(row[0] for row in rows)

    for order_id, *applies in rows:
        first = next(state for state, holds in zip(State, applies, strict=True) if holds)
        assert states[order_id] == first


@pytest.mark.parametrize(
    ("_case", "done", "before", "after"),
    [
        ("a hold outranks what is under way", "hold", State.ACCEPTED, State.HELD),
        ("a promise that is late outranks a hold", "owe", State.HELD, State.OVERDUE),
        ("what nobody knows outranks everything", "unknown", State.OVERDUE, State.UNKNOWN),
    ],
)
def test_precedence(scene: Scene, _case: str, done: str, before: State, after: State) -> None:
    number = {"hold": "10497", "owe": "10481", "unknown": "10468"}[done]
    order = scene.orders[number]

    def state() -> State:
        with scope.merchant(scene.merchant.id):
            return headline.states_of([order.id])[order.id]

    assert state() == before
    match done:
        case "hold":
            troubles.hold(scene, number, "person", "the customer called")
        case "owe":
            troubles.owe(scene, number, "submit", due=-timedelta(minutes=1))
        case _:
            row = shares.share(scene, order, provider="prodigi", status="submitted", number=9)
            troubles.unknown(scene, number, row)
    assert state() == after


def test_an_order_of_nothing_to_ship_is_closed_and_not_open(scene: Scene) -> None:
    order = scenes.sell(
        scene, "DL-1", customer="Zoë Ōtani", country="JP", total="1200", currency="JPY",
        lines=[("DL-NEB", "Wallpaper", 2)], placed=timedelta(hours=1), units_nothing=2,
    )  # fmt: skip

    with scope.merchant(scene.merchant.id):
        state = headline.states_of([order.id])[order.id]
        status = Order.objects.get(id=order.id).status

    assert (state, status) == (State.CLOSED, "closed")
