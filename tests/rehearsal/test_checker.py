"""What the checker finds, on evidence made by hand."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from rehearsal.checker import Findings, check
from rehearsal.evidence import Evidence, Senders
from rehearsal.post_office import Taken

ACCOUNT = "woocommerce:https://seemoewe-a1.example"
MOUNT = "woocommerce-eur"


def money(amount: str, currency: str = "EUR") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


def order(**changed: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "order_id": 41,
        "number": "317",
        "external_id": "317",
        "connection_id": 5,
        "status": "closed",
        "payment_status": "paid",
        "fulfillment_status": "delivered",
        "is_held": False,
        "is_history": False,
        "released_at": "2026-11-25T12:00:00Z",
        "total": money("95.60"),
        "amounts": {"refunded": money("0"), "captured": money("95.60")},
        "units": {
            "ordered": 5,
            "cancelled": 0,
            "nothing_to_ship": 0,
            "elsewhere": 0,
            "shipped": 5,
            "delivered": 5,
        },
    }
    return row | changed


def sale(**changed: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "external_id": "317",
        "is_paid": True,
        "is_cancelled": False,
        "state": "completed",
        "units": {"MUG-11OZ": 2, "MOEWE-A3": 3},
        "total": "95.60",
        "currency": "EUR",
        "refunded": "0",
        "transaction_id": "",
        "trackings": ["0034"],
        "notes": [],
    }
    return row | changed


def work(**changed: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "external_id": "ord_1",
        "reference": "test!seemoewe-a1.example/317/1/1",
        "is_live": True,
        "has_left": True,
        "units": {"MUG": 2, "A3": 3},
    }
    return row | changed


def evidence(
    *,
    orders: list[dict[str, Any]] | None = None,
    sales: list[dict[str, Any]] | None = None,
    works: list[dict[str, Any]] | None = None,
    **changed: Any,
) -> Evidence:
    told = Evidence(
        accounts={
            "run": "a1",
            "places": [
                {"recipes": {"mug": {"provider_sku": "MUG"}, "print": {"provider_sku": "A3"}}}
            ],
            "goods": [
                {"sku": "MUG-11OZ", "made_as": "mug"},
                {"sku": "MOEWE-A3", "made_as": "print"},
            ],
        },
        books={
            MOUNT: {"sales": [sale()] if sales is None else sales},
            "prodigi": {"works": [work()] if works is None else works},
        },
        placed=[{"mount": MOUNT, "external_id": "317", "number": 12}],
        acknowledged=["ab12"],
        mails=[Taken("m1@seemoewe.example", "kunde12@de.example", "Danke")],
        senders=Senders(),
        connections=[{"id": 5, "code": f"{MOUNT}-a1", "account": ACCOUNT}],
        orders=[order()] if orders is None else orders,
        shares=[],
        attempts=[],
        obligations=[],
        letters=[],
        told=[],
        received=[{"id": 9, "sha256": "ab12", "outcome": "applied"}],
        parked=[],
    )
    return replace(told, **changed)


def test_books_that_agree_find_nothing() -> None:
    assert check(evidence()) == Findings()


@pytest.mark.parametrize(
    ("_case", "given", "where"),
    [
        ("a paid sale without an order", {"orders": [], "works": []}, "lost"),
        ("an acknowledged webhook is gone", {"received": []}, "lost"),
        ("shipped by our word alone", {"works": [work(has_left=False)]}, "lost"),
        (
            "two works of a share",
            {"works": [work(units={"MUG": 2}), work(external_id="ord_2", units={"A3": 3})]},
            "doubled",
        ),
        ("a unit too many", {"works": [work(units={"MUG": 2, "A3": 4})]}, "doubled"),
        ("another shop's parcel", {"works": [work(reference="test!x/9/1/1")]}, "doubled"),
        ("the shop was told twice", {"sales": [sale(trackings=["0034", "0034"])]}, "doubled"),
        ("history is made", {"orders": [order(is_history=True)]}, "doubled"),
        (
            "an order stands for nothing",
            {"orders": [order(status="open")]},
            "stuck",
        ),
        (
            "one mail arrived twice",
            {"mails": [Taken("m1", "kunde12@de.example", "Danke")] * 2},
            "mails_doubled",
        ),
        (
            "a stranger was mailed",
            {"mails": [Taken("m1", "kunde13@de.example", "Danke")]},
            "unexpected_mails",
        ),
        (
            "a status without its facts",
            {"orders": [order(fulfillment_status="shipped")]},
            "axes_wrong",
        ),
        (
            "made after it was completed by hand",
            {"senders": Senders(never_made={f"{MOUNT}/317": "completed by hand"})},
            "doubled",
        ),
        ("another total", {"sales": [sale(total="95.70")]}, "money_mismatch"),
        ("a refund that we do not know", {"sales": [sale(refunded="14.50")]}, "money_mismatch"),
        ("the shop was not told", {"sales": [sale(state="processing")]}, "written_back_missing"),
        (
            "an unknown mail that nobody promised to find out about",
            {
                "attempts": [
                    {
                        "id": 9,
                        "order_id": 41,
                        "kind": "mail",
                        "status": "unknown",
                        "reference": "mail-1",
                        "message": "gone",
                    }
                ]
            },
            "mail_unowed",
        ),
    ],
)
def test_each_breach_is_found_where_it_belongs(
    _case: str, given: dict[str, Any], where: str
) -> None:
    found = check(evidence(**given))

    assert len(getattr(found, where)) == 1, found
    assert not found.is_clean


def test_more_refunded_than_asked_for_is_doubled() -> None:
    told = evidence(
        orders=[order(amounts={"refunded": money("29.00"), "captured": money("95.60")})],
        sales=[sale(refunded="29.00")],
        senders=Senders(refunds={f"{MOUNT}/317": Decimal("14.50")}),
    )

    assert check(told) == Findings(
        refunds_doubled=[f"{MOUNT}/317: 29.00 went back, 14.50 was asked for"]
    )


def test_what_a_person_sent_again_is_no_double() -> None:
    again = work(external_id="ord_2", reference="test!seemoewe-a1.example/317/2/1", units={"A3": 3})

    assert check(
        evidence(works=[work(), again], senders=Senders(reshipped={f"{MOUNT}/317": 3}))
    ) == (Findings())


def test_an_event_that_a_poll_had_brought_first_is_kept_in_other_words() -> None:
    assert check(evidence(acknowledged=["message 9"])) == Findings()
    assert check(evidence(acknowledged=["message 10"])).gone
