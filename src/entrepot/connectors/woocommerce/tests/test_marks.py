"""What we write into a shop (notes, meta, refunds), and the marks by which we know it again."""

import json
from datetime import UTC, datetime
from typing import Any

from entrepot.canon.payments import RefundedLine, RefundRequest
from entrepot.connect.ports import WriteBack, WrittenParcel
from entrepot.connectors.woocommerce import marks, payments
from entrepot.connectors.woocommerce.fields import Fields
from entrepot.connectors.woocommerce.tests.goldens import FIXTURES, PAID, body_of, euro


def parcel(reference: str, **changes: Any) -> WrittenParcel:
    """A parcel with two units of one line and one of another."""
    values: dict[str, Any] = {
        "reference": reference,
        "carrier": "DHL",
        "service": "Express",
        "tracking_number": "00340434161094000000",
        "tracking_url": "https://track.example/00340434161094000000",
        "shipped_at": datetime(2026, 11, 21, 23, 30, tzinfo=UTC),
        "items": (("865", 2), ("866", 1)),
        **changes,
    }
    return WrittenParcel(**values)


def test_a_note_says_what_went_and_carries_our_mark() -> None:
    assert marks.to_note(parcel("E-P-7")) == (
        "3 units shipped with DHL Express, tracking number 00340434161094000000:"
        " https://track.example/00340434161094000000 [ref E-P-7]"
    )
    untracked = parcel(
        "E-P-8", carrier="", service="", tracking_number="", tracking_url="", items=(("865", 1),)
    )
    assert marks.to_note(untracked) == "1 unit shipped with an unnamed carrier [ref E-P-8]"
    assert marks.found_in_text(marks.to_note(untracked)) == "E-P-8"
    further = parcel("E-P-9", service="", tracking_number="", tracking_url="", items=())
    assert marks.to_note(further) == "Another parcel shipped with DHL [ref E-P-9]"


def test_meta_grow_by_what_is_missing_and_repeat_to_the_same() -> None:
    order = body_of("order_yen_tax_added")
    news = WriteBack(
        reference="E-W-2",
        order_external_id="9001",
        parcels=(parcel("E-P-2"), parcel("E-P-3")),
        completes_order=False,
    )

    once = marks.to_meta(order, news)
    written = [{"key": row["key"], "value": row["value"]} for row in once]
    twice = marks.to_meta(body_of("order_yen_tax_added", meta_data=written), news)

    assert once == twice
    assert [row["reference"] for row in json.loads(once[0]["value"])] == ["E-P-1", "E-P-2", "E-P-3"]
    assert json.loads(once[1]["value"]) == ["E-W-1", "E-P-1", "E-W-2"]


def test_a_refund_names_its_lines_shares_with_tax_and_our_reference_twice() -> None:
    request = RefundRequest(
        reference="E-R-1",
        idempotency_key="k",
        payment_external_id="order:310",
        order_external_id="310",
        amount=euro("31.07"),
        reason="Zu spät",
        lines=(RefundedLine(line_external_id="866", quantity=2),),
    )

    body = payments.to_refund_body(request, body_of(PAID), api_refund=False)

    assert body == {
        "amount": "31.07",
        "reason": "Zu spät [ref E-R-1]",
        "line_items": [
            {
                "id": 866,
                "quantity": 2,
                "refund_total": "26.11",
                "refund_tax": [{"id": 1, "refund_total": "4.96"}],
            }
        ],
        "meta_data": [{"key": "_entrepot_refund", "value": "E-R-1"}],
        "api_refund": False,
        "api_restock": False,
    }


def test_a_refund_is_known_by_its_meta_or_else_by_its_reason() -> None:
    row = json.loads((FIXTURES / "answers" / "refund_partial_with_line.json").read_text())
    named = payments.to_refund(Fields({**row, "reason": "Kaputt [ref E-R-9]"}), "EUR")
    marked = {**row, "meta_data": [{"key": "_entrepot_refund", "value": "E-R-8"}]}

    assert named.own_reference == "E-R-9"
    assert payments.to_refund(Fields(marked), "EUR").own_reference == "E-R-8"
    assert payments.to_refund(Fields(row), "EUR").own_reference == ""
