"""Orders as Prodigi shows them, in our words: golden files and what they cannot show."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.canon.fulfillment import (
    FulfillmentRequest,
    IssueKind,
    ProviderStage,
    RequestedAsset,
    RequestedItem,
    ShipmentState,
)
from entrepot.canon.money import Money
from entrepot.canon.orders import Mode
from entrepot.canon.places import Address
from entrepot.connect.errors import Rejected
from entrepot.connect.ports import Account, InboundMessage
from entrepot.connect.reading import Node
from entrepot.connectors.prodigi import asking, mapping, webhook

FIXTURES = Path(__file__).parent.parent / "fixtures"
ASSET = "https://cdn.example/a.png"
ACCOUNT = Account(mode=Mode.TEST, settings={})


def normalized(name: str) -> list[Any]:
    """A fixture read by the door that everything comes through, as plain values."""
    message = InboundMessage(
        source="webhook" if name.startswith("callback") else "poll",
        topic="fulfillments",
        body=(FIXTURES / f"{name}.json").read_bytes(),
        received_at=datetime(2026, 11, 21, tzinfo=UTC),
    )
    items = webhook.normalize(message, ACCOUNT)
    return [{"is": type(item).__name__, **json.loads(msgspec.json.encode(item))} for item in items]


def order_of(name: str, **changes: Any) -> Node:
    return Node(json.loads((FIXTURES / f"{name}.json").read_text()) | changes, "")


def asked(**changes: Any) -> FulfillmentRequest:
    values: dict[str, Any] = {
        "reference": "E-7KQ2-1-1",
        "idempotency_key": "2f6c-1001-1",
        "recipient": Address(
            name="Åsa Ögren-Müller",
            line1="Prövgatan 3",
            line2="c/o Łukasz",
            city="Stockholm",
            postal_code="113 30",
            country="SE",
        ),
        "email": "asa@kund.example",
        "items": (
            RequestedItem(reference="L1", provider_sku="global-fap-16x24", quantity=3),
            RequestedItem(reference="L2", provider_sku="GLOBAL-STI-3X4", quantity=12),
        ),
        "shipping_method": "Standard",
    }
    return FulfillmentRequest(**(values | changes))


@pytest.mark.parametrize(
    "name", sorted(path.stem for path in FIXTURES.glob("*.json") if ".expected" not in path.name)
)
def test_a_golden_file_reads_as_it_did(name: str) -> None:
    expected = json.loads((FIXTURES / f"{name}.expected.json").read_text())

    assert normalized(name) == expected


def test_words_that_nobody_knows_are_kept_and_never_guessed() -> None:
    order = mapping.to_provider_order(order_of("order_with_unknown_words"))

    assert (order.stage, order.source_stage) == (ProviderStage.UNKNOWN, "Levitating")
    assert [(i.kind, i.code) for i in order.issues] == [(IssueKind.OTHER, "order.MoonInRetrograde")]
    assert order.shipments[0].state is ShipmentState.UNKNOWN
    assert order.charges[0].kind == "astrology"
    assert order.charges[0].amount == Money(Decimal(12), "JPY")


@pytest.mark.parametrize(
    ("_case", "word", "stage"),
    [
        ("as in the tables", "inProgress", ProviderStage.IN_PRODUCTION),
        ("as in the examples", "InProgress", ProviderStage.IN_PRODUCTION),
        ("shouted", "COMPLETE", ProviderStage.COMPLETE),
        ("the list's filter", "awaitingPayment", ProviderStage.AWAITING_PAYMENT),
        ("a draft", "Draft", ProviderStage.ON_HOLD),
    ],
)
def test_stages_are_compared_without_regard_to_case(
    _case: str, word: str, stage: ProviderStage
) -> None:
    order = order_of("order_accepted", status={"stage": word, "issues": [], "details": {}})

    assert mapping.to_provider_order(order).stage is stage


def test_an_order_on_hold_comes_with_its_id_alone() -> None:
    order = mapping.to_provider_order(order_of("order_paused"), reference="E-9-1-1")

    assert order.stage is ProviderStage.ON_HOLD
    assert (order.external_id, order.reference) == ("ord_901002", "E-9-1-1")
    assert order.fingerprint == ""


def test_the_echo_of_a_request_has_its_fingerprint_whatever_the_case_of_the_sku() -> None:
    assert (
        mapping.to_provider_order(order_of("order_accepted")).fingerprint == asked().fingerprint()
    )


@pytest.mark.parametrize(
    ("_case", "other"),
    [
        ("another number of copies", {"items": asked().items[:1]}),
        ("another street", {"recipient": Address(name="Åsa Ögren-Müller", line1="Elsewhere 1")}),
    ],
)
def test_other_content_has_another_fingerprint(_case: str, other: dict[str, Any]) -> None:
    assert (
        mapping.to_provider_order(order_of("order_accepted")).fingerprint
        != asked(**other).fingerprint()
    )


@pytest.mark.parametrize(
    ("person", "name", "line2"),
    [("Žofie", "Žofie", "Pekárna s.r.o."), ("", "Pekárna s.r.o.", None)],
)
def test_a_company_rides_in_line_two_or_is_the_name_and_is_recognised_there(
    person: str, name: str, line2: str | None
) -> None:
    recipient = Address(name=person, company="Pekárna s.r.o.", line1="Nová 1")
    request = asked(recipient=recipient)

    body = asking.to_order(request)
    change = asking.to_recipient_change(recipient, "zofie@example.org")

    assert body["recipient"]["name"] == change["name"] == name
    assert body["recipient"]["address"].get("line2") == line2
    assert change["address"]["line2"] == (line2 or "")
    assert mapping.sent_fingerprint(request) == mapping.to_provider_order(
        Node({"id": "ord_1", **body, "status": {"stage": "InProgress"}, "items": [
            {**item, "id": f"ori_{index}"} for index, item in enumerate(body["items"])
        ]}, "")
    ).fingerprint  # fmt: skip


def test_a_request_is_written_whole_and_without_empty_fields() -> None:
    request = asked(
        callback_url="https://hub.example/hooks/7/t0k3n",
        metadata=(("order", "E-7KQ2"),),
        items=(
            RequestedItem(
                reference="L1",
                provider_sku="GLOBAL-CAN-10X10",
                quantity=2,
                attributes=(("wrap", "White"),),
                sizing="fitPrintArea",
                assets=(RequestedAsset(print_area="default", url=ASSET, md5="ab" * 16),),
                customer_price=Money.of("1250.5", "JPY"),
            ),
        ),
    )  # fmt: skip

    assert asking.to_order(request) == {
        "merchantReference": "E-7KQ2-1-1",
        "idempotencyKey": "2f6c-1001-1",
        "shippingMethod": "Standard",
        "callbackUrl": "https://hub.example/hooks/7/t0k3n",
        "metadata": {"order": "E-7KQ2"},
        "recipient": {
            "name": "Åsa Ögren-Müller",
            "email": "asa@kund.example",
            "address": {
                "line1": "Prövgatan 3",
                "line2": "c/o Łukasz",
                "postalOrZipCode": "113 30",
                "countryCode": "SE",
                "townOrCity": "Stockholm",
            },
        },
        "items": [
            {
                "merchantReference": "L1",
                "sku": "GLOBAL-CAN-10X10",
                "copies": 2,
                "sizing": "fitPrintArea",
                "attributes": {"wrap": "White"},
                "assets": [
                    {
                        "printArea": "default",
                        "url": ASSET,
                        "md5Hash": "ab" * 16,
                    }
                ],
                "recipientCost": {"amount": "1251", "currency": "JPY"},
            }
        ],
    }


def test_metadata_that_is_too_long_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(Rejected) as refused:
        asking.to_order(asked(metadata=(("note", "ž" * 2000),)))

    assert (refused.value.code, refused.value.fault) == ("MetadataTooLong", "order")


@given(copies=st.integers(1, 500), count=st.integers(1, 7))
def test_copies_shared_out_over_shipments_are_never_more_than_were_ordered(
    copies: int, count: int
) -> None:
    body = order_of("order_accepted").value
    body["items"][0]["copies"] = copies
    body["shipments"] = [
        {"id": f"shp_{n}", "status": "Shipped", "items": [{"itemId": "ori_101"}]}
        for n in range(count)
    ]

    order = mapping.to_provider_order(Node(body, ""))

    quantities = [sum(item.quantity for item in each.items) for each in order.shipments]
    assert sum(quantities) == copies
    assert max(quantities) - min(quantities) <= 1


@pytest.mark.parametrize(
    ("_case", "failures", "code", "fault"),
    [
        ("a wrong SKU is the mapping's", {"items[0].sku": ["SkuNotFound"]}, "SkuNotFound", "order"),
        (
            "an item that is out",
            {"items[1].sku": ["ItemUnavailable"]},
            "ItemUnavailable",
            "provider",
        ),
        (
            "an address beside an item that is out",
            {"items[1].sku": ["itemUnavailable"], "recipient.name": ["Required"]},
            "itemUnavailable",
            "order",
        ),
        ("a code that nobody listed", {"items": ["Unheard"]}, "Unheard", "order"),
    ],
)
def test_a_refusal_says_whose_fault_it_is(
    _case: str, failures: dict[str, list[str]], code: str, fault: str
) -> None:
    rows = {
        field: [{"code": code, "providedValue": "Prövgatan 3"} for code in codes]
        for field, codes in failures.items()
    }

    refused = mapping.refusal(Node({"outcome": "ValidationFailed", "failures": rows}, ""))

    assert (refused.code, refused.fault) == (code, fault)
    assert "Prövgatan" not in str(refused)  # values are personal


@pytest.mark.parametrize(
    ("_case", "changes", "path"),
    [
        ("no id", {"id": None}, "id: expected text, found null"),
        ("a number for an id", {"id": 7}, "id: expected text, found a number"),
        ("a bad instant", {"lastUpdated": "yesterday"}, "lastUpdated: expected an ISO 8601"),
        (
            "a shipment of a stranger's item",
            {"shipments": [{"id": "shp_1", "items": [{"itemId": "ori_9"}]}]},
            "shipments[0].items: an item that the order does not have",
        ),
        (
            "no such currency",
            {"charges": [{"id": "chg_1", "totalCost": {"amount": "1", "currency": "€"}}]},
            "charges[0].totalCost: '€' is not a currency code",
        ),
        (
            "an amount in words",
            {"charges": [{"id": "chg_1", "totalCost": {"amount": "one", "currency": "EUR"}}]},
            "charges[0].totalCost: 'one' is not an amount",
        ),
    ],
)
def test_what_cannot_be_read_is_named_by_its_path(
    _case: str, changes: dict[str, Any], path: str
) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(path)):
        mapping.to_provider_order(order_of("order_accepted", **changes))


def test_a_refusal_is_told_in_words_with_prodigis_own_beside_them() -> None:
    body = {
        "outcome": "ValidationFailed",
        "failures": {
            "items[1].sku": [{"code": "SkuNotFound", "providedValue": "MUG-1"}],
            "recipient.address.townOrCity": [{"code": "Required", "providedValue": None}],
            "items": ["MustNotBeEmptyArray"],
        },
    }

    refused = mapping.refusal(Node(body, ""))

    assert str(refused) == (
        "Prodigi refused: SKU of item 2: SKU not found (items[1].sku: SkuNotFound);"
        " town or city: required (recipient.address.townOrCity: Required);"
        " items: must not be empty array (items: MustNotBeEmptyArray)"
    )
