"""What goes wrong on the way, and how each of it ends: nothing lost, nothing sent twice."""

from datetime import timedelta
from decimal import Decimal

import pytest

from entrepot.access import scope
from entrepot.attempts.models import Attempt
from entrepot.canon.money import Money
from entrepot.catalog import services as catalog
from entrepot.catalog.services import MappingWish
from entrepot.catalog.states import MappingKind
from entrepot.connections.models import Connection
from entrepot.connectors.woocommerce.simulator import MUG, PRINT_A3
from entrepot.fulfillment.models import FulfillmentOrder, Shipment
from entrepot.fulfillment.reship import reship
from entrepot.obligations.models import Obligation
from entrepot.orders import services as orders
from entrepot.orders.models import Hold, Order
from entrepot.payments import refunds
from entrepot.tasks.registry import Work
from entrepot.tasks.writing_back import write_back
from tests.journeys.conftest import World

pytestmark = pytest.mark.journey


def order_of(world: World) -> Order:
    with scope.merchant(world.merchant.id):
        return Order.objects.get()


def holds_of(world: World) -> list[tuple[str, str]]:
    with scope.merchant(world.merchant.id):
        return sorted(Hold.objects.filter(lifted_at=None).values_list("kind", "about"))


def shares_of(world: World) -> list[tuple[int, str, int]]:
    with scope.merchant(world.merchant.id):
        rows = FulfillmentOrder.objects.order_by("share")
        return list(rows.values_list("share", "status", "generation"))


def attempts_of(world: World, kind: str) -> list[str]:
    with scope.merchant(world.merchant.id):
        rows = Attempt.objects.filter(kind=kind).order_by("id")
        return list(rows.values_list("status", flat=True))


def test_an_unmapped_sku_holds_the_order_and_mapping_it_once_lets_it_go(
    world: World, mapped: dict[str, Connection]
) -> None:
    world.shop.customer_orders((PRINT_A3, 2), (MUG, 3))

    world.settle(ahead=timedelta(minutes=2))
    assert holds_of(world) == [("unmapped_sku", MUG)]
    assert world.house.books["orders"] == {}

    catalog.map_sku(
        world.merchant.id,
        MUG,
        wish=MappingWish(
            kind=MappingKind.PROVIDER,
            provider_connection_id=mapped["house"].id,
            provider_sku="GLOBAL-MUG-W",
        ),
        by="user:1",
    )
    world.settle()
    assert holds_of(world) == []
    assert [status for _, status, _ in shares_of(world)] == ["accepted"]
    [made] = world.house.books["orders"].values()
    assert sorted(item["copies"] for item in made.asked["items"]) == [2, 3]


def test_a_lost_answer_is_looked_up_and_never_sent_twice(
    world: World, mapped: dict[str, Connection]
) -> None:
    world.shop.customer_orders((PRINT_A3, 2))
    world.price(mapped["shop"])
    world.house.faults.drop_answer = 1.0

    world.settle(ahead=timedelta(minutes=2), rounds=2)
    assert attempts_of(world, "submit") == ["unknown"]
    assert len(world.house.books["orders"]) == 1

    world.house.faults.drop_answer = 0.0
    world.ask()
    assert attempts_of(world, "submit") == ["accepted"]
    assert [status for _, status, _ in shares_of(world)] == ["accepted"]
    assert len(world.house.books["orders"]) == 1


def test_an_order_cancelled_before_it_was_sent_is_never_sent(
    world: World, mapped: dict[str, Connection]
) -> None:
    shop_id = world.shop.customer_orders((PRINT_A3, 2))
    world.price(mapped["shop"])
    world.house.faults.rate_limited = 1.0
    world.settle(ahead=timedelta(minutes=2), rounds=2)
    assert attempts_of(world, "submit") == ["not_sent"]

    world.shop.cancel(shop_id)
    world.settle(ahead=timedelta(minutes=2), rounds=3)
    world.house.faults.rate_limited = 0.0
    world.settle(ahead=timedelta(minutes=10))

    assert order_of(world).status == "cancelled"
    assert [status for _, status, _ in shares_of(world)] == ["cancelled"]
    assert world.house.books["orders"] == {}


def test_an_unknown_submission_that_nobody_wants_any_more_is_never_sent_again(
    world: World, mapped: dict[str, Connection]
) -> None:
    shop_id = world.shop.customer_orders((PRINT_A3, 2))
    world.price(mapped["shop"])
    world.house.faults.unreachable = 1.0
    world.settle(ahead=timedelta(minutes=2), rounds=2)
    assert attempts_of(world, "submit") == ["unknown"]
    world.shop.cancel(shop_id)
    world.settle(ahead=timedelta(minutes=2), rounds=3)
    world.house.faults.unreachable = 0.0

    for _ in range(4):
        world.ask()

    with scope.merchant(world.merchant.id):
        attempt = Attempt.objects.get(kind="submit")
    assert (attempt.status, attempt.needs_person) == ("unknown", True)
    assert [status for _, status, _ in shares_of(world)] == ["cancelling"]
    assert world.house.books["orders"] == {}


