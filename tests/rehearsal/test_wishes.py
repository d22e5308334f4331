"""What the checker finds of captures, voids and shipping methods, on evidence made by hand."""

from decimal import Decimal
from typing import Any

import pytest

from rehearsal.checker import Findings, check
from rehearsal.evidence import Evidence, Senders
from tests.rehearsal.test_checker import evidence, money, order

PAGE = "cs_test_7f1"
GATEWAY = "stripe"
NAME = f"{GATEWAY}/{PAGE}"


def payment(**changed: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "external_id": "pi_7f1",
        "amount": "9900",
        "currency": "JPY",
        "refunded": "0",
        "is_by_hand": True,
        "is_open": False,
        "captures": 1,
        "voids": 0,
    }
    return row | changed


def paid_by_hand(
    taken: dict[str, Any], senders: Senders, *, counted: str = "9900", **more: Any
) -> Evidence:
    """An order of a checkout that was authorized, and what became of it."""
    sold = order(
        external_id=PAGE,
        total=money("9900", "JPY"),
        amounts={"refunded": money("0", "JPY"), "captured": money(counted, "JPY")},
        fulfillment_status="not_required",
        units=dict.fromkeys(
            ("ordered", "cancelled", "nothing_to_ship", "elsewhere", "shipped", "delivered"), 0
        ),
    )
    checkout = {
        "external_id": PAGE,
        "is_paid": False,
        "total": "9900",
        "currency": "JPY",
        "transaction_id": "pi_7f1",
    }
    return evidence(
        orders=[sold],
        works=[],
        books={GATEWAY: {"checkouts": [checkout], "payments": [taken]}},
        connections=[{"id": 5, "code": f"{GATEWAY}-a1", "account": "stripe:acct_a1"}],
        senders=senders,
        **more,
    )


CAPTURED = Senders(captures={NAME: Decimal(9900)})
LET_GO = Senders(voids={NAME})
VOIDED = payment(amount="0", captures=0, voids=1)
OPEN = payment(amount="0", captures=0, is_open=True)


@pytest.mark.parametrize(
    ("_case", "told"),
    [
        ("captured as asked", paid_by_hand(payment(), CAPTURED)),
        ("let go as asked", paid_by_hand(VOIDED, LET_GO, counted="0")),
        ("nobody has decided", paid_by_hand(OPEN, Senders(), counted="0")),
        ("let go at the gateway before", paid_by_hand(VOIDED, CAPTURED, counted="0")),
        ("by itself", paid_by_hand(payment(is_by_hand=False), Senders())),
        (
            "we are asking",
            paid_by_hand(
                OPEN,
                CAPTURED,
                counted="0",
                attempts=[{"id": 3, "order_id": 41, "kind": "capture", "status": "unknown"}],
            ),
        ),
    ],
)
def test_what_was_asked_for_and_happened_is_no_finding(_case: str, told: Evidence) -> None:
    assert check(told) == Findings()


@pytest.mark.parametrize(
    ("_case", "told", "said"),
    [
        ("twice", paid_by_hand(payment(captures=2), CAPTURED), "captured 2 times"),
        ("after a void", paid_by_hand(payment(voids=1), CAPTURED), "captured, and let go"),
        ("unasked", paid_by_hand(payment(), LET_GO), "9900 were captured, and nobody asked for it"),
        (
            "another amount",
            paid_by_hand(payment(amount="9000"), CAPTURED, counted="9000"),
            "9000 were captured, 9900 were asked for",
        ),
        (
            "by our word alone",
            paid_by_hand(OPEN, CAPTURED),
            "the hub counts 9900, and 0 were taken; somebody decided, and it is still authorized",
        ),
        (
            "forgotten",
            paid_by_hand(OPEN, LET_GO, counted="0"),
            "somebody decided, and it is still authorized",
        ),
        ("unknown to us", paid_by_hand(payment(), CAPTURED, counted="0"), "9900 were taken, and"),
    ],
)
def test_each_breach_about_authorized_money_is_found(_case: str, told: Evidence, said: str) -> None:
    found = check(told)

    assert len(found.captures_wrong) == 1, found
    assert found.captures_wrong[0].startswith(f"{NAME}: {said}")
    assert not found.is_clean


def share(**changed: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": 77,
        "external_id": "ord_1",
        "status": "accepted",
        "shipping_method": "Overnight",
        "chosen_method": "Overnight",
        "refused_method": "",
    }
    return row | changed


def shipped(row: dict[str, Any], *, there: str = "Overnight", **more: Any) -> Evidence:
    work = {
        "external_id": "ord_1",
        "reference": "test!seemoewe-a1.example/317/1/1",
        "is_live": True,
        "has_left": True,
        "units": {"MUG": 2, "A3": 3},
        "shipping_method": there,
    }
    senders = Senders(methods={77: "Overnight"})
    return evidence(works=[work], shares=[row], **{"senders": senders, **more})


@pytest.mark.parametrize(
    ("_case", "told"),
    [
        ("changed", shipped(share())),
        (
            "refused",
            shipped(
                share(shipping_method="Standard", refused_method="Overnight"), there="Standard"
            ),
        ),
        (
            "cancelled before anybody asked",
            shipped(share(shipping_method="Standard", status="cancelled"), there="Standard"),
        ),
        (
            "we are asking",
            shipped(
                share(shipping_method="Standard"),
                attempts=[{"kind": "change_shipping", "subject_id": 77, "status": "unknown"}
                          | {"order_id": 41, "id": 3}],
            ),
        ),
        ("of another provider", shipped(share(external_id="x-9"))),
    ],
)  # fmt: skip
def test_a_method_that_both_sides_know_is_no_finding(_case: str, told: Evidence) -> None:
    assert check(told) == Findings()


@pytest.mark.parametrize(
    ("_case", "told", "said"),
    [
        (
            "they differ",
            shipped(share(), there="Standard"),
            "goes by Standard, and the hub says Overnight",
        ),
        (
            "forgotten",
            shipped(share(shipping_method="Overnight", chosen_method="")),
            "was to go by Overnight, and the hub has forgotten it",
        ),
        (
            "nobody has asked",
            shipped(share(shipping_method="Standard", status="closed"), there="Standard"),
            "was to go by Overnight, and nobody has asked",
        ),
    ],
)
def test_each_breach_about_shipping_methods_is_found(_case: str, told: Evidence, said: str) -> None:
    found = check(told)

    assert found.methods_wrong == [f"share 77 (ord_1) {said}"]
    assert not found.is_clean
