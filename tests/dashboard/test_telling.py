"""What a timeline says of an event is made of what the event carries."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from entrepot.dashboard.reading.telling import TELLINGS
from entrepot.events.catalog import CATALOG


class Asked(Mapping[str, Any]):
    """Data that has a word for everything, and notes what it is asked for."""

    def __init__(self) -> None:
        self.keys_asked: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.keys_asked.add(key)
        return {"amount": "8400", "currency": "JPY"}.get(key, "word")

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@pytest.mark.parametrize("name", sorted(TELLINGS))
def test_a_telling_asks_only_for_what_the_event_carries(name: str) -> None:
    data = Asked()

    words = TELLINGS[name].words(data)

    assert words
    assert sorted(data.keys_asked - set(CATALOG[name].data)) == []


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        (
            "order.hold_lifted",
            {"kind": "shipping_unmapped", "about": "4:"},
            "Hold lifted. Shipping method is not mapped",
        ),
        (
            "order.held",
            {"kind": "shipping_unmapped", "about": "4:Päckchen: klein"},
            "Held. Shipping method is not mapped: Päckchen: klein",
        ),
        (
            "order.changed",
            {"state": "processing", "source_status": "in-production"},
            "Storefront told something new: “in-production”",
        ),
        ("order.changed", {"state": "deleted"}, "Storefront no longer has it"),
        ("payment.failed", {"amount": "12.5", "currency": "EUR"}, "Payment refused 12.50\xa0EUR"),
        ("payment.dispute_closed", {"kind": "dispute_lost"}, "Dispute lost"),
        (
            "parcel.exception",
            {"status": "exception", "tracking_number": "NP 4711"},
            "Parcel NP 4711: carrier reports trouble",
        ),
        (
            "fulfillment_order.rejected",
            {"from": "submitted", "to": "open", "code": "SkuNotFound", "fault": "order"},
            "Provider refused: “SKU not found (SkuNotFound)”",
        ),
        ("fulfillment_order.rejected", {"from": "submitted", "to": "open"}, "Not handed over"),
        ("attempt.rejected", {"effect": "refund"}, "Refund rejected"),
        (
            "attempt.rejected",
            {"effect": "refund", "outcome": {"code": "card_declined"}},
            "Refund rejected: “card declined (card_declined)”",
        ),
    ],
)
def test_an_event_is_told_by_its_own_data(name: str, data: dict[str, Any], words: str) -> None:
    assert TELLINGS[name].words(data) == words