def test_an_order_cancelled_after_it_was_accepted_is_asked_back(
    world: World, mapped: dict[str, Connection]
) -> None:
    shop_id = world.shop.customer_orders((PRINT_A3, 2))
    world.settle(ahead=timedelta(minutes=2))
    assert [status for _, status, _ in shares_of(world)] == ["accepted"]

    world.shop.cancel(shop_id)
    world.settle(ahead=timedelta(minutes=2))

    assert order_of(world).status == "cancelled"
    assert attempts_of(world, "cancel") == ["accepted"]
    assert [status for _, status, _ in shares_of(world)] == ["cancelled"]
    [made] = world.house.books["orders"].values()
    assert made.stage == "Cancelled"


def test_a_refusal_holds_the_order_and_the_next_try_is_a_new_generation(
    world: World, mapped: dict[str, Connection]
) -> None:
    with scope.merchant(world.merchant.id):
        catalog.map_sku(
            world.merchant.id,
            PRINT_A3,
            wish=MappingWish(
                kind=MappingKind.PROVIDER,
                provider_connection_id=mapped["house"].id,
                provider_sku="NO-SUCH-THING",
            ),
            by="user:1",
        )
    world.shop.customer_orders((PRINT_A3, 2))

    world.settle(ahead=timedelta(minutes=2))

    assert [kind for kind, _ in holds_of(world)] == ["refused"]
    assert attempts_of(world, "submit") == ["rejected"]
    assert shares_of(world) == [(1, "open", 2)]


def test_a_refund_goes_back_once_where_the_payment_was_taken(
    world: World, mapped: dict[str, Connection]
) -> None:
    world.shop.customer_orders((PRINT_A3, 2))
    world.settle(ahead=timedelta(minutes=2))
    order = order_of(world)

    refunds.want_refund(
        world.merchant.id,
        order.id,
        amount=Money(Decimal("12.50"), order.currency),
        by="user:1",
        reason="Kratzer am Rahmen",
    )
    world.settle(ahead=timedelta(minutes=2))

    order = order_of(world)
    assert attempts_of(world, "refund") == ["accepted"]
    assert (order.payment_status, order.amount_refunded) == ("partially_refunded", Decimal("12.5"))


def test_a_reship_is_another_share_and_counts_no_unit_twice(
    world: World, mapped: dict[str, Connection]
) -> None:
    world.shop.customer_orders((PRINT_A3, 2))
    world.settle(ahead=timedelta(minutes=2))
    for _ in range(6):
        world.settle(ahead=timedelta(hours=12))
    with scope.merchant(world.merchant.id):
        share = FulfillmentOrder.objects.get()

    reship(world.merchant.id, share.id, by="user:1", reason="Im Regen gelegen")
    for _ in range(6):
        world.settle(ahead=timedelta(hours=12))

    assert [(number, status) for number, status, _ in shares_of(world)] == [
        (1, "closed"),
        (2, "closed"),
    ]
    assert len(world.house.books["orders"]) == 2
    assert order_of(world).units_shipped == 2


def test_a_held_order_waits_and_goes_on_when_the_hold_is_lifted(
    world: World, mapped: dict[str, Connection]
) -> None:
    world.shop.customer_orders((PRINT_A3, 2), payment_method="bacs", is_paid=False)
    world.settle(ahead=timedelta(minutes=2))
    order = order_of(world)
    assert (order.payment_status, shares_of(world)) == ("unpaid", [])
    orders.hold_order(world.merchant.id, order.id, by="user:1", reason="Kunde ruft zurück")
    world.shop.pay(next(iter(world.shop.shop.sales)))
    world.settle(ahead=timedelta(minutes=2))
    assert shares_of(world) == []

    with scope.merchant(world.merchant.id):
        hold_ids = list(Hold.objects.filter(lifted_at=None).values_list("id", flat=True))
    for hold_id in hold_ids:
        orders.lift_hold(world.merchant.id, hold_id, by="user:1", reason="geklärt")
    world.settle(ahead=timedelta(minutes=2))

    assert [status for _, status, _ in shares_of(world)] == ["accepted"]


def test_a_shop_that_was_told_is_owed_nothing_when_the_job_comes_again(
    world: World, mapped: dict[str, Connection]
) -> None:
    world.shop.customer_orders((PRINT_A3, 2), (MUG, 3))
    catalog.map_sku(world.merchant.id, MUG, wish=MappingWish(kind=MappingKind.NOTHING), by="user:1")
    for _ in range(4):
        world.settle(ahead=timedelta(hours=12))
    with scope.merchant(world.merchant.id):
        (shipment,) = Shipment.objects.all()
    assert shipment.written_back_at is not None

    write_back(world.merchant.id, [Work({"subject_id": shipment.id}, "")])

    with scope.merchant(world.merchant.id):
        assert not Obligation.objects.filter(kind="write_back", end="").exists()
