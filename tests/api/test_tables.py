"""Lists of the interface as CSV: the rows of the list, of the key's mode, safe in a spreadsheet."""

import csv
import io
from decimal import Decimal

from entrepot.access import scope
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.intake.tables import BYTE_ORDER_MARK
from tests.api.calling import Caller
from tests.dashboard.scene import Scene
from tests.dashboard.troubles import unmatched


def rows_of(caller: Caller, path: str, **asked: object) -> list[dict[str, str]]:
    answer = caller.get(path, **asked)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix(BYTE_ORDER_MARK))))


def test_fulfillment_orders_are_told_with_their_order_cost_and_tracking(
    machine: Caller, shop_day: Scene
) -> None:
    prodigi = shop_day.connections["prodigi"].id
    with scope.merchant(shop_day.merchant.id):
        FulfillmentOrder.objects.filter(
            order_id=shop_day.orders["10482"].id, connection_id=prodigi
        ).update(external_id="=ord_1", cost=Decimal("46.8500"))
    path = "/api/v1/fulfillment-orders"

    listed = machine.get(path, limit=200).body["data"]
    everything = rows_of(machine, f"{path}.csv")
    open_ones = rows_of(machine, f"{path}.csv", status="open")
    theirs = rows_of(machine, f"{path}.csv", connection_id=prodigi)

    assert [int(row["id"]) for row in everything] == [share["id"] for share in listed]
    assert [row["order"] for row in open_ones] == ["10496"]
    assert {row["provider"] for row in theirs} == {"prodigi"}
    two = [row for row in everything if row["order"] == "10482"]
    assert [(row["share"], row["cost"], row["currency"], row["units"]) for row in two] == [
        ("2", "", "", "3"),
        ("1", "46.85", "EUR", "3"),
    ]
    assert [row["tracking_numbers"] for row in two] == ["NP 0047 1188 2", "NP 8830 2741 5"]
    assert two[1]["external_id"] == "'=ord_1"


def test_unmatched_payments_are_told_in_the_mode_of_the_key(
    machine: Caller, test_machine: Caller, shop_day: Scene
) -> None:
    unmatched(shop_day, "pi_fremd_1", "64.80", method="Klarna", card_last4="4242")
    unmatched(shop_day, "pi_fremd_2", "12000", currency="JPY")
    unmatched(shop_day, "pi_test_1", "1.10", mode="test")
    path = "/api/v1/payments.csv"

    live, test = rows_of(machine, path), rows_of(test_machine, path)

    assert [(row["payment_external_id"], row["amount"], row["currency"]) for row in live] == [
        ("pi_fremd_2", "12000", "JPY"),
        ("pi_fremd_1", "64.80", "EUR"),
    ]
    assert [row["payment_external_id"] for row in test] == ["pi_test_1"]
