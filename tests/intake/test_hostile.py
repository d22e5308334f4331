"""Hostile and broken input: parked with a reason, never half-written, never a lost neighbour."""

import json
from typing import Any

import pytest

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.canon.orders import Mode
from entrepot.connections import services as connections
from entrepot.connections.models import Connection
from entrepot.inbox import services as inbox
from entrepot.inbox.models import InboxWork
from entrepot.intake.drain import drain
from entrepot.orders.models import Line, Order
from entrepot.payments.models import PaymentEntry
from tests.connections.accounts import a_shop
from tests.intake.hostile import Bend, deliver, order, outcomes


def line_of(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["line_items"][0]
    return found


def twice(body: dict[str, Any]) -> None:
    body["line_items"].append(dict(line_of(body)))
    body["total"] = "125.64"


BENT: list[tuple[str, Bend, str]] = [
    ("a NUL in a name", lambda o: o["billing"].update(first_name="Zo\x00ë"), "NUL"),
    ("a NUL in a SKU", lambda o: line_of(o).update(sku="A\x00B"), "NUL"),
    ("half a surrogate", lambda o: o.update(customer_note="\ud83d"), "read"),
    ("an unknown currency", lambda o: o.update(currency="QQQ"), "currency that does not exist"),
    ("a currency of four letters", lambda o: o.update(currency="EURO"), "currency"),
    ("a total far away", lambda o: o.update(total="99999.00"), "do not add up"),
    ("a huge total", lambda o: o.update(total="9" * 30), "total: not an amount"),
    ("a total that is a word", lambda o: o.update(total="many"), "total"),
    ("a total that is a list", lambda o: o.update(total=["1"]), "total"),
    ("not a number", lambda o: o.update(total="NaN"), "total"),
    ("a quantity below zero", lambda o: line_of(o).update(quantity=-2), "-2"),
    ("a huge quantity", lambda o: line_of(o).update(quantity=2**40), "1099511627776 units"),
    ("a quantity in words", lambda o: line_of(o).update(quantity="two"), "quantity"),
    ("half a unit", lambda o: line_of(o).update(quantity=1.5), "quantity"),
    ("two lines of one id", twice, "two lines with id 875"),
    ("lines that are a number", lambda o: o.update(line_items=7), "line_items"),
    ("a line that is a word", lambda o: o.update(line_items=["Möwe"]), "line_items"),
    ("an address that is a word", lambda o: o.update(shipping="zuhause"), "shipping"),
    ("a country by its name", lambda o: o["shipping"].update(country="Frankreich"), "country"),
    ("a SKU of 50,000 signs", lambda o: line_of(o).update(sku=noise(50_000)), "50000 signs"),
    ("a date that is none", lambda o: o.update(date_created_gmt="gestern"), "date_created_gmt"),
    ("no id", lambda o: o.pop("id"), "id"),
    ("an id that is an object", lambda o: o.update(id={"$gt": ""}), "id"),
]


def noise(signs: int) -> str:
    """Text that no compression makes short."""
    state, found = 20_260_301, []
    for _ in range(signs):
        state = (state * 1_103_515_245 + 12_345) % 2**31
        found.append(chr(0x4E00 + state % 20_000))
    return "".join(found)


@pytest.mark.parametrize(("_case", "bend", "reason"), BENT, ids=[case for case, _, _ in BENT])
def test_a_broken_order_is_parked_with_its_reason_and_its_neighbours_are_applied(
    shop: Connection, _case: str, bend: Bend, reason: str
) -> None:
    deliver(shop, order(101), order(102, bend), order(103))

    drain("live")

    (first, _), (second, said), (third, _) = outcomes()
    assert (first, second, third) == ("applied", "parked", "applied")
    assert reason in said
    with scope.merchant(shop.merchant_id):
        assert sorted(Order.objects.values_list("external_id", flat=True)) == ["101", "103"]
        assert Line.objects.count() == 2


@pytest.mark.parametrize(
    ("_case", "body"),
    [
        ("nothing", b""),
        ("truncated", json.dumps(order(102)).encode()[:400]),
        ("a web page", "<html>Wartung über Nacht</html>".encode()),
        ("a number", b"7"),
        ("null", b"null"),
        ("a list", b"[]"),
        ("deeply nested", b'{"id":' + b"[" * 100_000),
        ("bytes of no text", b"\xff\xfe\x00\x80"),
    ],
)
def test_what_is_no_order_at_all_is_parked(shop: Connection, _case: str, body: bytes) -> None:
    deliver(shop, order(101), body, order(103))

    drain("live")

    assert [outcome for outcome, _ in outcomes()] == ["applied", "parked", "applied"]


def test_ten_thousand_lines_are_taken_whole(shop: Connection) -> None:
    def many(body: dict[str, Any]) -> None:
        one = line_of(body) | {"total": "1.00", "total_tax": "0.20", "quantity": 2}
        body["line_items"] = [one | {"id": n, "sku": f"SKU-{n % 700}"} for n in range(1, 10_001)]
        body.update(total="12005.88")

    deliver(shop, order(102, many), order(103))

    drain("live")

    assert outcomes() == [("applied", ""), ("applied", "")]
    with scope.merchant(shop.merchant_id):
        assert Line.objects.filter(order__external_id="102").count() == 10_000
        assert Order.objects.get(external_id="102").units_ordered == 20_000


def test_an_id_that_is_given_out_again_to_another_sale_is_parked(shop: Connection) -> None:
    deliver(shop, order(102))
    drain("live")

    deliver(shop, order(102, lambda o: o.update(order_key="wc_order_neu", total="65.76")))
    drain("live")

    (first, _), (second, said) = outcomes()
    assert (first, second) == ("applied", "parked")
    assert "given out before" in said
    with scope.merchant(shop.merchant_id):
        assert Order.objects.get().birth_mark == "wc_order_102"


def test_two_sales_of_one_id_within_a_batch_do_not_hide_each_other(shop: Connection) -> None:
    deliver(shop, order(102), order(102, lambda o: o.update(order_key="wc_order_neu")))

    drain("live")

    assert [outcome for outcome, _ in outcomes()] == ["applied", "parked"]
    with scope.merchant(shop.merchant_id):
        assert Order.objects.get().birth_mark == "wc_order_102"


def test_a_broken_choice_of_a_merchant_stops_only_their_own_messages(
    shop: Connection, merchant: Merchant, other_merchant: Merchant
) -> None:
    theirs = a_shop(other_merchant, mode=Mode.TEST)
    connections.change_policy(
        shop.id, merchant_id=merchant.id, changes={"cooling_off_seconds": "bald"}
    )
    deliver(shop, order(101))
    deliver(theirs, order(102))

    drain("live")

    assert [outcome for outcome, _ in outcomes()] == ["parked", "applied"]


def test_a_parked_order_is_applied_once_it_is_mended_and_replayed(
    shop: Connection, merchant: Merchant
) -> None:
    connections.change_policy(
        shop.id, merchant_id=merchant.id, changes={"cooling_off_seconds": "bald"}
    )
    (message_id,) = deliver(shop, order(101))
    drain("live")
    connections.change_policy(shop.id, merchant_id=merchant.id, changes={"cooling_off_seconds": 60})

    inbox.replay([message_id], merchant_id=merchant.id, reason="behoben")
    drain("live")

    assert [outcome for outcome, _ in outcomes()] == ["applied"]
    with scope.merchant(merchant.id):
        assert Order.objects.count() == 1
        assert PaymentEntry.objects.count() == 0


def test_a_message_that_is_taken_up_again_and_again_is_parked_at_last(shop: Connection) -> None:
    deliver(shop, order(101))
    with scope.system():
        InboxWork.objects.update(tries=8)

    drain("live")

    assert outcomes() == [("parked", "taken up 8 times and never ended")]
