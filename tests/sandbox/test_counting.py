"""The verdict over a run: what the simulators would swear to, held against the hub's records."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from entrepot.sandbox.counting import CLASSES, Records, Still, compare

AT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
SHOP, PAGE, HOUSE = 4, 5, 6
CONNECTIONS = {"shop-jpy": SHOP, "page": PAGE, "house": HOUSE}


def sale(external_id: str, *, mount: str = "shop-jpy", turn: str = "plain") -> dict[str, Any]:
    return {"mount": mount, "external_id": external_id, "turn": turn, "at": AT.isoformat()}


def order(number: int, external_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "connection_id": SHOP,
        "external_id": external_id,
        "number": f"7000{number}",
        "reference": f"ref-{number}",
        "status": "open",
        "is_held": False,
        "payment_status": "paid",
        "fulfillment_status": "unfulfilled",
        "is_released": True,
    } | changes


def submission(order_id: int, external_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "kind": "submit",
        "status": "accepted",
        "reference": f"test!kamome.example/{order_id}/1/1",
        "needs_person": False,
        "message": "",
        "ended_at": AT + timedelta(milliseconds=400 * order_id),
        "external_id": external_id,
    } | changes


def work(
    order_id: int, external_id: str, *, share: int = 1, is_live: bool = True
) -> dict[str, Any]:
    return {
        "external_id": external_id,
        "reference": f"test!kamome.example/{order_id}/{share}/1",
        "is_live": is_live,
    }


def shop_books(*sales: dict[str, Any]) -> dict[str, Any]:
    return {"shop-jpy": {"sales": list(sales)}}


def standing(order_id: int, state: str, reason: str) -> Still:
    """An order of the yen shop that stands still."""
    return Still(
        number=str(70_000 + order_id),
        mount="shop-jpy",
        state=state,
        reason=reason,
        reference=f"ref-{order_id}",
        order_id=order_id,
    )


def test_every_sale_is_in_exactly_one_class() -> None:
    records = Records(
        orders=[
            order(1, "301", fulfillment_status="delivered", status="closed"),
            order(2, "302", fulfillment_status="shipped"),
            order(3, "303", is_held=True),
            order(4, "304", status="cancelled"),
            order(5, "305", payment_status="pending", is_released=False),
            order(6, "306", payment_status="refunded"),
            order(7, "307", status="closed", fulfillment_status="not_required"),
            order(8, "cs_8", connection_id=PAGE, fulfillment_status="delivered"),
        ],
        holds=[{"order_id": 3, "kind": "unmapped_sku", "reason": "SKU ŁÓDŹ-A3 is not mapped"}],
        parked=[(SHOP, b'{"id":308,"currency":"???"}', "unknown currency ???")],
    )
    books = {
        **shop_books(),
        "page": {"checkouts": [{"external_id": "cs_9", "is_paid": False, "is_pending": False}]},
    }
    placed = [
        *(sale(str(number)) for number in range(301, 309)),
        sale("cs_8", mount="page"),
        sale("cs_9", mount="page"),
    ]

    tally = compare(records, connections=CONNECTIONS, placed=placed, books=books)

    assert {name: tally.classes[name] for name in CLASSES} == {
        "delivered": 3,
        "under_way": 1,
        "held": 1,
        "parked": 1,
        "cancelled": 2,
        "unpaid": 2,
    }
    assert tally.still == [
        standing(3, "held", "unmapped_sku: SKU ŁÓDŹ-A3 is not mapped"),
        standing(5, "unpaid", "the payment is pending"),
        Still(number="308", mount="shop-jpy", state="parked", reason="unknown currency ???"),
        Still(
            number="cs_9",
            mount="page",
            state="unpaid",
            reason="the customer left the payment page without paying",
        ),
    ]
    assert (tally.placed, tally.in_hub) == (10, 8)
    assert (tally.lost, tally.doubled) == ([], [])


def test_what_was_cancelled_or_delivered_and_waits_for_a_person_is_held() -> None:
    records = Records(
        orders=[
            order(1, "301", status="cancelled", is_held=True),
            order(2, "302", fulfillment_status="delivered", is_held=True),
        ],
        holds=[
            {"order_id": 1, "kind": "shipped_after_cancel", "reason": "too late"},
            {"order_id": 1, "kind": "totals", "reason": "0.00 SEK are left"},
            {"order_id": 2, "kind": "dispute", "reason": "The payment is disputed"},
        ],
    )

    tally = compare(
        records, connections=CONNECTIONS, placed=[sale("301"), sale("302")], books=shop_books()
    )

    assert tally.classes == {"held": 2}
    assert [still.reason for still in tally.still] == [
        "shipped_after_cancel: too late; totals: 0.00 SEK are left",
        "dispute: The payment is disputed",
    ]


def test_a_sale_that_the_hub_never_heard_of_is_lost_at_the_end_and_not_before() -> None:
    asked: dict[str, Any] = {
        "connections": CONNECTIONS,
        "placed": [sale("301"), sale("302")],
        "books": shop_books(),
    }
    records = Records(orders=[order(2, "302")])

    meanwhile = compare(records, **asked)
    finally_ = compare(records, **asked, at_the_end=True)

    assert (meanwhile.lost, meanwhile.classes["under_way"]) == ([], 2)
    assert finally_.lost == ["shop-jpy/301: the hub has no order of it"]


def test_work_that_only_one_side_knows_is_lost() -> None:
    records = Records(
        orders=[order(1, "301"), order(2, "302"), order(3, "303")],
        attempts=[
            submission(1, "ord_1"),
            submission(2, "ord_gone"),
            submission(3, "", status="unknown", message="cut"),
        ],
    )
    books = {"house": {"works": [work(1, "ord_1"), work(9, "ord_ghost"), work(3, "ord_3")]}}

    tally = compare(
        records,
        connections=CONNECTIONS,
        placed=[sale("301"), sale("302"), sale("303")],
        books=books,
        at_the_end=True,
    )

    # ord_3 is being asked about: the hub knows that it does not know.
    assert tally.lost == [
        "a provider makes ord_ghost and the hub does not know",
        "the hub believes in ord_gone and no provider has it",
    ]
    assert [(still.state, still.reason) for still in tally.still] == [
        ("under_way", "the goods are unfulfilled"),
        ("under_way", "the goods are unfulfilled"),
        ("unknown", "submit: cut"),
    ]


@pytest.mark.parametrize(
    ("_case", "works", "said"),
    [
        ("one share twice", [work(1, "ord_1"), work(1, "ord_2")], 1),
        ("a share and its cancelled twin", [work(1, "ord_1"), work(1, "ord_2", is_live=False)], 0),
        ("two shares of one order", [work(1, "ord_1"), work(1, "ord_2", share=2)], 0),
        ("two orders", [work(1, "ord_1"), work(11, "ord_2")], 0),
    ],
)
def test_a_share_that_is_made_twice_is_doubled(
    _case: str, works: list[dict[str, Any]], said: int
) -> None:
    tally = compare(
        Records(), connections=CONNECTIONS, placed=[], books={"house": {"works": works}}
    )

    assert len(tally.doubled) == said


def test_a_shop_that_was_told_twice_and_a_mail_that_left_twice_are_doubled() -> None:
    told = {
        "external_id": "301",
        "trackings": ["JJD01", "JJD02", "JJD01"],
        "notes": ["Sent: JJD02"],
    }
    mails = [{"order_id": 1, "kind": "shipped", "fact": "shipment:1", "status": "sent"}] * 2
    records = Records(mails=mails, repeated_mails=["<mail-x@möwe.example>"])

    tally = compare(records, connections=CONNECTIONS, placed=[], books=shop_books(told))

    assert tally.doubled == [
        "shop-jpy/301 was told twice: JJD01",
        "mail <mail-x@möwe.example> left twice",
        "mail shipped about shipment:1 of order 1 twice",
    ]
    assert tally.mails == 2


def test_the_wait_counts_from_the_sale_to_the_acceptance_of_what_was_whole_at_once() -> None:
    records = Records(
        orders=[order(1, "301"), order(2, "302"), order(3, "303")],
        holds=[{"order_id": 3, "kind": "cost", "reason": "too dear"}],
        attempts=[submission(1, "ord_1"), submission(2, "ord_2"), submission(3, "ord_3")],
    )

    tally = compare(
        records,
        connections=CONNECTIONS,
        placed=[sale("301"), sale("302", turn="edited"), sale("303")],
        books=shop_books(),
    )

    assert tally.waits_ms == [400.0]
    assert tally.submitted == 3


def test_what_was_shipped_and_not_told_to_its_shop_is_counted_for_shops_only() -> None:
    records = Records(
        orders=[order(1, "301"), order(2, "302"), order(3, "cs_3", connection_id=PAGE)],
        shipments=[
            {"order_id": 1, "is_written_back": True, "connection_id": SHOP},
            {"order_id": 1, "is_written_back": False, "connection_id": SHOP},
            {"order_id": 2, "is_written_back": True, "connection_id": SHOP},
            {"order_id": 3, "is_written_back": False, "connection_id": PAGE},
        ],
    )

    tally = compare(records, connections=CONNECTIONS, placed=[], books=shop_books())

    assert (tally.shipped, tally.written_back, tally.untold) == (3, 1, 1)
