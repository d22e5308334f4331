"""What is known of a customer goes; what was sold, sent and paid stays, and nothing comes back."""

import json
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from entrepot.access import scope
from entrepot.connections.models import Connection
from entrepot.connectors.woocommerce.books import Buyer
from entrepot.connectors.woocommerce.pricing import CartLine, Delivery
from entrepot.fulfillment.models import FulfillmentItem, FulfillmentOrder
from entrepot.fulfillment.reship import CannotReship, reship
from entrepot.monitoring import retention
from entrepot.monitoring.erasure import NobodyToErase, StillNeeded, erase_customer_of
from entrepot.orders import services as orders
from entrepot.orders.models import Order
from tests.journeys.conftest import World

pytestmark = pytest.mark.journey

MARKS = (
    *("Sólveig", "Þórhallsdóttir", "solveig", "Bókhlöðustígur", "bakhús", "Ísafjörður"),
    *("5550177", "Skipasmíði", "hringja", "Afmæliskveðja", "eldhúsdyr", "400-7"),
)
BUYER = Buyer(
    first_name="Sólveig",
    last_name="Þórhallsdóttir",
    company="Skipasmíði ehf.",
    address_1="Bókhlöðustígur 11",
    address_2="bakhús",
    city="Ísafjörður",
    postcode="400-7",
    country="IS",
    email="solveig@tölvupóstur.example",
    phone="+3545550177",
)
TABLES = """
SELECT c.relname
FROM pg_class AS c
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
"""


def found_in(url: str) -> set[tuple[str, str]]:
    """Every mark that stands in the clear somewhere, with its table."""
    return set(_marks(url))


def _marks(url: str) -> Iterator[tuple[str, str]]:
    with psycopg.connect(url) as connection:
        for (table,) in connection.execute(TABLES).fetchall():
            rows = SQL("SELECT row_to_json(t)::text FROM {} AS t").format(Identifier(table))
            for (row,) in connection.execute(rows):
                words = row.casefold()
                yield from (
                    (table, mark) for mark in MARKS if any(one in words for one in _forms(mark))
                )


def _forms(mark: str) -> set[str]:
    """A mark in the clear and as JSON writes it, on its own and within JSON."""
    escaped = json.dumps(mark)[1:-1]
    return {one.casefold() for one in (mark, escaped, escaped.replace("\\", "\\\\"))}


def sell(world: World) -> int:
    """A paid order, with words of the customer's own on it; its id in the shop."""
    sale = world.shop.shop.place(
        [CartLine(sku="MOEWE-A3", quantity=3, properties=(("Text", "Afmæliskveðja"),))],
        buyer=BUYER,
        shipping=Delivery(),
        note="Vinsamlega hringja",
    )
    return sale.id


def sealed_left(url: str) -> dict[str, int]:
    """What is left that could be opened with the keys."""
    sealed = {
        "inbox_message": "body IS NOT NULL AND id IN (SELECT message_id FROM inbox_outcome"
        " WHERE order_id IS NOT NULL)",
        "customers_customer": "email_sealed <> ''",
        "notifications_mail": "recipient_sealed <> '' OR html <> '' OR text <> ''",
    }
    with psycopg.connect(url) as connection:
        found = {}
        for table, condition in sealed.items():
            counted = f"SELECT count(*) FROM {table} WHERE {condition}"
            found[table] = connection.execute(counted).fetchone()[0]  # type: ignore[index]
    return found


def test_nothing_is_left_of_a_customer_but_sums_and_nothing_comes_back(
    world: World, mapped: dict[str, Connection], superuser_url: str
) -> None:
    world.connect("easypost")
    shop_id = sell(world)
    merchant_id = world.merchant.id
    world.settle(ahead=timedelta(minutes=2))
    with scope.merchant(merchant_id):
        order = Order.objects.get()
    orders.add_note(merchant_id, order.id, by="user:1", text="eldhúsdyr eru bilaðar")
    with pytest.raises(StillNeeded, match=order.number):
        erase_customer_of(order.id, merchant_id=merchant_id, by="user:1", reason="beðið um")
    for _ in range(12):
        world.settle(ahead=timedelta(hours=12))
    with scope.merchant(merchant_id):  # as if it had been printed from a file of their own
        own = {"print_area": "default", "url": f"{world.files}/uploads/Sólveig.png"}
        FulfillmentItem.objects.update(assets=[own])
    assert {mark for _, mark in found_in(superuser_url)} >= {*MARKS} - {"solveig"}

    erased = erase_customer_of(order.id, merchant_id=merchant_id, by="user:1", reason="beðið um")

    assert erased.numbers == [order.number]
    assert found_in(superuser_url) == set()
    assert not any(sealed_left(superuser_url).values())
    with scope.merchant(merchant_id):
        after = Order.objects.get()
    kept = ("number", "total", "currency", "status", "payment_status", "fulfillment_status")
    assert [getattr(after, name) for name in kept] == [
        *(order.number, order.total, order.currency, "closed", "paid", "delivered")
    ]

    with scope.merchant(merchant_id):
        share = FulfillmentOrder.objects.get()
    with pytest.raises(CannotReship, match="its customer was erased"):
        reship(merchant_id, share.id, by="user:1", reason="brotið")

    # What is told of calls goes after two weeks; of what came since, nobody knows whose it is.
    calls = {("connections_call_record", mark) for mark in MARKS}
    world.shop.shop.change_address(shop_id, address_1="Bókhlöðustígur 12")
    world.settle(ahead=timedelta(minutes=5))
    assert found_in(superuser_url) - calls == set()
    retention.remove_old()
    assert not any(sealed_left(superuser_url).values())
    with pytest.raises(NobodyToErase):
        erase_customer_of(order.id, merchant_id=merchant_id, by="user:1", reason="aftur")
