"""A cancelled unit is shown once on the page of its order: in the share that had it, or beside."""

import re

import pytest

from entrepot.access import scope
from entrepot.dashboard.reading.cancelled import beside_shares, cancelled_by_item
from entrepot.fulfillment.models import FulfillmentItem, FulfillmentOrder
from entrepot.orders.models import Line
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene, count
from tests.dashboard.shares import share


def told(
    quantity: int, cancelled: int, shares: list[tuple[str, int, int]], *, per_line: int = 1
) -> tuple[list[int], int]:
    """What each share shows as cancelled, and what stands beside; shares: status, pieces, left."""
    line = Line(id=7, quantity=quantity, units_cancelled=cancelled)
    rows = [
        FulfillmentOrder(id=at, share=at, status=status)
        for at, (status, _, _) in enumerate(shares, 1)
    ]
    items = [
        FulfillmentItem(
            id=at, fulfillment_order_id=at, line_id=7, sku="PC-MOE-12", quantity=pieces,
            units_shipped=shipped, units_per_line=per_line,
        )
        for at, (_, pieces, shipped) in enumerate(shares, 1)
    ]  # fmt: skip
    found = cancelled_by_item([line], rows, items=items)
    return [found.get(item.id, 0) for item in items], beside_shares(line, items, cancelled=found)


@pytest.mark.parametrize(
    ("_case", "quantity", "cancelled", "shares", "shown", "beside"),
    [
        ("before there was a share", 5, 2, [], [], 2),
        ("of what was never routed", 5, 2, [("accepted", 3, 0)], [0], 2),
        ("all of a share", 2, 2, [("cancelled", 2, 0)], [2], 0),
        ("a part, planned anew", 5, 2, [("cancelled", 5, 0), ("open", 3, 0)], [2, 0], 0),
        ("one of two shares", 5, 2, [("accepted", 3, 0), ("cancelled", 2, 0)], [0, 2], 0),
        ("all of both", 5, 5, [("cancelled", 3, 0), ("cancelled", 2, 0)], [3, 2], 0),
        ("after another provider took over", 4, 4,
         [("cancelled", 4, 0), ("cancelled", 4, 0)], [0, 4], 0),
        ("the rest was taken over", 5, 2, [("cancelled", 3, 0), ("accepted", 3, 0)], [0, 0], 2),
        ("the provider goes on", 3, 3, [("accepted", 3, 0)], [3], 0),
        ("the provider is asked", 3, 3, [("cancelling", 3, 0)], [3], 0),
        ("some had left", 4, 3, [("cancelled", 4, 1)], [3], 0),
        ("nothing is cancelled", 4, 0, [("cancelled", 4, 0), ("open", 4, 0)], [0, 0], 0),
    ],
)  # fmt: skip
def test_cancelled_units_are_where_they_were(
    *,
    _case: str,
    quantity: int,
    cancelled: int,
    shares: list[tuple[str, int, int]],
    shown: list[int],
    beside: int,
) -> None:
    assert told(quantity, cancelled, shares) == (shown, beside)


def test_parts_of_a_kit_count_by_piece() -> None:
    assert told(3, 2, [("cancelled", 12, 0), ("open", 4, 0)], per_line=4) == ([8, 0], 0)


def test_the_page_shows_a_cancelled_unit_once(scene: Scene, sign_in: SignIn) -> None:
    order = scene.orders["10471"]
    with scope.merchant(scene.merchant.id):
        share(scene, order, status="cancelled")
        Line.objects.filter(order=order).update(units_cancelled=2, units_planned=0)
    count(scene, "10471", units_cancelled=2)

    page = sign_in(scene).get(f"/orders/{order.id}/").content.decode()

    rows = re.findall(r"<tr><td class=\"full\">.*?Postcards.*?</tr>", page, re.DOTALL)
    assert len(rows) == 1
    assert "2 cancelled" in rows[0]
    assert "Without a provider" not in page
